// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ProcessExit: thrown to end a Process from anywhere in its target.
///
///     throw ProcessExit{3};                       // the exit code
///     throw ProcessExit{"no such recipe"};        // on stderr; the exit code is 1
///
/// std::exit(3) does the same without unwinding the stack.

#include <string>
#include <utility>

namespace cohort::inline v0 {

/// No error, so it derives from nothing, and `catch (const std::exception&)` lets it pass.
struct ProcessExit {
  explicit ProcessExit(int c = 0) noexcept : code(c) {}
  explicit ProcessExit(std::string t) : code(1), text(std::move(t)) {}

  int code;
  std::string text;
};

}  // namespace cohort::inline v0
