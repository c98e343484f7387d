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
template <class Core = detail::BasicSemaphore<detail::Gate>>
class BasicBoundedSemaphore : public BasicSemaphore<Core> {
 public:
  BasicBoundedSemaphore() : BasicBoundedSemaphore(1) {}
  /// `permits`: 0 or more, else std::invalid_argument.
  template <std::integral Int>
  explicit BasicBoundedSemaphore(Int permits)
      : BasicSemaphore<Core>(permits, static_cast<std::uint64_t>(permits)) {}
};
using BoundedSemaphore = BasicBoundedSemaphore<>;

}  // namespace cohort::inline v0
