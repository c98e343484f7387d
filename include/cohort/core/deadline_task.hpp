// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Time limits on tasks: `task.within(d)`, `timeout(d, awaitable)`. When the time is up the task is
/// cancelled and awaited, so nothing of it is left behind; a value that still arrives is yielded.

#include <atomic>
#include <coroutine>
#include <exception>
#include <utility>

#include "cohort/core/coroutine.hpp"           // Completion
#include "cohort/core/detail/timer_queue.hpp"  // TimerNode
#include "cohort/core/task.hpp"                // Task
#include "cohort/core/timed.hpp"               // Limit

namespace cohort::inline v0 {
namespace detail {

/// Awaits a child with a stop scope of its own below the parent's (or below nothing), and a
/// deadline that stops it. Yields the slot, empty if it was stopped by the deadline.
template <class T>
class ScopedAwaiter final : private Completion, private TimerNode {
 public:
  ScopedAwaiter(Coroutine& parent, Task<T>&& child, Limit limit, StopScope* above)
      : parent_(parent), child_(std::move(child)), limit_(limit), scope_(above) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) {
    auto& child = child_.release();
    Context& context = parent_.context();
    Home& home = *context.home;
    parent_.suspend_on(home);
    child.become_root(scope_);
    child.set_completion(*this);
    child.set_slot(&slot_);
    context.next = &child;
    if (limit_.for_ever()) return;
    const TimePoint now = home.now();
    const TimePoint deadline = limit_.deadline(now);
    if (deadline <= now) {
      expire();
    } else if (deadline != never) {
      home.add_timer(*this, deadline);
    }
  }
  Slot<T> await_resume() {
    if (!limit_.for_ever()) parent_.context().home->remove_timer(*this);
    if (error_) {
      rethrow_unless_late();
    } else if constexpr (std::is_void_v<T>) {
      slot_.emplace();
    }
    return std::move(slot_);
  }

 private:
  void expire() noexcept override {
    late_.store(true, std::memory_order_relaxed);
    scope_.request_stop();
  }
  Coroutine* ended(Context& context) noexcept override { return parent_.continue_from(context); }
  void fail(std::exception_ptr error) noexcept override { error_ = std::move(error); }
  Above above() const noexcept override { return {&parent_, true}; }
  void rethrow_unless_late() {
    try {
      std::rethrow_exception(std::move(error_));
    } catch (const Cancelled&) {
      if (!late_.load(std::memory_order_relaxed)) throw;
    }
  }

  Coroutine& parent_;
  Task<T> child_;
  Limit limit_;
  std::atomic<bool> late_{false};
  StopScope scope_;
  std::exception_ptr error_;
  Slot<T> slot_;
};

/// `co_await Scoped{…}`.
template <class T>
class Scoped {
 public:
  Scoped(Task<T>&& task, Limit limit, bool shielded)
      : task_(std::move(task)), limit_(limit), shielded_(shielded) {}
  ScopedAwaiter<T> as_awaiter(Coroutine& self) && {
    return ScopedAwaiter<T>(self, std::move(task_), limit_, shielded_ ? nullptr : &self.scope());
  }

 private:
  Task<T> task_;
  Limit limit_;
  bool shielded_;
};

template <class T>
Task<typename TimedForm<T>::type> limited(Task<T> task, Limit limit) {
  Scoped<T> scoped(std::move(task), limit, false);
  Slot<T> slot = co_await std::move(scoped);
  if (!slot) co_return TimedForm<T>::late();
  co_return TimedForm<T>::in_time([&]() -> T { return take<T>(slot); });
}

template <class T>
Task<T> limited_or_throw(Task<T> task, Limit limit) {
  Scoped<T> scoped(std::move(task), limit, false);
  Slot<T> slot = co_await std::move(scoped);
  if (!slot) throw TimedOut();
  co_return take<T>(slot);
}

template <class T>
Task<T> shielded(Task<T> task) {
  Scoped<T> scoped(std::move(task), Limit{}, true);
  Slot<T> slot = co_await std::move(scoped);
  co_return take<T>(slot);
}

}  // namespace detail

template <class T>
template <class Rep, class Period>
auto Task<T>::within(std::chrono::duration<Rep, Period> d) && {
  return detail::limited(std::move(*this), detail::Limit::within(d));
}
template <class T>
template <class AnyClock, class Duration>
auto Task<T>::until(std::chrono::time_point<AnyClock, Duration> t) && {
  return detail::limited(std::move(*this), detail::Limit::until(t));
}

/// Awaits it for at most that long: `co_await timeout(1s, fetch(url))`. Throws TimedOut after it
/// has been cancelled and awaited; a value that arrives all the same is yielded.
template <class Rep, class Period, class Awaitable>
auto timeout(std::chrono::duration<Rep, Period> d, Awaitable&& awaitable) {
  return detail::limited_or_throw(detail::as_task(std::forward<Awaitable>(awaitable)),
                                  detail::Limit::within(d));
}

namespace detail {
/// An operation that does not hear that its task was asked to stop.
template <class Spec>
class ShieldedOperation {
 public:
  explicit ShieldedOperation(Operation<Spec>&& operation)
      : spec_(OperationAccess::take(std::move(operation))) {}
  Awaiting<Spec> as_awaiter(Coroutine& self) && {
    return Awaiting<Spec>(self, std::move(spec_), true);
  }

 private:
  Spec spec_;
};
}  // namespace detail

/// Finishes a clean-up wait although the task was asked to stop: `co_await shield(lock.acquire())`.
/// A shielded operation is still the same task's; a shielded Task runs as a task of its own.
template <class Spec>
detail::ShieldedOperation<Spec> shield(Operation<Spec>&& operation) {
  return detail::ShieldedOperation<Spec>(std::move(operation));
}
template <class Awaitable>
requires(!detail::is_operation<std::remove_cvref_t<Awaitable>>) auto shield(Awaitable&& awaitable) {
  return detail::shielded(detail::as_task(std::forward<Awaitable>(awaitable)));
}

}  // namespace cohort::inline v0
