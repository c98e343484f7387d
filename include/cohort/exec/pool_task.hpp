// SPDX-License-Identifier: BSL-1.0
#pragma once

/// PoolTask: what `apply` and `map` of a pool yield.

#include <utility>

#include "cohort/core/deadline_task.hpp"  // Task::within
#include "cohort/core/future.hpp"         // Future
#include "cohort/core/stop.hpp"           // StopCallback
#include "cohort/exec/launch.hpp"         // launch
#include "cohort/os/deadline.hpp"         // durations

namespace cohort::inline v0 {
namespace detail {
template <class T>
T run_privately(Task<T>&&, StopScope*);  // exec/run.hpp

template <class T>
T drive_task(Home& home, Task<T>&& task, const StopToken& stop) {
  if (const Context* context = current_context(); context && context->current) {
    throw UsageError(
        "block() inside a coroutine would stop everything else on this thread: write "
        "`co_await operation;` instead of `operation.block();`");
  }
  const Future<T> future = launch(home, std::move(task));
  const StopCallback stopping(stop, [future]() noexcept { future.cancel(); });
  try {
    return Future<T>(future).block();
  } catch (const Cancelled&) {
    future.cancel();
    const auto done = [](const void* f) noexcept {
      return static_cast<const Future<T>*>(f)->done();
    };
    home.run_until(done, &future, never);
    throw;
  }
}
}  // namespace detail

/// Work of a pool that has not begun: a Task that can also be blocked on where the pool is an
/// executor without threads. Cancelled or late, what runs of it is asked to stop and awaited.
template <class T>
class [[nodiscard("it does nothing until it is awaited: co_await it, or call block()")]] PoolTask {
 public:
  using result_type = T;
  /// For the library: `driver` runs it if somebody blocks on it.
  PoolTask(Task<T> && task, detail::Home * driver) : task_(std::move(task)), driver_(driver) {}

  T block()&& { return std::move(*this).block(StopToken()); }
  T block(const StopToken& stop)&& {
    if (driver_) return detail::drive_task(*driver_, std::move(task_), stop);
    return detail::run_privately(std::move(task_), stop.scope());
  }
  template <class Rep, class Period>
  auto within(std::chrono::duration<Rep, Period> d)&& {
    return limited(std::move(task_).within(d));
  }
  template <class AnyClock, class Duration>
  auto until(std::chrono::time_point<AnyClock, Duration> t)&& {
    return limited(std::move(task_).until(t));
  }
  operator Task<T>()&& { return std::move(task_); }

  /// For the library.
  detail::TaskAwaiter<T> as_awaiter(detail::Coroutine & self)&& {
    return detail::TaskAwaiter<T>(self, std::move(task_));
  }

 private:
  template <class U>
  PoolTask<U> limited(Task<U> && task) {
    return PoolTask<U>(std::move(task), driver_);
  }

  Task<T> task_;
  detail::Home* driver_;
};

}  // namespace cohort::inline v0
