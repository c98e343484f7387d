// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Job: what a scheduling policy knows of a task, and the two kinds of ready queue that a policy is
/// made of. For people who write a policy; see PolicyExecutor for what a policy is.

#include <cstddef>
#include <cstdint>

#include "cohort/core/detail/pairing_heap.hpp"  // JobHeap
#include "cohort/os/deadline.hpp"               // Clock

namespace cohort::inline v0 {

/// Why a job enters the ready queue.
enum class Arrival : std::uint8_t {
  created,    ///< it has never run
  unblocked,  ///< it waited for something, which has come
  used_up,    ///< its quantum is used up and it has not finished
  preempted,  ///< it gives way to a more urgent one
};

/// One task that is or may become ready. Neither copies nor moves: queues link to it.
class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  int priority = 0;                                   ///< larger is more urgent
  Clock::duration estimate = Clock::duration::max();  ///< how long it will run; max: unknown

  // The policy's own.
  Clock::duration used{};   ///< of its present quantum
  std::size_t level = 0;    ///< in which of several queues
  std::uint64_t order = 0;  ///< among equals

 protected:
  ~Job() = default;

 private:
  friend class JobList;
  template <class>
  friend class JobHeap;
  Job* next_ = nullptr;
  Job* prev_ = nullptr;
  detail::HeapLinks<Job> heap_links_;
};

/// First in, first out.
class JobList {
 public:
  bool empty() const noexcept { return !first_; }
  void push(Job& job) noexcept {
    job.next_ = nullptr;
    job.prev_ = last_;
    (last_ ? last_->next_ : first_) = &job;
    last_ = &job;
  }
  /// Null if there is none.
  Job* pop() noexcept {
    Job* const job = first_;
    if (job) remove(*job);
    return job;
  }
  /// One that is in this list.
  void remove(Job& job) noexcept {
    (job.prev_ ? job.prev_->next_ : first_) = job.next_;
    (job.next_ ? job.next_->prev_ : last_) = job.prev_;
  }

 private:
  Job* first_ = nullptr;
  Job* last_ = nullptr;
};

/// The first by `Before{}(a, b)`; among equals, first in, first out.
template <class Before>
class JobHeap {
 public:
  const Job* top() const noexcept { return heap_.top(); }
  void push(Job& job) noexcept {
    job.order = ++pushed_;
    push_again(job);
  }
  /// One that was in, before those that have come since.
  void push_again(Job& job) noexcept { heap_.push(job); }
  /// Null if there is none.
  Job* pop() noexcept { return heap_.pop(); }
  /// One that is in this heap.
  void remove(Job& job) noexcept { heap_.remove(job); }

 private:
  struct Order {
    static detail::HeapLinks<Job>& links(Job& job) noexcept { return job.heap_links_; }
    static bool before(const Job& a, const Job& b) noexcept {
      if (Before{}(a, b)) return true;
      return !Before{}(b, a) && a.order < b.order;
    }
  };
  detail::PairingHeap<Job, Order> heap_;
  std::uint64_t pushed_ = 0;
};

}  // namespace cohort::inline v0
