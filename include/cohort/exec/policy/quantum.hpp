// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Quantum: how long a job may run before others have their turn. For people who write a policy.

#include <stdexcept>

#include "cohort/exec/policy/job.hpp"  // Job
#include "cohort/os/deadline.hpp"      // durations

namespace cohort::inline v0 {

/// Keeps a job's account.
class Quantum {
 public:
  /// Throws std::invalid_argument unless it is positive.
  template <class Rep, class Period>
  explicit Quantum(std::chrono::duration<Rep, Period> length)
      : length_(detail::add_saturating(TimePoint{}, length).time_since_epoch()) {
    if (length_ <= Clock::duration::zero()) {
      throw std::invalid_argument("a scheduling policy's quantum must be longer than nothing");
    }
  }

  /// A turn begins.
  static void begin(Job& job) noexcept { job.used = {}; }
  /// What is left of it, `2^doubled` times as long; 0 if it is used up.
  Clock::duration left(const Job& job, std::size_t doubled = 0) const noexcept {
    const auto length = times(doubled);
    return job.used < length ? length - job.used : Clock::duration::zero();
  }
  /// The job has run for that long; true if its quantum is used up. It then has a new one.
  bool charge(Job& job, Clock::duration ran, std::size_t doubled = 0) const noexcept {
    if (ran < left(job, doubled)) {
      job.used += ran;
      return false;
    }
    job.used = {};
    return true;
  }

 private:
  Clock::duration times(std::size_t doubled) const noexcept {
    auto length = length_;
    for (; doubled > 0; --doubled) {
      if (length > Clock::duration::max() / 2) return Clock::duration::max();
      length *= 2;
    }
    return length;
  }

  Clock::duration length_;
};

}  // namespace cohort::inline v0
