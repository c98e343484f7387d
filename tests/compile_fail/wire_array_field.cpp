// SPDX-License-Identifier: BSL-1.0

// The fields of an aggregate with a C array cannot be counted.
// expect: this aggregate has a C array, a reference or more than 32 fields

#include <cohort/wire/codec.hpp>

#include <array>

struct Raw {
  int a[3];
  int b;
};
struct Good {
  std::array<int, 3> a;
  int b;
};

#if defined(MUST_NOT_COMPILE)
using Sent = Raw;
#else
using Sent = Good;
#endif

std::size_t use(const Sent& sent) { return cohort::encoded_size(sent); }
