// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the executors that stand on another one share: Strand and PolicyExecutor. Their tasks are
/// tasks of the executor below, too; their ready coroutines run in *turns*, which are coroutines of
/// the executor below, so many at a time.

#include <atomic>
#include <cstddef>
#include <exception>
#include <string>

#include "cohort/core/coroutine.hpp"           // Home, Completion
#include "cohort/core/detail/basic_event.hpp"  // drained
#include "cohort/core/detail/task_count.hpp"   // live tasks
#include "cohort/core/task.hpp"                // Task
#include "cohort/error.hpp"                    // ShutDown
#include "cohort/exec/launch.hpp"              // Self

namespace cohort::inline v0::detail {

/// A Home that leaves all but `post` to one below.
template <class = void>
class BasicHomeAbove : public Home {
 public:
  void add_timer(TimerNode& n, TimePoint when) noexcept override { below_.add_timer(n, when); }
  void remove_timer(TimerNode& node) noexcept override { below_.remove_timer(node); }
  TimePoint now() const noexcept override { return below_.now(); }
  void keep_time() noexcept override { below_.keep_time(); }
  TaskCount& task_begins() override { return below_.task_begins(); }
  void task_ends(TaskCount& count) noexcept override { below_.task_ends(count); }
  Home* driver() noexcept override { return below_.driver(); }

 protected:
  explicit BasicHomeAbove(Home& below) noexcept : below_(below) {}
  ~BasicHomeAbove() = default;

  Home& below_;
};
using HomeAbove = BasicHomeAbove<>;

/// Counted: it lives as long as the executor that owns it, a task or a turn refers to it.
template <class = void>
class BasicLayeredCore : public HomeAbove, private Completion {
 public:
  TaskCount& task_begins() override {
    retain();
    live_.fetch_add(1, std::memory_order_seq_cst);
    Home& home_below = below_;
    TaskCount* below = nullptr;
    try {
      if (closed_.load(std::memory_order_seq_cst)) {
        throw ShutDown(std::string("this ") + name_ + " was shut down: it takes no more work");
      }
      below = &home_below.task_begins();
      return count_above(*below);
    } catch (...) {
      one_less();
      if (below) home_below.task_ends(*below);
      throw;
    }
  }
  void task_ends(TaskCount& count) noexcept override {
    Home& home_below = below_;
    TaskCount& count_below = static_cast<Count&>(count).below;
    one_less();
    home_below.task_ends(count_below);
  }

  /// Takes no more work; the event is set when what was begun has ended.
  BasicEvent<Gate>& close() noexcept {
    closed_.store(true, std::memory_order_seq_cst);
    if (live_.load(std::memory_order_seq_cst) == 0) finish();
    return drained_;
  }
  /// The executor that owns this goes away; its tasks stay.
  void abandon() noexcept {
    abandoned_.store(true, std::memory_order_seq_cst);
    if (live_.load(std::memory_order_seq_cst) == 0) finish();
    release();
  }
  /// Asks every task to stop.
  void stop_tasks() noexcept {
    stopped_.store(true, std::memory_order_seq_cst);
    for_each_count([](Count& count) { count.scope().request_stop(); });
  }
  /// What has not begun never will. Drops what is in the way in; the rest when its turn comes.
  void drop_queued() noexcept {
    dropped_.store(true, std::memory_order_seq_cst);
    for_each_count([](Count& count) { count.drop_queued(); });
    retain();
    sweep();
    release();
  }

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 protected:
  BasicLayeredCore(Home& below, const char* name, std::size_t turns) noexcept
      : HomeAbove(below), name_(name), turns_at_most_(turns) {}
  virtual ~BasicLayeredCore() {
    for (Count* count = counts_.load(std::memory_order_relaxed); count;) {
      delete std::exchange(count, count->next);
    }
  }

  /// One turn: resumes what is ready, in contexts of this home.
  virtual void take_turn() noexcept = 0;
  virtual bool work_in_sight() const noexcept = 0;
  virtual void sweep() noexcept = 0;

  /// While something is put where turns find it. The turn for it is offered before that: afterwards
  /// it may run, and the executor below be gone.
  class Posting {
   public:
    explicit Posting(BasicLayeredCore& core, bool offer = true) noexcept : core_(core) {
      core_.retain();
      core_.arriving_.fetch_add(1, std::memory_order_seq_cst);
      if (offer) core_.offer_turn();
    }
    ~Posting() {
      core_.arriving_.fetch_sub(1, std::memory_order_seq_cst);
      core_.release();
    }
    Posting(const Posting&) = delete;
    Posting& operator=(const Posting&) = delete;

