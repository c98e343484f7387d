// SPDX-License-Identifier: BSL-1.0

// An operation that nobody awaits or blocks on does nothing.
// expect: a dropped operation does nothing: co_await it, or call block\(\)

#include <cohort/cohort.hpp>

void wait_for(cohort::Event& event) {
#if defined(MUST_NOT_COMPILE)
  event.wait();
#else
  event.wait().block();
#endif
}
