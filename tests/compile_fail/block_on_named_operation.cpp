// SPDX-License-Identifier: BSL-1.0

// The same for a thread that blocks.
// expect: (no matching member function for call to 'block'|discards qualifiers)

#include <cohort/cohort.hpp>

#include <utility>

void use(cohort::Event& event) {
  auto operation = event.wait();
#if defined(MUST_NOT_COMPILE)
  operation.block();
#else
  std::move(operation).block();
#endif
}
