// SPDX-License-Identifier: BSL-1.0
#pragma once

/// EventLoop: a Scheduler without threads; whoever calls run() is its thread.
///
///     EventLoop loop;
///     Future<int> f = spawn(loop, work, 1);
///     int x = f.block();                       // drives the loop on this thread

#include <atomic>
#include <cstdint>

#include "cohort/core/detail/task_count.hpp"   // live tasks
#include "cohort/core/detail/timer_queue.hpp"  // sleep_for, within
#include "cohort/exec/detail/drain_wait.hpp"   // drained
#include "cohort/exec/detail/injector.hpp"     // the way in
#include "cohort/exec/executor.hpp"            // SchedulerFace

namespace cohort::inline v0 {

/// Whose time a loop goes by.
enum class LoopTime {
  real,
  simulated,  ///< stands still while there is work, then jumps to the next deadline: for tests
};

/// First in, first out. `submit`, `spawn` and `post` may be called by any thread; one thread at a
/// time drives. The destructor runs what is ready, then cancels what is still suspended and drives
/// it to its end; it must not run inside one of the loop's own tasks.
class EventLoop final : public detail::SchedulerFace<EventLoop>, private detail::Home {
 public:
  explicit EventLoop(LoopTime time = LoopTime::real) : time_(time) {}
  /// For the library: a loop whose tasks are also stopped from above.
  explicit EventLoop(detail::StopScope* parent) : tasks_(parent) {}

  ~EventLoop() {
    closed_.store(true, std::memory_order_seq_cst);
    run_ready();
    tasks_.scope().request_stop();
    run_while([this] { return tasks_.live() != 0; }, detail::never);
    run_ready();  // turns of a Strand, say, that found nothing to do
    for (unsigned round = 0; visits_.load(std::memory_order_acquire) != 0; ++round) {
      detail::RealAtomics::relax(round);
    }
  }

  /// Runs until no task is left, or waits for the thread that runs it already.
  void run() {
    const auto no_task = [](const void* self) noexcept {
      return static_cast<const EventLoop*>(self)->tasks_.live() == 0;
    };
    run_until(no_task, this, detail::never);
  }

  /// Runs what is ready now, without sleeping; yields how many resumptions there were. For loops
  /// of one's own, and for tests.
  std::size_t run_ready() {
    std::size_t count = 0;
    detail::Context context{this};
    const detail::ActivationGuard active(context);
    timers_.expire(now());
    while (detail::Coroutine* c = ready_.next(posted_)) {
      detail::drive(context, c);
      ++count;
    }
    return count;
  }

  /// Takes no more work; done when what was begun has ended. Awaited elsewhere, somebody must drive.
  auto shutdown() {
    closed_.store(true, std::memory_order_seq_cst);
    if (tasks_.live() == 0) drained_.set();
    return detail::drained(drained_, this);
  }

  std::size_t concurrency() const noexcept { return 1; }
  /// The loop's clock.
  TimePoint now() const noexcept override {
    if (time_ == LoopTime::real) return Clock::now();
    return TimePoint{Clock::duration{simulated_now_.load(std::memory_order_relaxed)}};
  }
  /// With simulated time: whatever runs now takes that long. Any thread. Throws UsageError if the
  /// time is real.
  template <class Rep, class Period>
  void advance(std::chrono::duration<Rep, Period> d) {
    if (time_ == LoopTime::real) {
      throw UsageError("EventLoop::advance(): real time cannot be moved; use LoopTime::simulated");
    }
    simulated_now_.store(detail::add_saturating(now(), d).time_since_epoch().count(),
                         std::memory_order_relaxed);
  }
  detail::Home& home() noexcept { return *this; }
  using SchedulerFace::shutdown;
  /// For the library: asks every task to stop.
  void stop_tasks() noexcept { tasks_.scope().request_stop(); }
  /// For the library: what has not begun never will.
  void drop_queued() noexcept {
    tasks_.drop_queued();
    const Driving driving(*this);
    detail::Coroutine* const ready = driving.mine ? ready_.take_all() : nullptr;
    for (detail::Coroutine* list : {ready, posted_.take_all_in_order()}) {
      detail::drop_queued(list, [this](detail::Coroutine& c) { post(c); });
    }
  }
  using SchedulerFace::post;

 private:
  static constexpr std::uint32_t idle = 0;
  static constexpr std::uint32_t rung = 1;
  static constexpr std::uint32_t sleeping = 2;

  // Another thread is in the middle of a call here; the destructor waits for it to leave.
  struct Visit {
    explicit Visit(EventLoop& l) noexcept : loop(l) {
      loop.visits_.fetch_add(1, std::memory_order_seq_cst);
    }
    ~Visit() { loop.visits_.fetch_sub(1, std::memory_order_release); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    EventLoop& loop;
  };

