// SPDX-License-Identifier: BSL-1.0

// Nobody can name what a lambda captures, so it does not travel.
// expect: a lambda must capture nothing \(pass what it captures as arguments\)

#include <cohort/wire/remote_call.hpp>

void use(cohort::OutArchive& out, int by) {
#if defined(MUST_NOT_COMPILE)
  cohort::encode_call(
      out, [by](int x) { return by * x; }, 2);
#else
  cohort::encode_call(
      out, [](int x, int factor) { return factor * x; }, 2, by);
#endif
}
