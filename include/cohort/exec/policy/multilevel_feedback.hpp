// SPDX-License-Identifier: BSL-1.0
#pragma once

/// MultilevelFeedback: short jobs first, without anybody saying which are short. For PolicyExecutor.
///
///     PolicyExecutor<MultilevelFeedback> executor{1, MultilevelFeedback{3, 10ms}};

#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cohort/exec/policy/job.hpp"      // JobList
#include "cohort/exec/policy/quantum.hpp"  // Quantum

namespace cohort::inline v0 {

/// Queues of falling urgency.
/// 1. The quantum of each is twice as long as that of the one before.
/// 2. A new job enters the first, at its tail.
/// 3. One that has used its quantum up enters the next, at its tail; in the last it stays, so that
///    this one is a round robin.
/// 4. A queue runs only when all before it are empty.
/// 5. A job gives way to one that has become ready in a queue before its own, and then stands at
///    the tail of its own.
/// One that has waited returns to the tail of the queue it came from, with a new quantum.
template <class = void>
class BasicMultilevelFeedback {
 public:
  BasicMultilevelFeedback() : BasicMultilevelFeedback(3, std::chrono::milliseconds(10)) {}
  /// Throws std::invalid_argument for fewer than one level or more than 64, and unless the quantum
  /// is positive.
  template <std::integral Int, class Rep, class Period>
  BasicMultilevelFeedback(Int levels, std::chrono::duration<Rep, Period> base_quantum)
      : quantum_(base_quantum), ready_(checked(levels)) {}

  void push(Job& job, Arrival why) noexcept {
    if (why == Arrival::created) job.level = 0;
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
  Clock::duration left(const Job& job) const noexcept { return quantum_.left(job, job.level); }
  bool charge(Job& job, Clock::duration ran) noexcept {
    if (!quantum_.charge(job, ran, job.level)) return false;
    if (job.level + 1 < ready_.size()) ++job.level;
    return true;
  }
  bool preempts(const Job& running) const noexcept {
    for (std::size_t level = 0; level < running.level; ++level) {
      if (!ready_[level].empty()) return true;
    }
    return false;
  }

 private:
  template <std::integral Int>
  static std::size_t checked(Int levels) {
    if (std::cmp_less(levels, 1) || std::cmp_greater(levels, 64)) {
      throw std::invalid_argument("MultilevelFeedback: the number of levels is " +
                                  std::to_string(levels) + ", must be 1 to 64");
    }
    return static_cast<std::size_t>(levels);
  }

  Quantum quantum_;
  std::vector<JobList> ready_;
};
using MultilevelFeedback = BasicMultilevelFeedback<>;

}  // namespace cohort::inline v0
