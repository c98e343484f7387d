// SPDX-License-Identifier: BSL-1.0
#pragma once

/// TaskLocal<T>: a variable of which each task has its own.
///
///     TaskLocal<std::string> request{"none"};
///     request.set("GET /");                    // this task's, on whatever thread it goes on
///     std::cout << *request;

#include <atomic>
#include <functional>
#include <type_traits>
#include <utility>

#include "cohort/core/detail/local_table.hpp"  // LocalOf
#include "cohort/core/detail/task_extras.hpp"  // where a task keeps them

namespace cohort::inline v0 {

/// A task's value is made when the task first uses it, and destroyed when the task ends, before
/// anybody sees that it has ended. Tasks it awaits directly see the same value.
///
/// Like Python's context variables: the legs of `when_all` and `when_any` and the children of a
/// group begin with a copy of what their parent sees at that moment (a child: whoever spawned it),
/// and change only their own; where T does not copy, they begin anew. What `spawn`, `submit` or
/// `run` starts belongs to nobody and begins anew. Outside tasks the value is the thread's.
///
/// Any task may use the object at any time; a reference it yields is for the task itself.
template <class T>
class TaskLocal : private detail::LocalOf<T> {
  using Base = detail::LocalOf<T>;

 public:
  /// Begins as T().
  TaskLocal() requires std::is_default_constructible_v<T> { count(1); }
  /// Begins as a copy of this.
  template <class U>
  requires detail::LocalInitial<T, U>
  explicit TaskLocal(U&& initial)
      : Base([initial = T(std::forward<U>(initial))] { return initial; }) {
    count(1);
  }
  /// Begins as what `make()` yields, called by each task that needs it.
  template <class Make>
  requires(!detail::LocalInitial<T, Make> &&
           std::is_invocable_r_v<T, Make&>) explicit TaskLocal(Make make)
      : Base(std::function<T()>(std::move(make))) {
    count(1);
  }
  ~TaskLocal() { count(-1); }

  /// This task's value. Throws what the making of it throws.
  T& get() const {
    detail::Coroutine* const here = detail::this_coroutine();
    if (!here) return Base::of_thread();
    detail::Coroutine& task = detail::task_root(*here);
    if (detail::TaskExtras* const extras = task.completion()->extras()) {
      if (detail::LocalValue* const value = extras->locals.find(Base::key())) {
        return Base::value_of(*value);
      }
    }
    return of_task(task);
  }
  T& operator*() const { return get(); }
  T* operator->() const { return &get(); }
  template <class U>
  void set(U&& value) const {
    get() = std::forward<U>(value);
  }
  /// Destroys this task's value; the next use begins as the first did.
  void reset() const noexcept {
    detail::Coroutine* const here = detail::this_coroutine();
    if (!here) return detail::remove_from_thread(Base::key());
    if (auto* const extras = detail::task_root(*here).completion()->extras()) {
      extras->locals.remove(Base::key());
    }
  }

 private:
  // The first use in this task.
  COHORT_COLD T& of_task(detail::Coroutine& task) const {
    const detail::LocalValue* const inherited = detail::find_above(task, Base::key());
    detail::LocalValue* made = inherited ? inherited->copy() : nullptr;
    if (!made) made = &Base::make();
    try {
      detail::TaskExtras::of(task).locals.add(*made);
    } catch (...) {  // no memory
      delete made;
      throw;
    }
    return Base::value_of(*made);
  }
  static void count(int n) noexcept {
    detail::task_local_count.fetch_add(static_cast<std::size_t>(n), std::memory_order_relaxed);
  }
};

}  // namespace cohort::inline v0
