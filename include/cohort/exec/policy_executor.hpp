// SPDX-License-Identifier: BSL-1.0
#pragma once

/// PolicyExecutor: threads that run what a scheduling policy says.
///
///     PolicyExecutor<ShortestJobFirst> executor{2};
///     executor.submit(With{.estimate = 20ms}, work, 42).block();
///
/// Policies: Fcfs, ShortestJobFirst, RoundRobin, MultiQueueRoundRobin, MultilevelFeedback, Priority,
/// or one of your own that models SchedulingPolicy.

#include <concepts>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "cohort/exec/detail/drain_wait.hpp"               // drained
#include "cohort/exec/detail/policy_core.hpp"              // the core
#include "cohort/exec/executor.hpp"                        // SchedulerFace
#include "cohort/exec/policy/fcfs.hpp"                     // Fcfs
#include "cohort/exec/policy/multi_queue_round_robin.hpp"  // MultiQueueRoundRobin
#include "cohort/exec/policy/multilevel_feedback.hpp"      // MultilevelFeedback
#include "cohort/exec/policy/priority.hpp"                 // Priority
#include "cohort/exec/policy/round_robin.hpp"              // RoundRobin
#include "cohort/exec/policy/shortest_job_first.hpp"       // ShortestJobFirst
#include "cohort/exec/thread_pool.hpp"                     // the threads

namespace cohort::inline v0 {

/// What a policy may want to know of a task.
struct With {
  int priority = 0;                                   ///< larger is more urgent
  Clock::duration estimate = Clock::duration::max();  ///< how long it will run; max: unknown
};

/// A Scheduler whose ready queue is a policy's. What is submitted, with all that it awaits, is one
/// job. Preemption is cooperative: whether a job's turn is over is looked at when one of its
/// coroutines offers it by `yield_now` or `checkpoint`, awaits a task, suspends or ends. A job that
/// may go on does so: where a policy has no quantum, `yield_now` in a loop gives way to nobody, so
/// wait for an Event instead. A plain function keeps its turn to its end; one that blocks is made up
/// for, as on a ThreadPool.
///
/// With one thread, and submitted before it runs, the order is the policy's and nothing else. Any
/// thread may use it at any time. It ends like a ThreadPool.
template <SchedulingPolicy Policy>
class PolicyExecutor : public detail::SchedulerFace<PolicyExecutor<Policy>> {
  using Face = detail::SchedulerFace<PolicyExecutor>;
  using Core = detail::PolicyCore<Policy>;

 public:
  /// As many threads as the process may use CPUs.
  PolicyExecutor() : PolicyExecutor(Policy{}) {}
  explicit PolicyExecutor(Policy policy)
      : pool_(std::in_place), core_(make(*pool_, pool_->concurrency(), std::move(policy))) {}
  /// `threads`: 1 or more, else std::invalid_argument.
  template <std::integral Int>
  explicit PolicyExecutor(Int threads, Policy policy = {})
      : pool_(std::in_place, threads),
        core_(make(*pool_, pool_->concurrency(), std::move(policy))) {}
  template <std::integral Int>
  PolicyExecutor(Policy policy, Int threads) : PolicyExecutor(threads, std::move(policy)) {}
  /// On another Scheduler, so many at a time: on an EventLoop with simulated time, say, by whose
  /// clock quanta then go. Destroyed, it leaves its tasks running there; neither may outlive that.
  template <Scheduler S>
  explicit PolicyExecutor(S& below, Policy policy = {})
      : core_(make(below, below.concurrency(), std::move(policy))) {}
  template <Scheduler S, std::integral Int>
  PolicyExecutor(S& below, Policy policy, Int at_a_time)
      : core_(make(below, checked(at_a_time), std::move(policy))) {}
  PolicyExecutor(const PolicyExecutor&) = delete;
  PolicyExecutor& operator=(const PolicyExecutor&) = delete;
  ~PolicyExecutor() {
    if (pool_) {
      core_->close();
      const StepAside aside(*core_);
      pool_.reset();
    }
    core_->abandon();
  }

  using Face::submit;
  /// The same; the policy sees what it comes with.
  template <class Fn, class... Args>
  requires detail::Callable<Fn, Args...> Future<detail::launched_t<Fn, Args...>> submit(
      With with, Fn&& fn, Args&&... args) {
    return detail::launch(home(),
                          detail::make_task(std::forward<Fn>(fn), std::forward<Args>(args)...),
                          [with](detail::Home& own) noexcept {
                            auto& job = static_cast<detail::PolicyTask&>(own);
                            job.priority = with.priority;
                            job.estimate = with.estimate;
                          });
  }

  /// Jobs that run at the same time.
  std::size_t concurrency() const noexcept { return concurrency_; }
  /// Takes no more work; done when everything that was begun has ended.
  auto shutdown() { return detail::drained(core_->close(), core_->driver()); }
  using Face::shutdown;
  detail::Home& home() noexcept { return core_->home(); }
  /// For the library: asks every task to stop.
  void stop_tasks() noexcept { core_->stop_tasks(); }
  /// For the library: what has not begun never will.
  void drop_queued() noexcept { core_->drop_queued(); }

 private:
  // Destroyed in one of its own tasks, the executor goes on without that one's turn.
  class StepAside {
   public:
    explicit StepAside(Core& core) noexcept : core_(core) {
      for (const auto* c = detail::current_context(); c; c = c->outer) {
        if (c->blocked || c->home->executor() != &core_) continue;
        ++turns_;
        core_.turn_blocks();
      }
    }
    ~StepAside() {
      for (; turns_ > 0; --turns_) core_.turn_unblocks();
    }
    StepAside(const StepAside&) = delete;
    StepAside& operator=(const StepAside&) = delete;

   private:
    Core& core_;
    std::size_t turns_ = 0;
  };

  template <class Below>
  Core* make(Below& below, std::size_t at_a_time, Policy policy) {
    concurrency_ = at_a_time;
    return new Core(below.home(), at_a_time, std::move(policy));
  }
  template <std::integral Int>
  static std::size_t checked(Int n) {
    if (std::cmp_less(n, 1)) {
      throw std::invalid_argument("PolicyExecutor: the number of jobs at a time is " +
                                  std::to_string(n) + ", must be 1 or more");
    }
    return static_cast<std::size_t>(n);
  }

  std::size_t concurrency_ = 1;
  std::optional<ThreadPool> pool_;
  Core* const core_;
};

template <std::integral Int, SchedulingPolicy Policy>
PolicyExecutor(Int, Policy) -> PolicyExecutor<Policy>;
template <SchedulingPolicy Policy, std::integral Int>
PolicyExecutor(Policy, Int) -> PolicyExecutor<Policy>;
template <Scheduler S, SchedulingPolicy Policy>
PolicyExecutor(S&, Policy) -> PolicyExecutor<Policy>;
template <Scheduler S, SchedulingPolicy Policy, std::integral Int>
PolicyExecutor(S&, Policy, Int) -> PolicyExecutor<Policy>;

}  // namespace cohort::inline v0
