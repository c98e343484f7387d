// SPDX-License-Identifier: BSL-1.0
#pragma once

/// RoundRobin: everybody in turn, for PolicyExecutor.
///
///     PolicyExecutor<RoundRobin> executor{1, RoundRobin{20ms}};

#include "cohort/exec/policy/job.hpp"      // JobList
#include "cohort/exec/policy/quantum.hpp"  // Quantum

namespace cohort::inline v0 {

/// One ready queue. The head runs; if it has not ended or waited by the time that its quantum is
/// used up, it goes to the tail. So do those that are new and those that have waited. A quantum too
/// short costs many switches; one not shorter than the longest job is first come, first served.
template <class = void>
class BasicRoundRobin {
 public:
  BasicRoundRobin() : BasicRoundRobin(std::chrono::milliseconds(20)) {}
  /// Throws std::invalid_argument unless it is positive.
  template <class Rep, class Period>
  explicit BasicRoundRobin(std::chrono::duration<Rep, Period> quantum) : quantum_(quantum) {}

  void push(Job& job, Arrival) noexcept { ready_.push(job); }
  Job* pop() noexcept {
    Job* const job = ready_.pop();
    if (job) Quantum::begin(*job);
    return job;
  }
  void remove(Job& job) noexcept { ready_.remove(job); }
  Clock::duration left(const Job& job) const noexcept { return quantum_.left(job); }
  bool charge(Job& job, Clock::duration ran) noexcept { return quantum_.charge(job, ran); }

 private:
  Quantum quantum_;
  JobList ready_;
};
using RoundRobin = BasicRoundRobin<>;

}  // namespace cohort::inline v0
