// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The two concepts behind everything that runs work. A function with its arguments can go
/// anywhere, even into another process: that is an Executor. A suspended coroutine can only be
/// resumed in its own process: that takes a Scheduler.

#include <concepts>
#include <coroutine>
#include <cstddef>

#include "cohort/core/future.hpp"     // Future
#include "cohort/exec/launch.hpp"     // make_task, launch
#include "cohort/exec/pool_face.hpp"  // map, imap, close

namespace cohort::inline v0 {

namespace detail {
struct ProbeFunction {
  int operator()(int x) const noexcept { return x; }
};
}  // namespace detail

/// Runs functions: `submit(fn, args…)` yields a Future of what `fn` returns, or, for a coroutine
/// function, of what its Task yields.
template <class E>
concept Executor = requires(E& executor, detail::ProbeFunction fn) {
  { executor.submit(fn, 1) } -> std::same_as<Future<int>>;
  { executor.concurrency() } -> std::convertible_to<std::size_t>;
  executor.shutdown();
};

/// An Executor of this process that also resumes coroutines: `post(handle)`, `co_await schedule()`.
template <class S>
concept Scheduler = Executor<S> && requires(S& scheduler, std::coroutine_handle<> handle) {
  scheduler.post(handle);
  scheduler.schedule();
  { scheduler.home() } -> std::convertible_to<detail::Home&>;
};

namespace detail {

/// Moves the awaiting coroutine to another executor.
class Schedule {
 public:
  explicit Schedule(Home& home) noexcept : home_(&home) {}

  class Awaiter {
   public:
    Awaiter(Coroutine& self, Home& home) noexcept : self_(self), home_(home) {}
    bool await_ready() const noexcept { return self_.scope().stop_requested(); }
    COHORT_NOINLINE void await_suspend(std::coroutine_handle<>) const noexcept {
      self_.post_to(home_);
    }
    void await_resume() const {
      if (self_.scope().stop_requested()) throw Cancelled{};
    }

   private:
    Coroutine& self_;
    Home& home_;
  };
  Awaiter as_awaiter(Coroutine& self) const noexcept { return Awaiter(self, *home_); }

 private:
  Home* home_;
};

// A template, because g++ makes code of every coroutine that is none, used or not.
template <class Handle>
Task<> resume_foreign(Handle handle) {
  handle.resume();
  co_return;
}

/// What every Scheduler offers, from its Home alone.
template <class Derived>
class SchedulerFace : public PoolFace<Derived> {
 public:
  /// Runs `fn(args…)`, stored, on this executor. Throws ShutDown after close.
  template <class Fn, class... Args>
  requires Callable<Fn, Args...> Future<launched_t<Fn, Args...>> submit(Fn&& fn, Args&&... args) {
    return launch(home(), make_task(std::forward<Fn>(fn), std::forward<Args>(args)...));
  }
  template <class Fn, class... Args>
  requires(!Callable<Fn, Args...>) void submit(Fn&&, Args&&...) {
    static_assert(always_false<Fn>,
                  "submit(fn, args…): fn cannot be called with these arguments. They are stored as "
                  "copies and passed on as rvalues, as with std::thread: take them by value, or "
                  "wrap a reference in std::ref.");
  }

  /// Resumes a coroutine of any kind on this executor.
  void post(std::coroutine_handle<> handle) { launch(home(), resume_foreign(handle)); }
  /// `co_await executor.schedule()`: the coroutine goes on there.
  [[nodiscard("co_await it")]] Schedule schedule() { return Schedule(home()); }

 private:
  Home& home() { return static_cast<Derived*>(this)->home(); }
};

}  // namespace detail

/// Starts a coroutine function now and yields the Future of its result. The function and its
/// arguments are stored with the coroutine, so a lambda with captures is safe. It belongs to no
/// one's stop scope: cancel it through the Future.
template <Scheduler S, class Fn, class... Args>
requires(!detail::is_task<std::remove_cvref_t<Fn>> &&
         detail::Callable<Fn, Args...>) auto spawn(S& executor, Fn&& fn, Args&&... args) {
  return detail::launch(executor.home(),
                        detail::make_task(std::forward<Fn>(fn), std::forward<Args>(args)...));
}
template <Scheduler S, class T>
Future<T> spawn(S& executor, Task<T>&& task) {
  return detail::launch(executor.home(), std::move(task));
}

}  // namespace cohort::inline v0
