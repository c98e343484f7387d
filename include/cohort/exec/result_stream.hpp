// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ResultStream: what a pool's `imap` and `imap_unordered` yield.
///
///     auto results = pool.imap(work, input);
///     while (auto x = co_await results.next()) use(*x);     // in a coroutine
///     for (auto& x : results.blocking()) use(x);            // on a thread

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "cohort/core/detail/basic_event.hpp"     // there is something for next()
#include "cohort/core/detail/blocking_range.hpp"  // blocking()
#include "cohort/core/future.hpp"                 // Future
#include "cohort/core/stop.hpp"                   // StopCallback
#include "cohort/exec/detail/chunk.hpp"           // Fate

namespace cohort::inline v0 {
namespace detail {

/// What the consumer, the chunks under way and terminate() share.
template <class T>
class StreamCore : public std::enable_shared_from_this<StreamCore<T>> {
  using Work = Future<std::vector<Fate<T>>>;

 public:
  /// `submit` makes a chunk of the input and calls `add`, or `fail`, or `end`. (No virtual function:
  /// g++ would warn of a user's lambda in what it instantiates.)
  using Submit = void (*)(StreamCore&);
  StreamCore(Submit submit, bool ordered, std::size_t limit, Home* driver)
      : submit_(submit), ordered_(ordered), limit_(limit), driver_(driver) {}
  StreamCore(const StreamCore&) = delete;
  StreamCore& operator=(const StreamCore&) = delete;
  virtual ~StreamCore() = default;

  Home* driver() const noexcept { return driver_; }
  BasicEvent<Gate>& ready() noexcept { return ready_; }

  /// The consumer: submits as much as may be under way.
  void refill() {
    while (wants_more()) submit_(*this);
  }

  /// The consumer, when ready: the next result, or the end.
  std::optional<T> take() {
    std::unique_lock lock(mutex_);
    Entry* const entry = first_done();
    if (!entry) return std::nullopt;
    Fate<T> fate = std::move(entry->fates[entry->taken++]);
    if (entry->taken == entry->fates.size()) entries_.erase(entries_.begin() + index(*entry));
    update();
    lock.unlock();
    if (fate.error) std::rethrow_exception(std::move(fate.error));
    return std::move(fate.value);
  }

  /// No more input; what is under way is asked to stop. Any thread.
  void cancel() noexcept {
    for (;;) {
      Work work;
      {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
        for (Entry& entry : entries_) {
          if (!work.valid()) work = std::move(entry.work);
        }
      }
      if (!work.valid()) break;
      work.cancel();
    }
    end();
  }

 protected:
  void add(Work work, std::size_t elements) {
    std::size_t number = 0;
    bool cancelled = false;
    {
      const std::lock_guard lock(mutex_);
      number = ++added_;
      cancelled = cancelled_;
      entries_.push_back(Entry{work, {}, number, 0, 0});
    }
    if (cancelled) work.cancel();
    work.add_done_callback([core = this->shared_from_this(), number, elements](Work done) {
      core->arrived(number, elements, std::move(done));
    });
  }
  /// An error at this place of the stream.
  void fail(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    entries_.push_back(Entry{{}, {}, ++added_, 0, ++arrivals_});
    entries_.back().fates.push_back({std::nullopt, std::move(error)});
    update();
  }
  virtual void end() noexcept {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    update();
  }

 private:
  struct Entry {
    Work work;
    std::vector<Fate<T>> fates;
    std::size_t number;
    std::size_t taken;
    std::size_t arrival;  // 0: under way
  };

