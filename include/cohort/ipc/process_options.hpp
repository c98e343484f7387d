// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What can be said of a Process before it starts.
///
///     Process p{ProcessOptions{.name = "cook", .daemon = true}, worker, queue};

#include <optional>
#include <string>

#include "cohort/ipc/start_method.hpp"  // StartMethod

namespace cohort::inline v0 {

struct ProcessOptions {
  /// Default: "Process-1" and so on.
  std::string name = {};
  /// A daemon ends with its parent's code, however that ends, and has no children. Default: as the
  /// process that makes it.
  std::optional<bool> daemon = {};
  /// Killed when the parent ends, however that ends.
  bool die_with_parent = false;
  /// Default: see set_start_method().
  std::optional<StartMethod> start_method = {};
};

}  // namespace cohort::inline v0
