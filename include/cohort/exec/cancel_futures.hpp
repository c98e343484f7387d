// SPDX-License-Identifier: BSL-1.0
#pragma once

/// `pool.shutdown(cancel_futures)`: what is queued is dropped, as with Python's Executor.

namespace cohort::inline v0 {

/// Whether `shutdown` cancels the futures of work that has not begun.
struct CancelFutures {
  constexpr CancelFutures(bool yes) noexcept : cancel(yes) {}  // NOLINT: meant to convert
  bool cancel;
};
inline constexpr CancelFutures cancel_futures{true};

}  // namespace cohort::inline v0
