// SPDX-License-Identifier: BSL-1.0

// A result must travel, too.
// expect: detail::Result<std::unique_ptr<int

#include <cohort/wire/remote_call.hpp>

#include <memory>

void use(cohort::OutArchive& out) {
#if defined(MUST_NOT_COMPILE)
  cohort::encode_call(out, [] { return std::make_unique<int>(1); });
#else
  cohort::encode_call(out, [] { return 1; });
#endif
}
