// SPDX-License-Identifier: BSL-1.0

// A pointer means nothing in another process. The error names the argument by number and type.
// expect: Argument<2[ulUL]*, int ?\*>

#include <cohort/wire/remote_call.hpp>

int first(int n, const int* values) { return n > 0 ? *values : 0; }
int first_of(const std::vector<int>& values) { return values.at(0); }

void use(cohort::OutArchive& out) {
#if defined(MUST_NOT_COMPILE)
  int values[] = {1, 2};
  cohort::encode_call(out, first, 2, values);
#else
  cohort::encode_call(out, first_of, std::vector<int>{1, 2});
#endif
}