  // One thread drives at a time; nested activations of that thread are the same driver.
  struct Driving {
    explicit Driving(EventLoop& l) noexcept : loop(l) {
      std::uint32_t free = 0;
      first = loop.driver_.compare_exchange_strong(free, 1, std::memory_order_acquire);
      mine = first;
      for (auto* c = detail::current_context(); c && !mine; c = c->outer) mine = c->home == &loop;
    }
    ~Driving() {
      if (!first) return;
      loop.driver_.store(0, std::memory_order_release);
      detail::RealAtomics::wake_all(&loop.driver_);
    }
    Driving(const Driving&) = delete;
    Driving& operator=(const Driving&) = delete;
    EventLoop& loop;
    bool first;
    bool mine;
  };

  template <class Condition>
  void run_while(Condition condition, TimePoint deadline) {
    detail::Context context{this};
    const detail::ActivationGuard active(context);
    for (std::uint32_t tick = 0; condition(); ++tick) {
      if (tick % 64 == 0 || ready_.empty()) timers_.expire(now());
      if (detail::Coroutine* c = ready_.next(posted_)) {
        detail::drive(context, c);
      } else if (deadline != detail::never && Clock::now() >= deadline) {
        return;
      } else {
        sleep(condition, deadline);
      }
    }
  }

  template <class Condition>
  void sleep(Condition& condition, TimePoint deadline) noexcept {
    const TimePoint timer = timers_.next();
    if (time_ == LoopTime::simulated && timer != detail::never && posted_.empty()) {
      simulated_now_.store(timer.time_since_epoch().count(), std::memory_order_relaxed);
      return;
    }
    bell_.store(sleeping, std::memory_order_seq_cst);
    // Whoever rings has changed one of these before he looks at the bell. A task that ends
    // elsewhere counts itself down first, so that its future's state is seen after live().
    tasks_.live();
    if (posted_.empty() && timers_.next() == timer && condition()) {
      const detail::BlockedSection blocked(detail::current_context()->outer);
      detail::RealAtomics::wait(bell_, sleeping, timer < deadline ? timer : deadline);
    }
    bell_.store(idle, std::memory_order_seq_cst);
  }

  void ring() noexcept {
    if (bell_.load(std::memory_order_seq_cst) == sleeping &&
        bell_.exchange(rung, std::memory_order_seq_cst) == sleeping) {
      detail::RealAtomics::wake_one(&bell_);
    }
  }

  void post(detail::Coroutine& coroutine) noexcept override {
    if (const auto* context = detail::current_context(); context && context->home == this) {
      posted_.push(coroutine);  // by a thread that drives the loop, so it is awake
      return;
    }
    const Visit visit(*this);  // the coroutine may run and the loop be gone before ring()
    posted_.push(coroutine);
    ring();
  }
  // A fork's children, last first, so that they run in their order.
  void push(detail::Context&, detail::Coroutine& coroutine) noexcept override {
    ready_.push_front(coroutine);
  }
  void add_timer(detail::TimerNode& node, TimePoint when) noexcept override {
    if (timers_.add(node, when)) ring();
  }
  void remove_timer(detail::TimerNode& node) noexcept override { timers_.remove(node); }
  void keep_time() noexcept override { timers_.expire(now()); }

  detail::TaskCount& task_begins() override {
    tasks_.begin();
    if (closed_.load(std::memory_order_seq_cst)) {
      task_ends(tasks_);
      throw ShutDown("this EventLoop was shut down: it takes no more work");
    }
    return tasks_;
  }
  void task_ends(detail::TaskCount&) noexcept override {
    const Visit visit(*this);
    tasks_.end();
    if (closed_.load(std::memory_order_seq_cst) && tasks_.live() == 0) drained_.set();
    ring();
  }

  Home* driver() noexcept override { return this; }
  void run_until(bool (*done)(const void*) noexcept, const void* argument,
                 TimePoint deadline) override {
    while (!done(argument) && (deadline == detail::never || Clock::now() < deadline)) {
      const Driving driving(*this);
      if (driving.mine) {
        run_while([&] { return !done(argument); }, deadline);
      } else {  // look again soon: the driver may leave without ending what we wait for
        const detail::BlockedSection blocked(detail::current_context());
        detail::RealAtomics::wait(driver_, 1, Clock::now() + std::chrono::milliseconds(1));
      }
    }
  }

  detail::BasicInjector<detail::RealAtomics, detail::Coroutine> posted_;
  detail::ReadyList<detail::Coroutine> ready_;  // the driver's
  detail::TimerQueue timers_;
  detail::TaskCount tasks_;
  detail::BasicEvent<detail::Gate> drained_;
  const LoopTime time_ = LoopTime::real;
  std::atomic<Clock::rep> simulated_now_{0};
  std::atomic<bool> closed_{false};
  std::atomic<std::size_t> visits_{0};
  std::atomic<std::uint32_t> driver_{0};
  std::atomic<std::uint32_t> bell_{idle};
};

}  // namespace cohort::inline v0
