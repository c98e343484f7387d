// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Priority, for PolicyExecutor.
///
///     PolicyExecutor<Priority> executor{1};
///     executor.submit(With{.priority = 5}, work, 1);

#include "cohort/exec/policy/job.hpp"  // JobHeap

namespace cohort::inline v0 {

/// Of those that are ready, the one with the largest priority runs; among equals, first come, first
/// served. A job gives way to one of larger priority that has become ready meanwhile, and keeps its
/// place among its equals. A job of small priority may wait for ever.
template <class = void>
class BasicPriority {
 public:
  void push(Job& job, Arrival why) noexcept {
    if (why == Arrival::preempted) {
      ready_.push_again(job);
    } else {
      ready_.push(job);
    }
  }
  Job* pop() noexcept { return ready_.pop(); }
  void remove(Job& job) noexcept { ready_.remove(job); }
  bool preempts(const Job& running) const noexcept {
    const Job* const first = ready_.top();
    return first && MoreUrgent{}(*first, running);
  }

 private:
  struct MoreUrgent {
    bool operator()(const Job& a, const Job& b) const noexcept { return a.priority > b.priority; }
  };
  JobHeap<MoreUrgent> ready_;
};
using Priority = BasicPriority<>;

}  // namespace cohort::inline v0
