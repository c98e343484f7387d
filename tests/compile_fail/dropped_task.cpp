// SPDX-License-Identifier: BSL-1.0

// A Task that nobody awaits, runs or spawns does nothing.
// expect: a Task does nothing until it is awaited, run or spawned

#include <cohort/cohort.hpp>

cohort::Task<int> work() { co_return 1; }

cohort::Task<> use() {
#if defined(MUST_NOT_COMPILE)
  work();
#else
  static_cast<void>(co_await work());
#endif
  co_return;
}
