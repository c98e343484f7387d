// SPDX-License-Identifier: BSL-1.0

// A done callback is called with the Future.
// expect: a done callback is called with the Future

#include <cohort/cohort.hpp>

void use(const cohort::Future<int>& future) {
#if defined(MUST_NOT_COMPILE)
  future.add_done_callback([] {});
#else
  future.add_done_callback([](const cohort::Future<int>&) {});
#endif
}
