// SPDX-License-Identifier: BSL-1.0

// What a function does to a copy in another process nobody sees here.
// expect: so take them by value or by reference to const

#include <cohort/wire/remote_call.hpp>

void increment(int& x) { ++x; }
int incremented(int x) { return x + 1; }

void use(cohort::OutArchive& out, int x) {
#if defined(MUST_NOT_COMPILE)
  cohort::encode_call(out, increment, x);
#else
  cohort::encode_call(out, incremented, x);
#endif
}
