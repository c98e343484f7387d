// SPDX-License-Identifier: BSL-1.0

// A Task is awaited once: a named one must be moved from.
// expect: co_await takes a temporary: a cohort operation, Task or Future

#include <cohort/cohort.hpp>

#include <utility>

cohort::Task<int> work() { co_return 1; }

cohort::Task<int> use() {
  cohort::Task<int> task = work();
#if defined(MUST_NOT_COMPILE)
  const int x = co_await task;
#else
  const int x = co_await std::move(task);
#endif
  co_return x;
}
