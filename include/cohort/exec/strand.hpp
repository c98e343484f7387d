// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Strand: one at a time, on any scheduler.
///
///     Strand strand{pool};
///     spawn(strand, update, 1);      // never at the same time
///     spawn(strand, update, 2);      // as this

#include <atomic>
#include <cstddef>
#include <exception>

#include "cohort/core/detail/basic_event.hpp"  // drained
#include "cohort/core/detail/task_count.hpp"   // live tasks
#include "cohort/exec/detail/injector.hpp"     // the way in
#include "cohort/exec/executor.hpp"            // SchedulerFace
#include "cohort/exec/run.hpp"                 // block of a PoolTask

namespace cohort::inline v0 {

namespace detail {

/// A list of ready coroutines, and a turn: a coroutine on the executor below that runs them. The
/// core lives as long as the Strand, a task or a turn refers to it.
class StrandCore final : public Home, private Completion {
 public:
  explicit StrandCore(Home& below) noexcept : below_(below) {}

  void post(Coroutine& c) noexcept override {
    retain();  // the coroutine may run, and be the last to refer to the strand
    posted_.push(c);
    // The first to find the strand idle starts a turn.
    if (!busy_.exchange(true, std::memory_order_seq_cst)) start_turn();
    release();
  }
  void add_timer(TimerNode& n, TimePoint when) noexcept override { below_.add_timer(n, when); }
  void remove_timer(TimerNode& node) noexcept override { below_.remove_timer(node); }
  TimePoint now() const noexcept override { return below_.now(); }
  TaskCount& task_begins() override {
    retain();
    live_.fetch_add(1, std::memory_order_seq_cst);
    try {
      if (closed_.load(std::memory_order_seq_cst)) {
        throw ShutDown("this Strand was shut down: it takes no more work");
      }
      return below_.task_begins();
    } catch (...) {
      one_less();
      throw;
    }
  }
  void task_ends(TaskCount& count) noexcept override {
    Home& below = below_;
    one_less();
    below.task_ends(count);
  }
  bool needs_driver() const noexcept override { return below_.needs_driver(); }
  void run_until(bool (*done)(const void*) noexcept, const void* argument,
                 TimePoint deadline) override {
    below_.run_until(done, argument, deadline);
  }

  BasicEvent<Gate>& close() noexcept {
    closed_.store(true, std::memory_order_seq_cst);
    if (live_.load(std::memory_order_seq_cst) == 0) drained_.set();
    return drained_;
  }

  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  ~StrandCore() = default;
  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void one_less() noexcept {
    if (live_.fetch_sub(1, std::memory_order_seq_cst) == 1 && closed_.load()) drained_.set();
    release();
  }

  void start_turn() noexcept {
    retain();
    auto& turn = take_turn(this).release();
    turn.set_completion(*this);
    turn.become_root(no_stop_);
    turn.post_to(below_);
  }
  static Task<> take_turn(StrandCore* self) {
    Coroutine& turn = co_await Self{};
    const PlainSection outside(turn);
    Context context{self};
    const ActivationGuard active(context);
    // A strand that is never idle lets others have the thread now and then.
    Coroutine* c = nullptr;
    for (int i = 0; i < 64 && (c = self->ready_.next(self->posted_)); ++i) drive(context, c);
  }
  // The turn is over.
  Coroutine* ended(Context&) noexcept override {
    busy_.store(false, std::memory_order_seq_cst);
    if (!(ready_.empty() && posted_.empty()) && !busy_.exchange(true, std::memory_order_seq_cst)) {
      start_turn();
    }
    release();
    return nullptr;
  }
  void fail(std::exception_ptr) noexcept override {}

  Home& below_;
  BasicInjector<RealAtomics, Coroutine> posted_;
  ReadyList<Coroutine> ready_;  // the turn's
  std::atomic<std::size_t> references_{1};
  std::atomic<std::size_t> live_{0};
  std::atomic<bool> busy_{false};
  std::atomic<bool> closed_{false};
  BasicEvent<Gate> drained_;
  StopScope no_stop_;
};

}  // namespace detail

/// A Scheduler on top of another: its tasks run on that one's threads, one at a time, first come
/// first served. Any thread may use it. Its tasks may outlive it; they must not outlive the
/// executor below.
class Strand : public detail::SchedulerFace<Strand> {
 public:
  template <Scheduler S>
  explicit Strand(S& below) : core_(new detail::StrandCore(below.home())) {}
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;
  ~Strand() { core_->release(); }

  std::size_t concurrency() const noexcept { return 1; }
  /// Takes no more work; done when what was begun has ended.
  auto shutdown() {
    return Operation(detail::EventWait<detail::BasicEvent<detail::Gate>>{&core_->close()});
  }
  detail::Home& home() noexcept { return *core_; }

 private:
  detail::StrandCore* core_;
};

static_assert(Scheduler<Strand>);

}  // namespace cohort::inline v0
