// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a PolicyExecutor's turns share: the policy with the tasks that are ready, under a lock. A
/// task keeps its turn as long as it has something ready, has not used its quantum up, and no more
/// urgent one is ready; that is looked at whenever one of its coroutines suspends or offers to.

#include <atomic>
#include <concepts>
#include <cstddef>
#include <mutex>
#include <utility>

#include "cohort/exec/detail/policy_task.hpp"  // PolicyTask, PolicyTurn

namespace cohort::inline v0 {

/// A scheduling policy: a ready queue of jobs. Called by one thread at a time.
template <class P>
concept SchedulingPolicy = std::move_constructible<P> && requires(P& policy, Job& job) {
  /// Puts a job in that is not in.
  policy.push(job, Arrival::created);
  /// Takes out the one that is to run now, whose turn begins; null if there is none.
  { policy.pop() } -> std::convertible_to<Job*>;
  /// Takes out one that is in.
  policy.remove(job);
};

/// One with quanta, in addition.
template <class P>
concept QuantumPolicy = SchedulingPolicy<P> && requires(P& policy, Job& job, Clock::duration ran) {
  /// How long a job whose turn it is may go on.
  { policy.left(job) } -> std::convertible_to<Clock::duration>;
  /// A job that is not in the queue has run for that long: whether its quantum is used up.
  { policy.charge(job, ran) } -> std::convertible_to<bool>;
};

/// One that takes a job's turn away when a more urgent one becomes ready, in addition.
template <class P>
concept PreemptivePolicy = SchedulingPolicy<P> && requires(const P& policy, const Job& job) {
  { policy.preempts(job) } -> std::convertible_to<bool>;
};

namespace detail {

template <class Policy>
class PolicyCore final : public PolicyCoreBase {
 public:
  PolicyCore(Home& below, std::size_t turns, Policy policy)
      : PolicyCoreBase(below, turns), policy_(std::move(policy)) {}

  /// Of whatever has no record of its own.
  Home& home() noexcept { return guests_; }
  Home& new_task() override { return *new PolicyTask(*this, false); }
  void post(Coroutine& c) noexcept override { guests_.post(c); }

  Turn look(PolicyTurn& turn) noexcept override {
    below_.keep_time();
    if (!worth_a_look(turn)) return Turn::goes_on;
    const std::lock_guard lock(mutex_);
    charge(turn);
    admit();
    turn.seen = changes_.load(std::memory_order_relaxed);
    if (!turn.over && !preempted(*turn.task)) return Turn::goes_on;
    if (!turn.over) turn.task->arrival = Arrival::preempted;
    turn.gives_way = true;
    return Turn::ends;
  }

 private:
  ~PolicyCore() = default;
  static constexpr bool has_quanta = QuantumPolicy<Policy>;
  static constexpr bool preempts = PreemptivePolicy<Policy>;

  void take_turn() noexcept override {
    PolicyTurn turn;
    Context context{&guests_};
    context.worker = &turn;
    const ActivationGuard active(context);
    const auto goes_on = [&](Coroutine& c) noexcept {
      if (look(turn) == Turn::goes_on) return true;
      c.make_ready();
      turn.task->post(c);
      return false;
    };
    // Now and then others have the thread, but not in the middle of a task's turn.
    const TimePoint long_enough = Clock::now() + std::chrono::milliseconds(1);
    unsigned tasks = 0;
    const auto may_take_another = [&] {
      return ++tasks <= 64 && (tasks % 8 != 0 || Clock::now() < long_enough);
    };
    while (Coroutine* const c = next(turn, may_take_another)) {
      context.home = turn.task;
      drive(context, c, goes_on);
      context.home = &guests_;
    }
  }
  bool work_in_sight() const noexcept override {
    return !announced_.empty() || ready_.load(std::memory_order_seq_cst) != 0;
  }
  // Drops what has not begun of all that is ready.
  void sweep() noexcept override {
    if (sweeps_.exchange(true, std::memory_order_acquire)) return;
    PolicyTask* first = nullptr;
    {
      const std::lock_guard lock(mutex_);
      admit();
      for (PolicyTask** end = &first; PolicyTask* const task = pop(); end = &task->swept_next) {
        *end = task;
        task->sweep();
      }
    }
    while (first) {
      PolicyTask& task = *std::exchange(first, first->swept_next);
      detail::drop_queued(task.swept, [&task](Coroutine& c) { task.post(c); });
      task.release();
    }
    sweeps_.store(false, std::memory_order_release);
  }

