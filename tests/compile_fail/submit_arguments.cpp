// SPDX-License-Identifier: BSL-1.0

// The stored arguments do not fit the function.
// expect: fn cannot be called with these arguments

#include <cohort/cohort.hpp>

#include <functional>

void increment(int& x) { ++x; }

void use(cohort::ThreadPool& pool) {
  int x = 1;
#if defined(MUST_NOT_COMPILE)
  static_cast<void>(pool.submit(increment, x));
#else
  static_cast<void>(pool.submit(increment, std::ref(x)));
#endif
}
