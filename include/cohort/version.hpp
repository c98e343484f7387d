// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The version of the headers, by the rules of Semantic Versioning 2.0. Written here and nowhere else.
#define COHORT_VERSION_MAJOR 0
#define COHORT_VERSION_MINOR 1
#define COHORT_VERSION_PATCH 0

/// The same as one number, for `#if COHORT_VERSION >= 102` (0.1.2).
#define COHORT_VERSION \
  (COHORT_VERSION_MAJOR * 10000 + COHORT_VERSION_MINOR * 100 + COHORT_VERSION_PATCH)

namespace cohort::inline v0 {

struct Version {
  int major, minor, patch;
};

inline constexpr Version version{COHORT_VERSION_MAJOR, COHORT_VERSION_MINOR, COHORT_VERSION_PATCH};

}  // namespace cohort::inline v0
