// SPDX-License-Identifier: BSL-1.0

// The body of a task_group is a coroutine function.
// expect: body is a coroutine function

#include <cohort/cohort.hpp>

cohort::Task<> use() {
#if defined(MUST_NOT_COMPILE)
  const auto body = [](cohort::TaskGroup&) {};
#else
  const auto body = [](cohort::TaskGroup&) -> cohort::Task<> { co_return; };
#endif
  co_await cohort::task_group(body);
}
