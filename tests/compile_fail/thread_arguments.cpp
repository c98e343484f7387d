// SPDX-License-Identifier: BSL-1.0

// The stored arguments do not fit the thread's target.
// expect: fn cannot be called with these arguments

#include <cohort/cohort.hpp>

#include <functional>

void increment(int& x) { ++x; }

void use() {
  int x = 1;
#if defined(MUST_NOT_COMPILE)
  cohort::Thread thread{cohort::ThreadOptions{.name = "adder"}, increment, x};
#else
  cohort::Thread thread{cohort::ThreadOptions{.name = "adder"}, increment, std::ref(x)};
#endif
  thread.start();
}
