// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Fcfs: first come, first served, for PolicyExecutor.
///
///     PolicyExecutor<Fcfs> executor{1};

#include "cohort/exec/policy/job.hpp"  // JobList

namespace cohort::inline v0 {

/// Each job runs until it ends or waits; then the one that has been ready for longest. Good to long
/// jobs, hard on short ones behind a long one.
template <class = void>
class BasicFcfs {
 public:
  void push(Job& job, Arrival) noexcept { ready_.push(job); }
  Job* pop() noexcept { return ready_.pop(); }
  void remove(Job& job) noexcept { ready_.remove(job); }

 private:
  JobList ready_;
};
using Fcfs = BasicFcfs<>;

}  // namespace cohort::inline v0
