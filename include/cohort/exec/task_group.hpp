// SPDX-License-Identifier: BSL-1.0
#pragma once

/// task_group: children that end before their parent goes on.
///
///     co_await task_group([&](TaskGroup& group) -> Task<> {
///       for (auto& url : urls) group.spawn(fetch, url);
///       co_return;
///     });

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>

#include "cohort/core/coroutine.hpp"           // Completion
#include "cohort/core/detail/task_extras.hpp"  // told_of_child
#include "cohort/core/task.hpp"                // Task
#include "cohort/error.hpp"                    // report_unobserved
#include "cohort/exec/launch.hpp"              // make_task

namespace cohort::inline v0 {

namespace detail {
template <class Body>
class GroupAwaiter;
}

/// Given to the body of `task_group`; valid until that returns. `spawn` may be called by the body,
/// by the children, and by anybody while the body or a child that knows of it runs.
class TaskGroup {
 public:
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `fn(args…)`, a function or a coroutine function, as a child: a task of its own, under
  /// the group's stop scope, on the group's executor. Function and arguments are stored with it. A
  /// value it yields is dropped.
  template <class Fn, class... Args>
  requires(!detail::is_task<std::remove_cvref_t<Fn>> &&
           detail::Callable<Fn, Args...>) void spawn(Fn&& fn, Args&&... args) {
    spawn(detail::make_task(std::forward<Fn>(fn), std::forward<Args>(args)...));
  }
  template <class T>
  void spawn(Task<T>&& task) {
    auto& coroutine = task.promise();  // this may throw, and the next line, too
    coroutine.set_completion(detail::told_of_child(children_));
    task.release();
    coroutine.become_root(scope_);
    open_.fetch_add(1, std::memory_order_relaxed);
    coroutine.post_to(home_);
  }

  /// Asks all children and the body to stop.
  void cancel() noexcept { scope_.request_stop(); }
  /// Whether that happened, or a child failed.
  bool stop_requested() const noexcept { return scope_.stop_requested(); }

 private:
  template <class>
  friend class detail::GroupAwaiter;

  // What all children have in common.
  struct Children final : detail::Completion {
    explicit Children(TaskGroup& g) noexcept : group(g) {}
    detail::Coroutine* ended(detail::Context& context) noexcept override {
      return group.one_ended(context);
    }
    void fail(std::exception_ptr error) noexcept override { group.fail(std::move(error)); }
    TaskGroup& group;
  };

  explicit TaskGroup(detail::Coroutine& parent) noexcept
      : parent_(parent), home_(*parent.context().home), scope_(&parent.scope()) {}

  detail::Coroutine* one_ended(detail::Context& context) noexcept {
    if (open_.fetch_sub(1, std::memory_order_acq_rel) != 1) return nullptr;
    return parent_.continue_from(context);
  }
  void fail(std::exception_ptr error) noexcept {
    if (cancelled_by_stop(error)) return;
    if (failed_.exchange(true, std::memory_order_acq_rel)) {
      detail::report_unobserved(error);
      return;
    }
    error_ = std::move(error);
    scope_.request_stop();
  }
  // A child that was stopped has not failed.
  bool cancelled_by_stop(const std::exception_ptr& error) const noexcept {
    return scope_.stop_requested() && detail::is_cancelled(error);
  }

  detail::Coroutine& parent_;
  detail::Home& home_;
  detail::StopScope scope_;
  Children children_{*this};
  std::atomic<std::size_t> open_{1};  // children that have not ended, and the body
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

namespace detail {

template <class Body>
class GroupAwaiter final : private Completion {
 public:
  GroupAwaiter(Coroutine& parent, Body&& body) : group_(parent), body_(std::move(body)) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) {
    Context& context = group_.parent_.context();
    auto& coroutine = body_(group_).release();
    group_.parent_.suspend_on(*context.home);
    coroutine.become_root(group_.scope_);
    coroutine.set_completion(*this);
    coroutine.set_slot(nullptr);
    context.next = &coroutine;
  }
  void await_resume() {
    if (group_.error_) std::rethrow_exception(std::move(group_.error_));
    if (group_.parent_.scope().stop_requested()) throw Cancelled{};
  }

 private:
  Coroutine* ended(Context& context) noexcept override { return group_.one_ended(context); }
  void fail(std::exception_ptr error) noexcept override { group_.fail(std::move(error)); }
  Above above() const noexcept override { return {&group_.parent_, true}; }

  TaskGroup group_;
  Body body_;
};

template <class Body>
class TaskGroupOperation {
 public:
  explicit TaskGroupOperation(Body&& body) : body_(std::move(body)) {}
  GroupAwaiter<Body> as_awaiter(Coroutine& parent) && {
    return GroupAwaiter<Body>(parent, std::move(body_));
  }

 private:
  Body body_;
};

}  // namespace detail

/// Runs `body(group)`, a coroutine function, and returns when it and all children have ended. The
/// body is stored. The first failure, of a child or of the body, cancels all others and is
/// rethrown when they have ended; further ones go to the unobserved hook.
template <class Body>
[[nodiscard("co_await it")]] auto task_group(Body body) {
  static_assert(
      requires(Body & b, TaskGroup & g) { b(g).promise(); },
      "task_group(body): body is a coroutine function, [&](TaskGroup& g) -> Task<> {…}");
  return detail::TaskGroupOperation<Body>(std::move(body));
}

}  // namespace cohort::inline v0
