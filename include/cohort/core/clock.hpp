// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Time and turns: sleep_for, sleep_until, yield_now, checkpoint, now.

#include <coroutine>
#include <thread>

#include "cohort/core/operation.hpp"  // Operation
#include "cohort/core/task.hpp"       // as_awaiter

namespace cohort::inline v0 {
namespace detail {

/// A wait for nothing.
struct NeverWait {
  using Result = void;
  struct Place : Waiter {
    using Waiter::Waiter;
  };
  bool try_now(Place&) noexcept { return false; }
  void arm(Place&) noexcept {}
  void disarm(Place&) noexcept {}
  bool retry(Place&) noexcept { return false; }
  void result(Place&) noexcept {}
};

/// A sleep is a wait for nothing that times out.
struct SleepWait : TimedSpec<NeverWait> {
  using Result = void;
  void result(Place& place) noexcept { TimedSpec<NeverWait>::result(place); }
};

inline Turn turn_of(Coroutine& running) noexcept {
  Context& context = running.context();
  return context.home->turn(context);
}

/// Lets others run: to the back of the ready queue, unless a policy says that it goes on.
class Yield {
 public:
  class Awaiter {
   public:
    explicit Awaiter(Coroutine& self) noexcept : self_(self) {}
    bool await_ready() const noexcept {
      return self_.scope().stop_requested() || turn_of(self_) == Turn::goes_on;
    }
    COHORT_NOINLINE void await_suspend(std::coroutine_handle<>) const noexcept {
      self_.post_to(*self_.context().home);
    }
    void await_resume() const {
      if (self_.scope().stop_requested()) throw Cancelled{};
    }

   private:
    Coroutine& self_;
  };
  Awaiter as_awaiter(Coroutine& self) const noexcept { return Awaiter(self); }
  void block() const noexcept { std::this_thread::yield(); }
};

/// Only the look at the stop token, unless a policy says that its turn is over.
class Checkpoint {
 public:
  class Awaiter {
   public:
    explicit Awaiter(Coroutine& self) noexcept : self_(self) {}
    bool await_ready() const noexcept {
      return self_.scope().stop_requested() || turn_of(self_) != Turn::ends;
    }
    COHORT_NOINLINE void await_suspend(std::coroutine_handle<>) const noexcept {
      self_.post_to(*self_.context().home);
    }
    void await_resume() const {
      if (self_.scope().stop_requested()) throw Cancelled{};
    }

   private:
    Coroutine& self_;
  };
  Awaiter as_awaiter(Coroutine& self) const noexcept { return Awaiter(self); }
};

}  // namespace detail

/// Sleeps that long on the executor's clock; a cancellation point. On a thread: `.block()`.
template <class Rep, class Period>
Operation<detail::SleepWait> sleep_for(std::chrono::duration<Rep, Period> d) {
  return Operation(detail::SleepWait{{{}, detail::Limit::within(d)}});
}
template <class AnyClock, class Duration>
Operation<detail::SleepWait> sleep_until(std::chrono::time_point<AnyClock, Duration> t) {
  return Operation(detail::SleepWait{{{}, detail::Limit::until(t)}});
}

/// `co_await yield_now()`: whatever is ready runs first; on a PolicyExecutor, whatever the policy
/// says. A cancellation point.
[[nodiscard("co_await it")]] inline detail::Yield yield_now() noexcept { return {}; }
/// `co_await checkpoint()`: throws Cancelled if the task was asked to stop; else goes straight on,
/// unless it runs on a PolicyExecutor and its turn is over.
[[nodiscard("co_await it")]] inline detail::Checkpoint checkpoint() noexcept { return {}; }

/// The time on the clock of the executor that runs this; of the machine outside one. Monotonic.
inline TimePoint now() noexcept {
  const detail::Context* const context = detail::current_context();
  return context ? context->home->now() : Clock::now();
}

}  // namespace cohort::inline v0
