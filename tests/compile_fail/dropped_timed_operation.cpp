// SPDX-License-Identifier: BSL-1.0

// Nor does one with a time limit.
// expect: a dropped operation does nothing: co_await it, or call block\(\)

#include <cohort/cohort.hpp>

#include <chrono>

cohort::Task<> wait_for(cohort::Event& event) {
#if defined(MUST_NOT_COMPILE)
  event.wait().within(std::chrono::seconds(1));
#else
  static_cast<void>(co_await event.wait().within(std::chrono::seconds(1)));
#endif
  co_return;
}
