// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The version of the headers, by the rules of Semantic Versioning 2.0.
#define COHORT_VERSION_MAJOR 0
#define COHORT_VERSION_MINOR 1
#define COHORT_VERSION_PATCH 0

namespace cohort::inline v0 {

struct Version {
  int major, minor, patch;
};

inline constexpr Version version{COHORT_VERSION_MAJOR, COHORT_VERSION_MINOR, COHORT_VERSION_PATCH};

}  // namespace cohort::inline v0
