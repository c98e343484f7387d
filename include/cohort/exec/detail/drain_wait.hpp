// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What `shutdown()` and `join()` wait for: that an executor's last task has ended.

#include "cohort/core/coroutine.hpp"           // Home
#include "cohort/core/detail/basic_event.hpp"  // EventWait
#include "cohort/core/operation.hpp"           // Operation

namespace cohort::inline v0::detail {

/// Blocking on it runs the executor if that has no threads.
struct DrainWait : EventWait<BasicEvent<Gate>> {
  Home* runs_below;
  Home* driver() const noexcept { return runs_below; }
};

inline Operation<DrainWait> drained(BasicEvent<Gate>& event, Home* driver) {
  return Operation(DrainWait{{&event}, driver});
}

}  // namespace cohort::inline v0::detail