  // What to resume next: of the task whose turn it is, or, if there may be another, of that one.
  template <class MayTakeAnother>
  Coroutine* next(PolicyTurn& turn, const MayTakeAnother& may_take_another) noexcept {
    below_.keep_time();
    PolicyTask* const before = turn.task;
    Coroutine* c = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (before) charge(turn);
      admit();
      if (before && goes_on(turn)) return take(*before);
      if (before) before->arrival = Arrival::unblocked;
      turn.task = turns() <= turns_at_most() && may_take_another() ? pop() : nullptr;
      if (turn.task) {
        c = take(*turn.task);
        begin(turn);
      }
    }
    if (c && ready_.load(std::memory_order_seq_cst) != 0) offer_turn();
    if (before) before->release();
    return c;
  }

  bool worth_a_look([[maybe_unused]] const PolicyTurn& turn) const noexcept {
    if constexpr (has_quanta) {
      if (below_.now() >= turn.ends) return true;
    }
    return preempts &&
           (!announced_.empty() || changes_.load(std::memory_order_relaxed) != turn.seen);
  }

  // ---- Under the lock from here on.
  bool goes_on(const PolicyTurn& turn) const noexcept {
    const PolicyTask& task = *turn.task;
    return !turn.over && !task.for_guests && task.has_ready() && !preempted(task);
  }
  bool preempted([[maybe_unused]] const PolicyTask& task) const noexcept {
    if constexpr (preempts) {
      return policy_.preempts(task);
    } else {
      return false;
    }
  }

  void begin(PolicyTurn& turn) noexcept {
    turn.over = turn.gives_way = false;
    turn.seen = changes_.load(std::memory_order_relaxed);
    if constexpr (has_quanta) {
      turn.began = below_.now();
      turn.ends = add_saturating(turn.began, policy_.left(*turn.task));
    }
  }
  void charge([[maybe_unused]] PolicyTurn& turn) noexcept {
    if constexpr (has_quanta) {
      PolicyTask& task = *turn.task;
      const TimePoint time = below_.now();
      const auto ran = time - turn.began;
      // More of it is ready: only the end of its quantum moves it.
      const bool queued = task.queued;
      if (queued && ran < policy_.left(task)) return;
      if (queued) remove(task);
      if (policy_.charge(task, ran)) {
        turn.over = true;
        task.arrival = Arrival::used_up;
      }
      if (queued) enqueue(task);
      turn.began = time;
      turn.ends = add_saturating(time, policy_.left(task));
    }
  }

  // Those announced enter the policy's queue, in their order.
  void admit() noexcept {
    for (PolicyTask* task = announced_.take_all_in_order(); task;) {
      PolicyTask& admitted = *std::exchange(task, task->link);
      admitted.announced.store(false, std::memory_order_seq_cst);  // what comes now is new again
      if (!admitted.queued && admitted.has_ready()) enqueue(admitted);
      admitted.release();
    }
  }
  void enqueue(PolicyTask& task) noexcept {
    policy_.push(task, task.for_guests ? Arrival::created : task.arrival);
    task.arrival = Arrival::unblocked;
    task.queued = true;
    ready_.fetch_add(1, std::memory_order_seq_cst);
    changes_.fetch_add(1, std::memory_order_relaxed);
  }
  void remove(PolicyTask& task) noexcept {
    policy_.remove(task);
    has_left(task);
  }
  PolicyTask* pop() noexcept {
    Job* const job = policy_.pop();
    if (!job) return nullptr;
    auto& task = *static_cast<PolicyTask*>(job);
    has_left(task);
    task.retain();
    return &task;
  }
  void has_left(PolicyTask& task) noexcept {
    task.queued = false;
    ready_.fetch_sub(1, std::memory_order_seq_cst);
  }
  // Its oldest coroutine. If there are more, another turn may take them meanwhile.
  Coroutine* take(PolicyTask& task) noexcept {
    Coroutine* const c = task.next_ready();
    if (!task.has_ready()) {
      if (task.queued) remove(task);
    } else if (!task.queued) {
      enqueue(task);
    }
    return c;
  }

  std::mutex mutex_;
  Policy policy_;
  PolicyTask guests_{*this, true};
  std::atomic<std::size_t> ready_{0};    // tasks in the policy's queue
  std::atomic<std::size_t> changes_{0};  // how many ever were
  std::atomic<bool> sweeps_{false};
};

}  // namespace detail
}  // namespace cohort::inline v0
