// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A wait of those who do not wait.

#include "cohort/core/waiter.hpp"  // Wait

namespace cohort::inline v0::detail {

/// A place that never stands in a line, for the `try_` twins.
struct NoWait final : Wait {
  void publish(Outcome) noexcept override {}
  Wakeup nudge() noexcept override { return {}; }
};

}  // namespace cohort::inline v0::detail
