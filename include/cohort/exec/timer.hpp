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

#include "cohort/core/detail/basic_event.hpp"  // over
#include "cohort/core/operation.hpp"           // Operation
#include "cohort/exec/launch.hpp"              // make_task
#include "cohort/exec/thread.hpp"              // Thread
#include "cohort/os/deadline.hpp"              // durations

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
      : Timer(std::make_shared<State>(), std::move(options), delay,
              detail::no_result(
                  detail::make_task(std::forward<Fn>(fn), std::forward<Args>(args)...))) {}

  /// True: the function will never be called, and the thread ends soon. False: it was called, or
  /// this was. Any thread, also before start().
  bool cancel() {
    life();  // throws UsageError if this was moved from
    return state_->decide();
  }

 private:
  using Event = detail::BasicEvent<detail::Gate>;
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

  // Templates, so that a program without timers does not compile them.
  template <class S, class D>
  Timer(std::shared_ptr<S> state, ThreadOptions options, D delay, Task<> target)
      : Thread(detail::NoObject{},
               make_life<detail::ThreadLife>(std::move(options), "",
                                             wait(state, delay, std::move(target)))),
        state_(std::move(state)) {}

  template <class S, class D>
  static Task<> wait(std::shared_ptr<S> state, D delay, Task<> target) {
    Operation over(detail::EventWait<Event>{&state->over});
    const bool cancelled = co_await std::move(over).within(delay);
    if (!cancelled && state->decide()) co_await std::move(target);
  }

  std::shared_ptr<State> state_;
};

}  // namespace cohort::inline v0
