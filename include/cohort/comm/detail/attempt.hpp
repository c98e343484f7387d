// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the buffers of queues and channels answer.

#include <cstddef>

namespace cohort::inline v0::detail {

/// What an attempt on a buffer came to.
struct Attempt {
  enum class Result : unsigned char { done, blocked, closed };
  Result result;
  bool wake = false;  // done, and somebody on the other side waits
  bool done() const noexcept { return result == Result::done; }
};

/// What an attempt with several items came to: done with the first `count`, 1 or more, or with none.
struct BatchAttempt {
  std::size_t count;
  Attempt attempt;
};

}  // namespace cohort::inline v0::detail
