// SPDX-License-Identifier: BSL-1.0
#pragma once

/// BoundedSemaphore: a semaphore that never rises above its start value.
///
///     BoundedSemaphore slots{4};
///     co_await slots.acquire();
///     slots.release();      // a fifth release throws OverRelease, and nothing has changed

#include <concepts>

#include "cohort/sync/semaphore.hpp"  // all but the bound

namespace cohort::inline v0 {

/// A Semaphore in everything else.
class BoundedSemaphore : public Semaphore {
 public:
  BoundedSemaphore() : BoundedSemaphore(1) {}
  /// `permits`: 0 or more, else std::invalid_argument.
  template <std::integral Int>
  explicit BoundedSemaphore(Int permits)
      : Semaphore(permits, static_cast<std::uint64_t>(permits)) {}
};

}  // namespace cohort::inline v0
