// SPDX-License-Identifier: BSL-1.0
#pragma once

/// set_excepthook: what becomes of exceptions that leave a thread.
///
///     set_excepthook([](std::exception_ptr error, ThreadRef thread) { … });

#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "cohort/error.hpp"                    // describe
#include "cohort/exec/detail/thread_life.hpp"  // report_uncaught
#include "cohort/exec/thread_ref.hpp"          // ThreadRef

namespace cohort::inline v0 {

/// Called with an exception that left a thread's target or run(), and that thread. Runs there, just
/// before the thread ends; several may run at the same time.
using ExceptHook = std::function<void(std::exception_ptr, ThreadRef)>;

namespace detail {

// Under workers_mutex(). Never destroyed, for daemons.
inline std::shared_ptr<const ExceptHook>& except_hook() {
  static auto* const hook = new std::shared_ptr<const ExceptHook>;
  return *hook;
}

inline void report_uncaught(std::exception_ptr error, std::shared_ptr<ThreadLife> life) noexcept {
  try {
    std::shared_ptr<const ExceptHook> hook;
    {
      const std::lock_guard lock(workers_mutex());
      hook = except_hook();
    }
    if (hook && *hook) {
      (*hook)(std::move(error), ThreadRef(std::move(life)));
    } else {
      std::fprintf(stderr, "cohort: exception in thread %s: %s\n", life->name().c_str(),
                   describe(error).c_str());
    }
  } catch (...) {
    report_unobserved(std::current_exception());
  }
}

}  // namespace detail

/// Replaces the hook and yields the one before; an empty one restores the default, a line on
/// stderr. What a hook throws goes to the unobserved hook. Neither `Cancelled` nor `thread_exit()`
/// is an error: no hook hears of them. Any thread, at any time.
inline ExceptHook set_excepthook(ExceptHook hook) {
  auto shared = std::make_shared<const ExceptHook>(std::move(hook));
  {
    const std::lock_guard lock(detail::workers_mutex());
    detail::except_hook().swap(shared);
  }
  return shared ? *shared : ExceptHook();
}

}  // namespace cohort::inline v0
