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
#include <type_traits>
#include <utility>

#include "cohort/error.hpp"                    // describe
#include "cohort/exec/detail/thread_life.hpp"  // ThreadLife
#include "cohort/exec/thread_ref.hpp"          // ThreadRef

namespace cohort::inline v0 {

/// Called with an exception that left a thread's target or run(), and that thread. Runs there, just
/// before the thread ends; several may run at the same time.
using ExceptHook = std::function<void(std::exception_ptr, ThreadRef)>;

namespace detail {

// Under workers_mutex(). Never destroyed, for daemons.
template <class Hook>
std::shared_ptr<const Hook>& except_hook() {
  static auto* const hook = new std::shared_ptr<const Hook>;
  return *hook;
}

template <class Hook>
void report_uncaught(std::exception_ptr error, std::shared_ptr<ThreadLife> life) noexcept {
  try {
    std::shared_ptr<const Hook> hook;
    {
      const std::lock_guard lock(workers_mutex());
      hook = except_hook<Hook>();
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
template <class Hook = ExceptHook>
Hook set_excepthook(std::type_identity_t<Hook> hook) {
  auto shared = std::make_shared<const Hook>(std::move(hook));
  {
    const std::lock_guard lock(detail::workers_mutex());
    detail::except_hook<Hook>().swap(shared);
  }
  return shared ? *shared : Hook();
}

}  // namespace cohort::inline v0
