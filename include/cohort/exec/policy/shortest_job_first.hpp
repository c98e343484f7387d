// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ShortestJobFirst, for PolicyExecutor.
///
///     PolicyExecutor<ShortestJobFirst> executor{1};
///     executor.submit(With{.estimate = 20ms}, work, 1);

#include "cohort/exec/policy/job.hpp"  // JobHeap

namespace cohort::inline v0 {

/// Of those that are ready, the one with the smallest estimate runs, until it ends or waits; among
/// equals, first come, first served. A job without an estimate comes last. The mean wait is the
/// least there is, if the estimates are right; a long job may wait for ever.
template <class = void>
class BasicShortestJobFirst {
 public:
  void push(Job& job, Arrival) noexcept { ready_.push(job); }
  Job* pop() noexcept { return ready_.pop(); }
  void remove(Job& job) noexcept { ready_.remove(job); }

 private:
  struct Shorter {
    bool operator()(const Job& a, const Job& b) const noexcept { return a.estimate < b.estimate; }
  };
  JobHeap<Shorter> ready_;
};
using ShortestJobFirst = BasicShortestJobFirst<>;

}  // namespace cohort::inline v0
