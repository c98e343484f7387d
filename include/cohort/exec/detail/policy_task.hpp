// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A PolicyExecutor's record of a task: the Home on which its coroutines become ready, and the Job
/// that the policy sees. And what the executor's core has that does not depend on the policy.

#include <atomic>
#include <cstddef>
#include <utility>

#include "cohort/core/detail/frame_pool.hpp"    // allocate_block
#include "cohort/exec/detail/injector.hpp"      // the way in
#include "cohort/exec/detail/layered_core.hpp"  // LayeredCore
#include "cohort/exec/policy/job.hpp"           // Job

namespace cohort::inline v0::detail {

template <class = void>
class BasicPolicyTask;
using PolicyTask = BasicPolicyTask<>;

/// One activation of the trampoline on behalf of one task after the other.
struct PolicyTurn {
  PolicyTask* task = nullptr;  // counted
  TimePoint began{};
  TimePoint ends = never;  // its quantum's end
  std::size_t seen = 0;    // how much had become ready
  bool over = false;       // the task's turn, whatever else it has ready
  bool gives_way = false;  // it is about to post itself
};

template <class = void>
class BasicPolicyCoreBase : public LayeredCore {
 public:
  using LayeredCore::post;
  using LayeredCore::turn_blocks;
  using LayeredCore::turn_unblocks;

  /// Any thread: the coroutine is ready, in that task. Offers a turn for it if told to.
  void post(PolicyTask& task, Coroutine& c, bool offer) noexcept;
  /// The task's coroutine that runs in this turn could give way.
  virtual Turn look(PolicyTurn& turn) noexcept = 0;
  virtual Home& new_task() = 0;

 protected:
  BasicPolicyCoreBase(Home& below, std::size_t turns) noexcept
      : LayeredCore(below, "PolicyExecutor", turns) {}
  ~BasicPolicyCoreBase() = default;

  BasicInjector<RealAtomics, PolicyTask> announced_;
};
using PolicyCoreBase = BasicPolicyCoreBase<>;

/// Counted: it lives as long as it has tasks, an announcement or a turn. One of them is no task's
/// but the executor's own: whatever comes by `schedule()` or a Strand is at home there.
template <class>
class BasicPolicyTask final : public HomeAbove, public Job {
 public:
  /// Not counted yet: `task_begins` follows.
  BasicPolicyTask(PolicyCoreBase& core, bool guests) noexcept
      : HomeAbove(static_cast<Home&>(core)),
        core_(core),
        references_(guests ? 1 : 0),
        for_guests(guests) {
    if (!guests) core.retain();
  }
  ~BasicPolicyTask() = default;

  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_block(memory, size); }

  void post(Coroutine& c) noexcept override {
    PolicyTurn* const turn = turn_here();
    const bool gives_way = turn && std::exchange(turn->gives_way, false);
    retain();  // the coroutine may run and end
    core_.post(*this, c, !gives_way);
    release();
  }
  // It wants to look again: then others shall have run.
  void post_quietly(Coroutine& c) noexcept override {
    if (PolicyTurn* const turn = turn_here()) turn->over = turn->gives_way = true;
    post(c);
  }
  Turn turn(Context& context) noexcept override {
    return core_.look(*static_cast<PolicyTurn*>(context.worker));
  }
  const Home* executor() const noexcept override { return &core_; }
  Home& home_for_task() override { return core_.new_task(); }
  TaskCount& task_begins() override {
    retain();
    try {
      return core_.task_begins();
    } catch (...) {
      release();
      throw;
    }
  }
  void task_ends(TaskCount& count) noexcept override {
    PolicyCoreBase& core = core_;
    core.retain();
    release();
    core.task_ends(count);  // the executor may go
    core.release();
  }
  void worker_blocks() noexcept override { core_.turn_blocks(); }
  void worker_unblocks() noexcept override { core_.turn_unblocks(); }

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    PolicyCoreBase& core = core_;
    delete this;
    core.release();
  }

  // From here on under the core's lock.
  bool has_ready() const noexcept { return !(ready_.empty() && posted.empty()); }
  Coroutine* next_ready() noexcept { return ready_.next(posted); }
  /// Takes all that is ready aside.
  void sweep() noexcept {
    swept = nullptr;
    swept_next = nullptr;
    for (Coroutine** end = &swept; Coroutine* const c = next_ready(); end = &c->link) {
      *end = c;
      c->link = nullptr;
    }
  }

 private:
  PolicyTurn* turn_here() const noexcept {
    const Context* const context = current_context();
    return context && context->home == this ? static_cast<PolicyTurn*>(context->worker) : nullptr;
  }

  PolicyCoreBase& core_;
  std::atomic<std::size_t> references_;
  ReadyList<Coroutine> ready_;

 public:
  const bool for_guests;
  BasicInjector<RealAtomics, Coroutine> posted;
  std::atomic<bool> announced{false};
  BasicPolicyTask* link;  // in the list of those announced
  // Under the core's lock.
  Arrival arrival = Arrival::created;  // how it enters the policy's queue next
  bool queued = false;                 // it is there
  BasicPolicyTask* swept_next = nullptr;
  Coroutine* swept = nullptr;
};

template <class X>
void BasicPolicyCoreBase<X>::post(PolicyTask& task, Coroutine& c, bool offer) noexcept {
  const Posting posting(*this, offer);
  task.posted.push(c);
  if (task.announced.exchange(true, std::memory_order_seq_cst)) return;
  task.retain();
  announced_.push(task);
}

}  // namespace cohort::inline v0::detail
