// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Task<T>: a lazy coroutine that yields a T.
///
///     Task<int> answer() { co_return 42; }
///     Task<> print() { std::cout << co_await answer() << '\n'; }
///     int main() { run(print()); }

#include <coroutine>
#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "cohort/config.hpp"                  // COHORT_COLD
#include "cohort/core/coroutine.hpp"          // Coroutine, Completion
#include "cohort/core/detail/frame_pool.hpp"  // allocate_frame
#include "cohort/core/operation.hpp"          // Awaiting

namespace cohort::inline v0 {

template <class T = void>
class [[nodiscard("a Task does nothing until it is awaited, run or spawned")]] Task;

namespace detail {

/// How a result is kept: references as pointers, void as nothing.
template <class T>
struct Stored {
  using type = T;
};
template <class T>
struct Stored<T&> {
  using type = std::reference_wrapper<T>;
};
template <>
struct Stored<void> {
  using type = std::monostate;
};
template <class T>
using stored_t = typename Stored<T>::type;

/// Where a coroutine's result arrives.
template <class T>
using Slot = std::optional<stored_t<T>>;

/// Moves the result out.
template <class T>
T take(Slot<T>& slot) {
  if constexpr (std::is_reference_v<T>) {
    return slot->get();
  } else if constexpr (!std::is_void_v<T>) {
    return *std::move(slot);
  }
}

template <class T>
class TaskAwaiter;
template <class T>
class TaskPromise;
template <class T>
inline constexpr bool always_false = false;

/// What may stand behind `co_await` beside tasks and operations says so by a member function.
template <class X>
concept HasAwaiter = requires(X&& x, Coroutine& self) {
  std::forward<X>(x).as_awaiter(self);
};

class TaskPromiseBase : public Coroutine {
 public:
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
      Coroutine& self = handle.promise();
      self.context().dead = &self;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { completion()->fail(std::current_exception()); }

  template <class T>
  TaskAwaiter<T> await_transform(Task<T>&& task) noexcept;
  template <class Spec>
  COHORT_HOT Awaiting<Spec> await_transform(Operation<Spec>&& operation) {
    return OperationAccess::await(*this, std::move(operation));
  }
  template <HasAwaiter X>
  auto await_transform(X&& x) {
    return std::forward<X>(x).as_awaiter(*this);
  }
  template <class X>
  void await_transform(X&&) {
    static_assert(always_false<X>,
                  "co_await takes a temporary: a cohort operation, Task or Future. For a named one "
                  "write `co_await std::move(x)`; a foreign awaitable cannot resume a cohort "
                  "coroutine, so hand its result over through a Promise.");
  }
};

template <class T>
class TaskPromise final : public TaskPromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <class U = T>
  requires std::is_constructible_v<stored_t<T>, U &&> void return_value(U&& value) {
    if (slot_) slot_->emplace(std::forward<U>(value));
  }
  void set_slot(Slot<T>* slot) noexcept { slot_ = slot; }

 private:
  Slot<T>* slot_ = nullptr;  // null: nobody wants it
};

template <>
class TaskPromise<void> final : public TaskPromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void set_slot(Slot<void>*) noexcept {}
};

}  // namespace detail

/// A coroutine that has not begun. Move-only; begins when awaited, run, spawned or submitted, once.
/// Destroying one that has not begun is fine. Its exceptions go to whoever awaits it. However many
/// tasks await each other, the stack does not grow.
template <class T>
class Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using result_type = T;

  Task(Task&& other) noexcept : promise_(std::exchange(other.promise_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    Task(std::move(other)).swap(*this);
    return *this;
  }
  ~Task() {
    if (promise_) promise_->handle().destroy();
  }
  void swap(Task& other) noexcept { std::swap(promise_, other.promise_); }
  /// False once it was awaited, run, spawned or moved from.
  bool valid() const noexcept { return promise_ != nullptr; }

  /// Runs it on the calling thread to its end, like `run(task)`.
  T block() &&;
  T block(const StopToken&) &&;
  /// Runs it with a time limit: then it is cancelled and awaited, and a value that still arrives is
  /// yielded. The result is itself a task.
  template <class Rep, class Period>
  auto within(std::chrono::duration<Rep, Period> d) &&;
  template <class AnyClock, class Duration>
  auto until(std::chrono::time_point<AnyClock, Duration> t) &&;

  /// For the library: the coroutine, still owned by this task, or given up.
  promise_type& promise() const {
    if (!promise_) [[unlikely]]
      refuse();
    return *promise_;
  }
  promise_type& release() {
    promise_type& p = promise();
    promise_ = nullptr;
    return p;
  }

 private:
  friend promise_type;
  explicit Task(promise_type& promise) noexcept : promise_(&promise) {}
  [[noreturn]] COHORT_COLD static void refuse() {
    throw UsageError("this Task was already awaited, run, spawned or moved from: make a new one");
  }
  promise_type* promise_;
};

namespace detail {

template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(*this);
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept { return Task<void>(*this); }

/// A coroutine waiting for one it called. Both are the same task.
template <class T>
class TaskAwaiter final : private Completion {
 public:
  TaskAwaiter(Coroutine& parent, Task<T>&& child) noexcept
      : parent_(parent), child_(std::move(child)) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) {
    auto& child = child_.release();
    Context& context = parent_.context();
    parent_.suspend_on(*context.home);
    child.join_task_of(parent_);
    child.set_completion(*this);
    child.set_slot(&slot_);
    context.next = &child;
  }
  T await_resume() {
    if (error_) [[unlikely]]
      std::rethrow_exception(std::move(error_));
    return take<T>(slot_);
  }

 private:
  Coroutine* ended(Context& context) noexcept override { return parent_.continue_from(context); }
  void fail(std::exception_ptr error) noexcept override { error_ = std::move(error); }

  Coroutine& parent_;
  Task<T> child_;
  std::exception_ptr error_;
  Slot<T> slot_;
};

template <class T>
TaskAwaiter<T> TaskPromiseBase::await_transform(Task<T>&& task) noexcept {
  return TaskAwaiter<T>(*this, std::move(task));
}

/// Something to iterate over. (<ranges> is dear to include for a concept.)
template <class R>
concept Range = requires(R& range) {
  std::begin(range);
  std::end(range);
};

template <class X>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;

/// What `co_await x` makes of x, and what it yields.
template <class X>
using awaiter_t = decltype(std::declval<TaskPromiseBase&>().await_transform(std::declval<X>()));
template <class X>
using await_result_t = decltype(std::declval<awaiter_t<X>&>().await_resume());

/// Any awaitable as a task; a task as itself.
template <class T>
Task<T> as_task(Task<T>&& task) {
  return std::move(task);
}
template <class X>
requires(!is_task<std::remove_cvref_t<X>>) Task<await_result_t<std::decay_t<X>>> as_task(X&& x) {
  return [](std::decay_t<X> stored) -> Task<await_result_t<std::decay_t<X>>> {
    co_return co_await std::move(stored);
  }(std::forward<X>(x));
}

}  // namespace detail
}  // namespace cohort::inline v0
