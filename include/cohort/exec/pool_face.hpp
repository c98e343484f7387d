// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The face of Python's Pool, written once for every executor that has `submit`.
///
///     std::vector<int> squares = pool.map(square, numbers).block();      // or co_await
///     auto results = pool.imap(fetch, addresses);
///     while (auto page = co_await results.next()) use(*page);
///     pool.close();
///     pool.join().block();

#include <atomic>
#include <concepts>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "cohort/core/deadline_task.hpp"      // shield
#include "cohort/core/future.hpp"             // Future
#include "cohort/core/stop.hpp"               // StopCallback
#include "cohort/core/when_all.hpp"           // when_all
#include "cohort/exec/cancel_futures.hpp"     // CancelFutures
#include "cohort/exec/detail/chunk.hpp"       // Chunk
#include "cohort/exec/detail/map_run.hpp"     // MapRun
#include "cohort/exec/detail/pool_work.hpp"   // see_through, with_callbacks
#include "cohort/exec/detail/ships_work.hpp"  // MapOf, applied_t
#include "cohort/exec/launch.hpp"             // launch, make_task
#include "cohort/exec/pool_task.hpp"          // PoolTask
#include "cohort/exec/progress.hpp"           // Progress
#include "cohort/exec/result_stream.hpp"      // ResultStream

namespace cohort::inline v0::detail {

template <class Pool, class Fn, class Range>
class Feed;

/// The base of an executor. Any thread may call anything at any time.
template <class Derived>
class PoolFace {
  template <class Fn, class Range>
  using mapped =
      typename MapOf<Derived, std::decay_t<Fn>, element_of<std::remove_reference_t<Range>>>::Value;
  template <class Fn, class Range>
  using imapped =
      typename MapOf<Derived, std::decay_t<Fn>, value_of<std::remove_reference_t<Range>>>::Value;

 public:
  PoolFace(const PoolFace&) = delete;
  PoolFace& operator=(const PoolFace&) = delete;

  /// Calls `fn(args…)`, stored, on the pool; yields and throws what it does.
  template <class Fn, class... Args>
  requires Callable<Fn, Args...> PoolTask<applied_t<Derived, Fn, Args...>> apply(Fn&& fn,
                                                                                 Args&&... args) {
    check_open();
    return {apply_task<std::decay_t<Fn>, std::decay_t<Args>...>(&self(), std::forward<Fn>(fn),
                                                                std::forward<Args>(args)...),
            driver()};
  }

  /// The same, begun now. Before the future is done `callback(result)` is called, or
  /// `error_callback(exception_ptr)`, on the pool; neither if it is cancelled before it begins.
  /// What a callback throws goes to the unobserved hook.
  template <class Fn, class Args = std::tuple<>, class Done = std::nullptr_t,
            class Failed = std::nullptr_t>
  auto apply_async(Fn&& fn, Args&& args = {}, Done callback = {}, Failed error_callback = {}) {
    check_open();
    const auto begin = [&](auto&&... each) {
      if constexpr (std::is_null_pointer_v<Done> && std::is_null_pointer_v<Failed>) {
        return self().submit(std::forward<Fn>(fn), std::forward<decltype(each)>(each)...);
      } else if constexpr (ships_work<Derived>) {
        return start(see_through(self().submit(fn, each...), &terminated_), std::move(callback),
                     std::move(error_callback));
      } else {
        return start(make_task(std::forward<Fn>(fn), std::forward<decltype(each)>(each)...),
                     std::move(callback), std::move(error_callback));
      }
    };
    return std::apply(begin, std::forward<Args>(args));
  }

