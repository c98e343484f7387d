// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Timer: a thread that calls a function once, after a while, unless it is cancelled before.
///
///     Timer alarm{30s, ring, "tea"};
///     alarm.start();
///     alarm.cancel();

#include <atomic>
#include <memory>
#include <utility>

#include "cohort/exec/launch.hpp"  // make_task
#include "cohort/exec/thread.hpp"  // Thread
#include "cohort/os/deadline.hpp"  // durations
#include "cohort/sync/event.hpp"   // Event

namespace cohort::inline v0 {

/// A Thread in every respect: to be started, joined, a daemon. The time counts from `start()`.
class Timer final : public Thread {
 public:
  template <class Rep, class Period, class Fn, class... Args>
  requires detail::Callable<Fn, Args...> Timer(std::chrono::duration<Rep, Period> delay, Fn&& fn,
                                               Args&&... args)
      : Timer(ThreadOptions{}, delay, std::forward<Fn>(fn), std::forward<Args>(args)...) {}
  template <class Rep, class Period, class Fn, class... Args>
  requires detail::Callable<Fn, Args...> Timer(ThreadOptions options,
                                               std::chrono::duration<Rep, Period> delay, Fn&& fn,
                                               Args&&... args)
      : Timer(std::move(options), std::make_shared<State>(), detail::add_saturating({}, delay),
              detail::no_result(
                  detail::make_task(std::forward<Fn>(fn), std::forward<Args>(args)...))) {}

  /// True: the function will never be called, and the thread ends soon. False: it was called, or
  /// this was. Any thread, also before start().
  bool cancel() {
    life();  // throws UsageError if this was moved from
    return state_->decide();
  }

 private:
  struct State {
    // The first to ask decides: the function's call or its cancellation.
    bool decide() noexcept {
      if (decided.exchange(true, std::memory_order_acq_rel)) return false;
      over.set();
      return true;
    }
    std::atomic<bool> decided{false};
    Event over;
  };

  Timer(ThreadOptions options, std::shared_ptr<State> state, TimePoint delay, Task<> target)
      : Thread(std::move(options), wait(state, delay.time_since_epoch(), std::move(target))),
        state_(std::move(state)) {}

  static Task<> wait(std::shared_ptr<State> state, Clock::duration delay, Task<> target) {
    const bool cancelled = co_await state->over.wait().within(delay);
    if (!cancelled && state->decide()) co_await std::move(target);
  }

  std::shared_ptr<State> state_;
};

}  // namespace cohort::inline v0
