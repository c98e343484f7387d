// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Who owns a lock: a task, or a thread outside tasks.

#include <cstdint>

#include "cohort/config.hpp"                  // COHORT_NOINLINE
#include "cohort/core/coroutine.hpp"          // this_coroutine
#include "cohort/core/detail/atomics.hpp"     // here
#include "cohort/core/detail/stop_scope.hpp"  // id

namespace cohort::inline v0::detail {

/// `who` tells apart all that live: the root of the await chain, or the thread. `id` tells them
/// from those that were at the same address before: a guard may outlive the task it owns for. Tasks
/// under one stop scope, legs and children of one group, have the same.
struct Owner {
  const void* who = nullptr;
  std::uint32_t id = 0;
};

/// Not inlined: a coroutine that calls it may go on on another thread.
COHORT_NOINLINE inline Owner this_thread_as_owner() noexcept {
  static thread_local constinit std::uint32_t id = 0;
  if (id == 0) id = StopScope::fresh_id();
  return {RealAtomics::here(), id};
}

inline Owner this_owner() noexcept {
  Coroutine* const coroutine = this_coroutine();
  if (!coroutine) return this_thread_as_owner();
  return {&coroutine->root(), coroutine->scope().id()};
}

}  // namespace cohort::inline v0::detail