  /// Calls `fn` with every element; yields the results in the order of the input. `chunksize`
  /// elements are one piece of work; automatic: four pieces for each worker. Elements of a
  /// container are passed by reference, others as stored copies. `fn` is copied into each piece.
  /// The first failure cancels the rest, all are awaited, then it is rethrown; further ones go to
  /// the unobserved hook. `progress()`, alone or after the chunk size, shows how far it is.
  /// Throws std::invalid_argument for a chunk size below 1; UsageError after close().
  template <class Fn, Range Range>
  PoolTask<std::vector<mapped<Fn, Range>>> map(Fn&& fn, Range&& range, MapHow how = {}) {
    check_open();
    return {map_task<std::decay_t<Fn>, Range>(&self(), std::forward<Fn>(fn),
                                              {std::forward<Range>(range)}, how),
            driver()};
  }
  template <class Fn, Range Range, std::integral Int>
  auto map(Fn&& fn, Range&& range, Int chunksize, Progress progress) {
    return map(std::forward<Fn>(fn), std::forward<Range>(range), MapHow(chunksize, progress));
  }

  /// The same over tuples, each of which holds the arguments of one call.
  template <class Fn, Range Range, class... How>
  auto starmap(Fn&& fn, Range&& range, How... how) {
    return map(Spread<std::decay_t<Fn>>{std::forward<Fn>(fn)}, std::forward<Range>(range), how...);
  }

  /// `map`, begun now; callbacks as in `apply_async`.
  template <class Fn, Range Range, class Done = std::nullptr_t, class Failed = std::nullptr_t>
  requires(!std::integral<Done>) auto map_async(Fn&& fn, Range&& range, Done callback = {},
                                                Failed error_callback = {}) {
    return start(
        Task<std::vector<mapped<Fn, Range>>>(map(std::forward<Fn>(fn), std::forward<Range>(range))),
        std::move(callback), std::move(error_callback));
  }
  template <class Fn, Range Range, std::integral Int, class Done = std::nullptr_t,
            class Failed = std::nullptr_t>
  auto map_async(Fn&& fn, Range&& range, Int chunksize, Done callback = {},
                 Failed error_callback = {}) {
    return start(Task<std::vector<mapped<Fn, Range>>>(
                     map(std::forward<Fn>(fn), std::forward<Range>(range), chunksize)),
                 std::move(callback), std::move(error_callback));
  }

  /// The results as a stream, in the order of the input. At most two chunks for each worker are
  /// under way or waiting for the consumer, so the input may be endless. Elements are copied.
  template <class Fn, Range Range, std::integral Int = int>
  ResultStream<imapped<Fn, Range>> imap(Fn&& fn, Range&& range, Int chunksize = 1) {
    return stream(std::forward<Fn>(fn), std::forward<Range>(range), chunksize, true);
  }
  /// The same, as they finish.
  template <class Fn, Range Range, std::integral Int = int>
  ResultStream<imapped<Fn, Range>> imap_unordered(Fn&& fn, Range&& range, Int chunksize = 1) {
    return stream(std::forward<Fn>(fn), std::forward<Range>(range), chunksize, false);
  }

  /// Takes no more work: the verbs above throw UsageError, `submit` throws ShutDown. What was
  /// begun goes on; streams do until `join()`. Again: nothing.
  void close() {
    if (state_.fetch_or(closed, std::memory_order_acq_rel) < a_stream) (void)self().shutdown();
  }
  /// Also asks to stop what runs, and drops what is queued, by whichever verb: their futures become
  /// Cancelled, nearly all before this returns, the rest when their turn comes.
  void terminate() {
    state_.fetch_or(closed, std::memory_order_acq_rel);
    (void)self().shutdown();
    terminated_.request_stop();
    if constexpr (requires { self().drop_queued(); }) self().drop_queued();
    if constexpr (requires { self().stop_tasks(); }) self().stop_tasks();
  }
  /// `shutdown()`, for which the futures of all that has not begun become Cancelled; what has begun
  /// ends as it likes.
  auto shutdown(CancelFutures futures) {
    auto operation = self().shutdown();
    if constexpr (requires { self().drop_queued(); }) {
      if (futures.cancel) self().drop_queued();
    }
    return operation;
  }
  /// Done when all that was begun has ended. Throws UsageError before close() or terminate().
  auto join() {
    if (!(state_.load(std::memory_order_acquire) & closed)) {
      throw UsageError("Pool is still running: call close() or terminate() before join()");
    }
    return self().shutdown();
  }

