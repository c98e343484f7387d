// SPDX-License-Identifier: BSL-1.0
#pragma once

/// blocking_region: tells a pool that foreign code is about to block one of its threads.

#include <concepts>
#include <functional>
#include <utility>

#include "cohort/core/coroutine.hpp"  // BlockedSection

namespace cohort::inline v0 {

/// Until the result is destroyed, the pool whose thread this is makes up for it with a spare one.
///
///     const auto region = blocking_region();
///     ::read(fd, buffer, size);
[[nodiscard("the region ends when the result is destroyed")]] inline detail::BlockedSection
blocking_region() noexcept {
  return detail::BlockedSection(detail::current_context());
}

/// Calls `fn()` in such a region and yields what it returns.
template <std::invocable Fn>
decltype(auto) blocking_region(Fn&& fn) {
  const auto region = blocking_region();
  return std::invoke(std::forward<Fn>(fn));
}

}  // namespace cohort::inline v0
