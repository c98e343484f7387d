// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ThreadLocal<T>: a variable of which each thread has its own.
///
///     ThreadLocal<int> depth;                  // of any storage duration, unlike thread_local
///     ++*depth;

#include <functional>
#include <type_traits>
#include <utility>

#include "cohort/core/detail/local_table.hpp"  // LocalOf

namespace cohort::inline v0 {

/// A thread's value is made when the thread first uses it, and destroyed when the thread ends,
/// before joins of a Thread return; values of one thread go in the reverse order of their making.
/// When the object goes, the destroying thread's value goes with it.
///
/// Any thread may use the object at any time; a reference it yields is for the thread itself. A
/// coroutine may go on on another thread after each co_await: it wants a TaskLocal.
template <class T>
class ThreadLocal : private detail::LocalOf<T> {
  using Base = detail::LocalOf<T>;

 public:
  /// Begins as T().
  ThreadLocal() requires std::is_default_constructible_v<T>
  = default;
  /// Begins as a copy of this.
  template <class U>
  requires detail::LocalInitial<T, U>
  explicit ThreadLocal(U&& initial)
      : Base([initial = T(std::forward<U>(initial))] { return initial; }) {}
  /// Begins as what `make()` yields, called by each thread that needs it.
  template <class Make>
  requires(!detail::LocalInitial<T, Make> &&
           std::is_invocable_r_v<T, Make&>) explicit ThreadLocal(Make make)
      : Base(std::function<T()>(std::move(make))) {}

  /// This thread's value. Throws what the making of it throws.
  T& get() const { return Base::of_thread(); }
  T& operator*() const { return get(); }
  T* operator->() const { return &get(); }
  template <class U>
  void set(U&& value) const {
    get() = std::forward<U>(value);
  }
  /// Destroys this thread's value; the next use begins as the first did.
  void reset() const noexcept { detail::remove_from_thread(Base::key()); }
};

}  // namespace cohort::inline v0