 protected:
  PoolFace() = default;
  ~PoolFace() = default;

 private:
  template <class, class, class>
  friend class Feed;
  static constexpr std::size_t closed = 1;
  static constexpr std::size_t a_stream = 2;

  Derived& self() noexcept { return static_cast<Derived&>(*this); }
  Home* driver() {
    if constexpr (requires { self().home(); }) {
      return self().home().driver();
    } else {
      return nullptr;
    }
  }
  void check_open() const {
    if (state_.load(std::memory_order_acquire) & closed) {
      throw UsageError("Pool not running: close() or terminate() was called; make a new one");
    }
  }

  template <class T, class Done, class Failed>
  Future<T> start(Task<T>&& work, Done done, Failed failed) {
    return launch_any(with_callbacks(std::move(work), std::move(done), std::move(failed)));
  }
  template <class T>
  Future<T> launch_any(Task<T>&& task) {
    if constexpr (ships_work<Derived>) {
      return self().launch_here(std::move(task));
    } else if constexpr (requires { self().home(); }) {
      return launch(self().home(), std::move(task));
    } else {
      return self().submit(Starter<T>{std::move(task)});
    }
  }

  template <class Fn, class... Args>
  static Task<applied_t<Derived, Fn, Args...>> apply_task(Derived* self, Fn fn, Args... args) {
    auto task = see_through(self->submit(std::move(fn), std::move(args)...), &self->terminated_);
    co_return co_await std::move(task);
  }

  template <class Range>
  struct Held {
    Range range;  // a reference to an lvalue
  };
  template <class Fn, class Range>
  static Task<std::vector<mapped<Fn, Range>>> map_task(Derived* self, Fn fn, Held<Range> input,
                                                       MapHow how) {
    using Element = element_of<std::remove_reference_t<Range>>;
    std::vector<Item<Element>> items;
    for (auto&& element : input.range) {
      items.push_back(make_item<Element>(std::forward<decltype(element)>(element)));
    }
    const std::size_t chunksize = how.chunksize(items.size(), self->concurrency());
    if constexpr (requires { self->home(); }) {
      ProgressLine line(how.progress(), items.size(), &self->home());
      typename MapOf<Derived, Fn, Element>::Run run(fn, items, line);
      if constexpr (ships_work<Derived>) {
        run.start(*self, chunksize);
      } else {
        run.start(self->home(), chunksize);
      }
      using Done = EventWait<BasicEvent<Gate>>;
      Operation done{Done{&run.done()}};
      Operation done_all_the_same{Done{&run.done()}};
      bool stopped = false;
      try {
        co_await std::move(done);
      } catch (const Cancelled&) {
        stopped = true;
      }
      if (stopped) {
        run.cancel();
        co_await shield(std::move(done_all_the_same));
      }
      co_return run.results();
    } else {
      ProgressLine line(how.progress(), items.size(), nullptr);
      std::atomic<bool> failed{false};
      std::vector<Task<std::vector<mapped<Fn, Range>>>> legs;
      for (auto at = items.begin(); at != items.end();) {
        const auto rest = static_cast<std::size_t>(items.end() - at);
        const auto end = at + static_cast<std::ptrdiff_t>(chunksize < rest ? chunksize : rest);
        Chunk<Fn, Element, false> piece{
            fn, {std::make_move_iterator(at), std::make_move_iterator(end)}};
        at = end;
        legs.push_back(map_piece(self, std::move(piece), &failed, &line));
      }
      auto all = when_all(std::move(legs));
      auto parts = co_await std::move(all);
      std::vector<mapped<Fn, Range>> results;
      results.reserve(items.size());
      for (auto& part : parts) {
        results.insert(results.end(), std::make_move_iterator(part.begin()),
                       std::make_move_iterator(part.end()));
      }
      co_return results;
    }
  }
  // Of a pool that is no Scheduler: the elements go there, the results come back.
  template <class Piece>
  static Task<launched_t<Piece>> map_piece(Derived* self, Piece piece, std::atomic<bool>* failed,
                                           ProgressLine* line) {
    if (failed->load(std::memory_order_relaxed)) co_return {};
    try {
      const std::size_t elements = piece.items.size();
      auto task = see_through(self->submit(std::move(piece)), &self->terminated_);
      auto results = co_await std::move(task);
      line->advance(elements);
      co_return results;
    } catch (...) {
      if (!failed->exchange(true, std::memory_order_relaxed)) throw;
    }
    co_return {};
  }

