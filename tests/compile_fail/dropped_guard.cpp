// SPDX-License-Identifier: BSL-1.0

// A guard that is not kept releases at once.
// expect: a dropped guard releases at once

#include <cohort/cohort.hpp>

void use(cohort::Lock& lock) {
#if defined(MUST_NOT_COMPILE)
  lock.hold().block();
#else
  const auto held = lock.hold().block();
#endif
}