  bool wants_more() {
    const std::lock_guard lock(mutex_);
    return !ended_ && !cancelled_ && entries_.size() < limit_;
  }
  void arrived(std::size_t number, std::size_t elements, Work done) {
    const auto wait = OperationAccess::take(std::move(done).operation());
    const std::exception_ptr error = wait.state->exception();
    const std::lock_guard lock(mutex_);
    for (Entry& entry : entries_) {
      if (entry.number != number) continue;
      if (error) {
        entry.fates.assign(elements, Fate<T>{std::nullopt, error});
      } else {
        entry.fates = std::move(*wait.state->slot);
      }
      entry.arrival = ++arrivals_;
      entry.work = {};
    }
    update();
  }

  // Under the lock from here on.
  Entry* first_done() noexcept {
    Entry* first = nullptr;
    for (Entry& entry : entries_) {
      if (entry.arrival && (!first || entry.arrival < first->arrival)) first = &entry;
      if (ordered_) break;
    }
    return first;
  }
  auto index(const Entry& entry) const noexcept { return &entry - entries_.data(); }
  void update() noexcept {
    if (first_done() || (ended_ && entries_.empty())) {
      ready_.set();
    } else {
      ready_.clear();
    }
  }

  const Submit submit_;
  const bool ordered_;
  const std::size_t limit_;
  Home* const driver_;
  BasicEvent<Gate> ready_;
  std::mutex mutex_;
  std::vector<Entry> entries_;  // in the order of the input
  std::size_t added_ = 0;
  std::size_t arrivals_ = 0;
  bool ended_ = false;
  bool cancelled_ = false;
};

template <class T>
struct StreamWait {
  using Result = std::optional<T>;
  struct Place : Waiter {
    using Waiter::Waiter;
  };
  StreamCore<T>* core;
  bool try_now(Place&) noexcept { return core->ready().is_set(); }
  void arm(Place& place) noexcept { core->ready().arm(place); }
  void disarm(Place& place) noexcept { core->ready().disarm(place); }
  bool retry(Place&) noexcept { return false; }
  Home* driver() const noexcept { return core->driver(); }
  Result result(Place&) { return core->take(); }
};

}  // namespace detail

/// Results of type T as they come. Move-only; one consumer at a time; must not outlive its pool.
/// Destroying it asks what is under way to stop, and does not wait for it.
template <class T>
class [[nodiscard("nothing is submitted before next()")]] ResultStream {
 public:
  using value_type = T;

  ResultStream(std::shared_ptr<detail::StreamCore<T>> core, detail::StopScope & stop)
      : core_(std::move(core)),
        stopping_(std::make_unique<Stopping>(StopToken(stop), Cancel{core_})) {}
  ResultStream(ResultStream &&) noexcept = default;
  ResultStream& operator=(ResultStream&& other) noexcept {
    std::swap(core_, other.core_);
    std::swap(stopping_, other.stopping_);
    return *this;
  }
  ~ResultStream() {
    stopping_.reset();
    if (core_) core_->cancel();
  }

  /// The next result; empty at the end. Reads as much of the input as may be under way, here and
  /// nowhere else. Throws what the function threw for this element, or what the input threw in this
  /// place; the next call goes on behind it. Throws Cancelled for what terminate() stopped. One
  /// that timed out or was cancelled has lost nothing.
  Operation<detail::StreamWait<T>> next() {
    core_->refill();
    return Operation(detail::StreamWait<T>{core_.get()});
  }

  /// The results for a thread's `for`. Throws as `next().block()` does, and Cancelled when stop is
  /// requested.
  auto blocking(StopToken stop = {})& {
    return detail::BlockingRange<ResultStream&>(*this, std::move(stop));
  }
  auto blocking(StopToken stop = {})&& {
    return detail::BlockingRange<ResultStream>(std::move(*this), std::move(stop));
  }

 private:
  struct Cancel {
    std::shared_ptr<detail::StreamCore<T>> core;
    void operator()() const noexcept { core->cancel(); }
  };
  using Stopping = StopCallback<Cancel>;

  std::shared_ptr<detail::StreamCore<T>> core_;
  std::unique_ptr<Stopping> stopping_;
};

}  // namespace cohort::inline v0
