// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Points on the monotonic clock, and arithmetic that saturates instead of wrapping round.

// For durations and steady_clock: every standard library has them here, and <chrono> with its
// calendars would make up a fifth of the cost of including this one.
#include <thread>

namespace cohort::inline v0 {

/// The clock of every wait: monotonic, so that setting the wall clock changes none.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

namespace detail {

/// "For ever": no clock ever reaches it.
inline constexpr TimePoint never = TimePoint::max();

/// `from + d`, at most `never`. Not-a-number counts as zero.
template <class Rep, class Period>
TimePoint add_saturating(TimePoint from, std::chrono::duration<Rep, Period> d) noexcept {
  using Wide = std::chrono::duration<long double, Clock::period>;
  const auto wide = std::chrono::duration_cast<Wide>(d);
  if (!(wide > Wide::zero())) return from;
  if (wide >= Wide{never - from}) return never;
  return from + std::chrono::duration_cast<Clock::duration>(d);
}

}  // namespace detail
}  // namespace cohort::inline v0
