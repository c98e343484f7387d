// SPDX-License-Identifier: BSL-1.0
#pragma once

/// `run`: from a plain thread into the world of coroutines and back.

#include "cohort/core/deadline_task.hpp"  // Task::within
#include "cohort/exec/event_loop.hpp"     // the private loop

namespace cohort::inline v0 {

/// Runs the task to its end on a private EventLoop on the calling thread, and yields its result.
/// Throws what the task threw; UsageError inside a coroutine (write `co_await task;`).
template <class T>
T run(Task<T> task) {
  return std::move(task).block();
}

/// The same; when stop is requested the task is, and if it ends by Cancelled so does this.
template <class T>
T run(Task<T> task, const StopToken& stop) {
  return std::move(task).block(stop);
}

/// Runs the task on the executor and blocks the calling thread until it ends.
template <Scheduler S, class T>
T run(S& executor, Task<T> task) {
  return spawn(executor, std::move(task)).block();
}
template <Scheduler S, class T>
T run(S& executor, Task<T> task, const StopToken& stop) {
  Future<T> future = spawn(executor, std::move(task));
  const auto cancel = [future]() noexcept { future.cancel(); };
  const StopCallback stopping(stop, cancel);
  return std::move(future).block();
}

namespace detail {

template <class T>
T run_privately(Task<T>&& task, StopScope* parent) {
  if (const Context* context = current_context(); context && context->current) {
    throw UsageError(
        "run() or Task::block() inside a coroutine would stop everything else on this thread: "
        "write `co_await std::move(task);`");
  }
  // Inside a plain function on a pool, what stops its task stops this too.
  if (const Context* context = current_context(); !parent && context && context->plain) {
    parent = &context->plain->scope();
  }
  EventLoop loop(parent);
  return spawn(loop, std::move(task)).block();
}

}  // namespace detail

template <class T>
T Task<T>::block() && {
  return detail::run_privately(std::move(*this), nullptr);
}
template <class T>
T Task<T>::block(const StopToken& stop) && {
  return detail::run_privately(std::move(*this), stop.scope());
}

}  // namespace cohort::inline v0
