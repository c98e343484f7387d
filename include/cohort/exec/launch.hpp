// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Starting work: from a callable and its arguments to a coroutine that is the root of a task.

#include <functional>
#include <type_traits>
#include <utility>

#include "cohort/core/future.hpp"  // FutureState
#include "cohort/core/task.hpp"    // Task

namespace cohort::inline v0::detail {

template <class Fn, class... Args>
concept Callable = std::is_invocable_v<std::decay_t<Fn>, std::decay_t<Args>...>;

/// What calling it yields; a Task's result where it is a coroutine function.
template <class R>
struct Unwrapped {
  using type = R;
};
template <class T>
struct Unwrapped<Task<T>> {
  using type = T;
};
template <class Fn, class... Args>
using called_t = std::invoke_result_t<std::decay_t<Fn>, std::decay_t<Args>...>;
template <class Fn, class... Args>
using launched_t = typename Unwrapped<called_t<Fn, Args...>>::type;

/// Lets a root coroutine name itself.
struct Self {
  struct Awaiter {
    Coroutine& self;
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    Coroutine& await_resume() const noexcept { return self; }
  };
  Awaiter as_awaiter(Coroutine& self) const noexcept { return {self}; }
};

// The callable and its arguments live in this coroutine's frame.
template <class R, class Fn, class... Args>
Task<R> call_plain(Fn fn, Args... args) {
  Coroutine& self = co_await Self{};
  const PlainSection plain(self);
  co_return std::invoke(std::move(fn), std::move(args)...);
}
template <class R, class Fn, class... Args>
Task<R> call_coroutine(Fn fn, Args... args) {
  co_return co_await std::invoke(std::move(fn), std::move(args)...);
}

/// A coroutine function without state whose parameters are all values: its frame is all that
/// needs to be stored.
template <class Fn>
inline constexpr bool takes_values = false;
template <class R, class... P>
inline constexpr bool takes_values<R (*)(P...)> = (!std::is_reference_v<P> && ...);
template <class Fn>
requires(std::is_empty_v<Fn>&& requires(Fn fn) {
  +fn;
}) inline constexpr bool takes_values<Fn> = takes_values<decltype(+std::declval<Fn>())>;

/// `fn(args…)` as one lazy task. Callable and arguments are stored as long as it lives.
template <class Fn, class... Args>
requires Callable<Fn, Args...>
auto make_task(Fn&& fn, Args&&... args) -> Task<launched_t<Fn, Args...>> {
  using R = launched_t<Fn, Args...>;
  using F = std::decay_t<Fn>;
  if constexpr (!is_task<called_t<Fn, Args...>>) {
    return call_plain<R, F, std::decay_t<Args>...>(std::forward<Fn>(fn),
                                                   std::forward<Args>(args)...);
  } else if constexpr (takes_values<F>) {
    return std::invoke(std::forward<Fn>(fn), std::decay_t<Args>(std::forward<Args>(args))...);
  } else {
    return call_coroutine<R, F, std::decay_t<Args>...>(std::forward<Fn>(fn),
                                                       std::forward<Args>(args)...);
  }
}

/// Starts the task on the executor; before that calls `prepare(home)` with the task's own.
template <class T, class Prepare>
Future<T> launch(Home& home, Task<T>&& task, Prepare prepare) {
  auto& coroutine = task.promise();              // throws UsageError for an empty one
  StateRef<T> state(new FutureState<T>(&home));  // throws ShutDown, and the task is still its own
  task.release();
  prepare(state->home());
  coroutine.set_completion(*state);
  coroutine.set_slot(&state->slot);
  coroutine.become_root(state->scope());
  state->retain();  // the task's own; given up in leave_home()
  coroutine.post_to(state->home(), &*state);
  return Future<T>(std::move(state));
}
template <class T>
Future<T> launch(Home& home, Task<T>&& task) {
  return launch(home, std::move(task), [](Home&) noexcept {});
}

}  // namespace cohort::inline v0::detail
