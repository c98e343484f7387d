// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the verbs of a pool wrap around the work that they submit.

#include <exception>
#include <type_traits>
#include <utility>

#include "cohort/core/deadline_task.hpp"  // shield
#include "cohort/core/future.hpp"         // Future
#include "cohort/core/stop.hpp"           // StopCallback
#include "cohort/exec/launch.hpp"         // Self

namespace cohort::inline v0::detail {

template <class T>
struct CancelFuture {
  Future<T> future;
  void operator()() const noexcept { future.cancel(); }
};

/// Awaits submitted work; stopped, stops it and awaits it all the same.
template <class T>
Task<T> see_through(Future<T> work, StopScope* terminated) {
  const StopCallback stopping(StopToken(*terminated), CancelFuture<T>{work});
  try {
    co_return co_await Future<T>(work);
  } catch (const Cancelled&) {}
  work.cancel();
  co_return co_await shield(std::move(work));
}

template <class Callback, class... Args>
void call_back(Coroutine& self, Callback& callback, Args&&... args) {
  if constexpr (!std::is_null_pointer_v<Callback>) {
    const PlainSection plain(self);
    try {
      callback(std::forward<Args>(args)...);
    } catch (...) {
      report_unobserved(std::current_exception());
    }
  }
}
template <class T, class Done, class Failed>
Task<T> with_callbacks(Task<T> work, Done done, Failed failed) {
  Coroutine& self = co_await Self{};
  std::exception_ptr error;
  try {
    if (self.scope().stop_requested()) throw Cancelled{};
    if constexpr (std::is_void_v<T>) {
      co_await std::move(work);
      call_back(self, done);
      co_return;
    } else {
      T value = co_await std::move(work);
      call_back(self, done, std::as_const(value));
      co_return std::forward<T>(value);
    }
  } catch (...) {
    error = std::current_exception();
  }
  call_back(self, failed, error);
  std::rethrow_exception(error);
}

template <class T>
struct Starter {
  Task<T> task;
  Task<T> operator()() && { return std::move(task); }
};

}  // namespace cohort::inline v0::detail
