// SPDX-License-Identifier: BSL-1.0

// A pointer means nothing in another process; the compiler names the argument and the cure.
// expect: InArgument<1[ulUL]*, int ?\*>

#include <cohort/cohort.hpp>

int read_it(const int* x) { return *x; }
int take_it(int x) { return x; }

auto use(cohort::ProcessPool& pool, int x) {
#if defined(MUST_NOT_COMPILE)
  return pool.apply(read_it, &x).block();
#else
  return pool.apply(take_it, x).block();
#endif
}
