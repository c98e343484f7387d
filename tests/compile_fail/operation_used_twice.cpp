// SPDX-License-Identifier: BSL-1.0

// An operation is used once: a named one must be moved from.
// expect: co_await takes a temporary: a cohort operation, Task or Future

#include <cohort/cohort.hpp>

#include <utility>

cohort::Task<> use(cohort::Event& event) {
  auto operation = event.wait();
#if defined(MUST_NOT_COMPILE)
  co_await operation;
  co_await operation;
#else
  co_await std::move(operation);
#endif
}