  template <class Fn, class Range, class Int>
  ResultStream<imapped<Fn, Range>> stream(Fn&& fn, Range&& range, Int chunksize, bool ordered) {
    const std::size_t size = checked_chunksize(chunksize);
    check_open();
    using Source = Feed<Derived, std::decay_t<Fn>, Range>;
    return {std::make_shared<Source>(self(), std::forward<Fn>(fn), std::forward<Range>(range), size,
                                     ordered),
            terminated_};
  }

  std::atomic<std::size_t> state_{0};  // closed, and the streams that have not ended
  StopScope terminated_;
};

/// The input side of a stream.
template <class Pool, class Fn, class Range>
class Feed final
    : public StreamCore<typename MapOf<Pool, Fn, value_of<std::remove_reference_t<Range>>>::Value> {
  using Element = value_of<std::remove_reference_t<Range>>;
  using Base = StreamCore<typename MapOf<Pool, Fn, Element>::Value>;
  using Face = PoolFace<Pool>;

 public:
  template <class F, class R>
  Feed(Pool& pool, F&& fn, R&& range, std::size_t chunksize, bool ordered)
      : Base(submit_chunk, ordered, 2 * pool.concurrency(), static_cast<Face&>(pool).driver()),
        pool_(pool),
        fn_(std::forward<F>(fn)),
        range_(std::forward<R>(range)),
        chunksize_(chunksize) {
    face().state_.fetch_add(Face::a_stream, std::memory_order_relaxed);
  }

 private:
  Face& face() noexcept { return pool_; }

  static void submit_chunk(Base& self) { static_cast<Feed&>(self).submit_chunk(); }
  void submit_chunk() {
    Chunk<Fn, Element, true> chunk{fn_, {}};
    std::exception_ptr error;
    bool more = true;
    try {
      while (more && chunk.items.size() < chunksize_) {
        if (at_) {
          ++*at_;
        } else {
          at_.emplace(std::begin(range_));
        }
        more = *at_ != std::end(range_);
        if (more) chunk.items.push_back(make_item<Element>(**at_));
      }
    } catch (...) {
      error = std::current_exception();
    }
    try {
      const std::size_t size = chunk.items.size();
      if (size > 0) {
        if constexpr (ships_work<Pool>) {
          this->add(pool_.submit_chunk(fn_, chunk.items), size);
        } else {
          this->add(pool_.submit(std::move(chunk)), size);
        }
      }
    } catch (...) {  // the pool takes no more
      if (!error) error = std::current_exception();
    }
    if (error) this->fail(error);
    if (error || !more) end();
  }

  void end() noexcept override {
    Base::end();
    if (ended_.exchange(true, std::memory_order_acq_rel)) return;
    const auto before = face().state_.fetch_sub(Face::a_stream, std::memory_order_acq_rel);
    if (before == Face::a_stream + Face::closed) (void)pool_.shutdown();
  }

  Pool& pool_;
  Fn fn_;
  Range range_;  // a reference to an lvalue
  std::optional<iterator_of<Range>> at_;
  const std::size_t chunksize_;
  std::atomic<bool> ended_{false};
};

}  // namespace cohort::inline v0::detail