   private:
    BasicLayeredCore& core_;
  };

  std::size_t turns_at_most() const noexcept { return turns_at_most_; }
  std::size_t turns() const noexcept { return turns_.load(std::memory_order_seq_cst); }
  /// A turn for what is ready or arrives, unless there are as many as there may be. (Those look
  /// again, after they have counted themselves down.)
  void offer_turn() noexcept {
    auto turns = turns_.load(std::memory_order_seq_cst);
    while (turns < turns_at_most_) {
      if (turns_.compare_exchange_weak(turns, turns + 1, std::memory_order_seq_cst)) {
        start_turn();
        return;
      }
    }
  }
  /// A turn is stuck for a while: there may be another in its place.
  void turn_blocks() noexcept { one_turn_less(); }
  void turn_unblocks() noexcept { turns_.fetch_add(1, std::memory_order_seq_cst); }

 private:
  // For each of the counts of the executor below its own: a task hears when either is stopped.
  struct Count final : TaskCount {
    explicit Count(TaskCount& b) noexcept : TaskCount(b), below(b) {}
    TaskCount& below;
    Count* next = nullptr;
  };
  template <class Fn>
  void for_each_count(Fn fn) noexcept {
    Count* count = counts_.load(std::memory_order_seq_cst);
    for (; count; count = count->next) fn(*count);
  }
  TaskCount& count_above(TaskCount& below) {
    for (Count* count = counts_.load(std::memory_order_acquire); count; count = count->next) {
      if (&count->below == &below) return *count;
    }
    auto* const fresh = new Count(below);  // two threads may both make one: no harm is done
    fresh->next = counts_.load(std::memory_order_relaxed);
    while (!counts_.compare_exchange_weak(fresh->next, fresh, std::memory_order_seq_cst)) {}
    if (dropped_.load(std::memory_order_seq_cst)) fresh->drop_queued();
    if (stopped_.load(std::memory_order_seq_cst)) fresh->scope().request_stop();
    return *fresh;
  }

  void one_less() noexcept {
    if (live_.fetch_sub(1, std::memory_order_seq_cst) == 1 &&
        (closed_.load(std::memory_order_seq_cst) || abandoned_.load(std::memory_order_seq_cst))) {
      finish();
    }
    release();
  }
  // No task is left, and none will come: from here on the executor below may go.
  void finish() noexcept {
    if (!finished_.exchange(true, std::memory_order_seq_cst)) {
      for_each_count([](Count& count) { count.scope().detach(); });
    }
    if (closed_.load(std::memory_order_seq_cst)) drained_.set();
  }

  void one_turn_less() noexcept {
    turns_.fetch_sub(1, std::memory_order_seq_cst);
    // What no longer arrives has arrived by now, so in this order.
    if (arriving_.load(std::memory_order_seq_cst) != 0 || work_in_sight()) offer_turn();
  }
  void start_turn() noexcept {
    retain();
    auto& turn = run_turn(this).release();
    turn.set_completion(*this);
    turn.become_root(no_stop_);
    turn.post_to(below_);
  }
  // A template, because g++ makes code of every coroutine that is none, used or not.
  template <class Core>
  static Task<> run_turn(Core* self) {
    Coroutine& turn = co_await Self{};
    const PlainSection outside(turn);
    self->take_turn();
  }
  // The turn is over.
  Coroutine* ended(Context&) noexcept override {
    one_turn_less();
    release();
    return nullptr;
  }
  void fail(std::exception_ptr) noexcept override {}

  const char* const name_;
  const std::size_t turns_at_most_;
  std::atomic<std::size_t> turns_{0};     // that run or are on their way
  std::atomic<std::size_t> arriving_{0};  // posts under way
  std::atomic<std::size_t> references_{1};
  std::atomic<std::size_t> live_{0};
  std::atomic<Count*> counts_{nullptr};  // only ever grows
  std::atomic<bool> closed_{false};
  std::atomic<bool> abandoned_{false};
  std::atomic<bool> stopped_{false};
  std::atomic<bool> dropped_{false};
  std::atomic<bool> finished_{false};
  BasicEvent<Gate> drained_;
  StopScope no_stop_;
};
using LayeredCore = BasicLayeredCore<>;

}  // namespace cohort::inline v0::detail
