// SPDX-License-Identifier: BSL-1.0
#pragma once

/// MultiQueueRoundRobin: round robin with a ready queue for each cause, for PolicyExecutor.
///
///     PolicyExecutor<MultiQueueRoundRobin> executor{1, MultiQueueRoundRobin{20ms}};

#include "cohort/exec/policy/job.hpp"      // JobList
#include "cohort/exec/policy/quantum.hpp"  // Quantum

namespace cohort::inline v0 {

/// As RoundRobin, but those that have waited come before those that are new, and these before those
/// that have used their quantum up; first come, first served within each. So jobs that mostly wait
/// are served at once.
template <class = void>
class BasicMultiQueueRoundRobin {
 public:
  BasicMultiQueueRoundRobin() : BasicMultiQueueRoundRobin(std::chrono::milliseconds(20)) {}
  /// Throws std::invalid_argument unless it is positive.
  template <class Rep, class Period>
  explicit BasicMultiQueueRoundRobin(std::chrono::duration<Rep, Period> quantum)
      : quantum_(quantum) {}

  void push(Job& job, Arrival why) noexcept {
    job.level = why == Arrival::unblocked ? 0 : why == Arrival::created ? 1 : 2;
    ready_[job.level].push(job);
  }
  Job* pop() noexcept {
    for (JobList& queue : ready_) {
      if (Job* const job = queue.pop()) {
        Quantum::begin(*job);
        return job;
      }
    }
    return nullptr;
  }
  void remove(Job& job) noexcept { ready_[job.level].remove(job); }
  Clock::duration left(const Job& job) const noexcept { return quantum_.left(job); }
  bool charge(Job& job, Clock::duration ran) noexcept { return quantum_.charge(job, ran); }

 private:
  Quantum quantum_;
  JobList ready_[3];
};
using MultiQueueRoundRobin = BasicMultiQueueRoundRobin<>;

}  // namespace cohort::inline v0
