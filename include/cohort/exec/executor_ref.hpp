// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ExecutorRef: refers to a scheduler of whatever type; `this_task::executor()` yields one.
///
///     spawn(this_task::executor(), write_log, line);       // beside this task, where it runs

#include <coroutine>
#include <utility>

#include "cohort/core/coroutine.hpp"  // Home
#include "cohort/core/future.hpp"     // Future
#include "cohort/error.hpp"           // UsageError
#include "cohort/exec/executor.hpp"   // Scheduler, Schedule
#include "cohort/exec/launch.hpp"     // launch
#include "cohort/os/deadline.hpp"     // TimePoint

namespace cohort::inline v0 {

/// Copyable; to be used as long as what it refers to exists. Equal if that is the same. Any thread.
class ExecutorRef {
 public:
  /// Refers to none: the verbs throw UsageError.
  ExecutorRef() = default;
  template <Scheduler S>
  ExecutorRef(S& scheduler) noexcept : home_(&scheduler.home()) {}  // NOLINT: meant to convert
  /// For the library.
  explicit ExecutorRef(detail::Home* home) noexcept : home_(home) {}

  explicit operator bool() const noexcept { return home_ != nullptr; }
  /// As those of the scheduler.
  template <class Fn, class... Args>
  requires detail::Callable<Fn, Args...> Future<detail::launched_t<Fn, Args...>> submit(
      Fn&& fn, Args&&... args)
  const {
    return detail::launch(home(),
                          detail::make_task(std::forward<Fn>(fn), std::forward<Args>(args)...));
  }
  template <class Promise>
  void post(std::coroutine_handle<Promise> handle) const {
    detail::launch(home(), detail::resume_foreign(handle));
  }
  [[nodiscard("co_await it")]] detail::Schedule schedule() const {
    return detail::Schedule(home());
  }
  /// On its clock.
  TimePoint now() const { return home().now(); }
  /// For the library.
  detail::Home& home() const {
    if (!home_) {
      throw UsageError("this ExecutorRef is empty: this_task::executor() was called outside tasks");
    }
    return *home_;
  }

  friend bool operator==(const ExecutorRef&, const ExecutorRef&) = default;

 private:
  detail::Home* home_ = nullptr;
};

template <class Fn, class... Args>
requires(!detail::is_task<std::remove_cvref_t<Fn>> &&
         detail::Callable<Fn, Args...>) auto spawn(ExecutorRef executor, Fn&& fn, Args&&... args) {
  return executor.submit(std::forward<Fn>(fn), std::forward<Args>(args)...);
}
template <class T>
Future<T> spawn(ExecutorRef executor, Task<T>&& task) {
  return detail::launch(executor.home(), std::move(task));
}

namespace this_task {

/// The executor that the current task runs on; empty outside one.
inline ExecutorRef executor() noexcept {
  const detail::Context* const context = detail::current_context();
  return ExecutorRef(context ? context->home : nullptr);
}

}  // namespace this_task
}  // namespace cohort::inline v0
