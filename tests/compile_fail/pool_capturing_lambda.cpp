// SPDX-License-Identifier: BSL-1.0

// What a lambda captures does not travel to a worker process.
// expect: a lambda must capture nothing \(pass what it captures as arguments\)

#include <cohort/cohort.hpp>

#include <utility>
#include <vector>

auto use(cohort::ProcessPool& pool, int by) {
#if defined(MUST_NOT_COMPILE)
  const std::vector<int> numbers{1, 2, 3};
  return pool.map([by](int x) { return by * x; }, numbers).block();
#else
  const std::vector<std::pair<int, int>> numbers{{by, 1}, {by, 2}};
  return pool.starmap([](int factor, int x) { return factor * x; }, numbers).block();
#endif
}
