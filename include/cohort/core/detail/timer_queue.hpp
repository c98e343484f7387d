// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Deadlines of suspended waits: an intrusive pairing heap (Fredman, Sedgewick, Sleator and Tarjan,
/// 1986) under a short lock. Insertion and cancellation allocate nothing.

#include <atomic>
#include <cstddef>
#include <utility>

#include "cohort/core/detail/atomics.hpp"  // relax, here
#include "cohort/os/deadline.hpp"          // TimePoint

namespace cohort::inline v0::detail {

/// Something with a deadline. Its links belong to the queue's lock.
class TimerNode {
 public:
  /// The deadline has passed. After `remove` has returned it is not running.
  virtual void expire() noexcept = 0;

 protected:
  TimerNode() = default;
  ~TimerNode() = default;
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;

 private:
  friend class TimerQueue;
  TimePoint when_{};
  TimerNode* child_ = nullptr;    // the first of those not earlier than this
  TimerNode* sibling_ = nullptr;  // the next child of the same parent
  TimerNode* before_ = nullptr;   // the sibling before, or the parent; null at the root
  bool queued_ = false;
};

class TimerQueue {
 public:
  /// Adds the node; true if it is now the earliest, so that whoever sleeps must be told.
  bool add(TimerNode& node, TimePoint when) noexcept {
    const Lock lock(*this);
    node.when_ = when;
    node.child_ = node.sibling_ = node.before_ = nullptr;
    node.queued_ = true;
    root_ = root_ ? meld(root_, &node) : &node;
    publish();
    return root_ == &node;
  }

  /// Afterwards the node is not in the queue and its `expire` is not running, unless it is the
  /// caller.
  void remove(TimerNode& node) noexcept {
    Lock lock(*this);
    for (unsigned round = 0; firing_ == &node && firing_thread_ != RealAtomics::here(); ++round) {
      lock.pause(round);
    }
    if (!node.queued_) return;
    node.queued_ = false;
    if (root_ == &node) {
      root_ = merge_pairs(node.child_);
    } else {
      detach(node);
      if (TimerNode* rest = merge_pairs(node.child_)) root_ = meld(root_, rest);
    }
    publish();
  }

  /// Expires everything due, one thread at a time; yields how many there were.
  std::size_t expire(TimePoint now) noexcept {
    if (next() > now) return 0;
    Lock lock(*this);
    if (firing_thread_) return 0;
    firing_thread_ = RealAtomics::here();
    std::size_t count = 0;
    for (; root_ && root_->when_ <= now; ++count) {
      TimerNode* const due = firing_ = root_;
      due->queued_ = false;
      root_ = merge_pairs(due->child_);
      lock.leave();
      due->expire();  // outside the lock: it may run a stop callback
      lock.enter();
      firing_ = nullptr;
    }
    firing_thread_ = nullptr;
    publish();
    return count;
  }

  /// The earliest deadline, `never` if there is none. Any thread.
  TimePoint next() const noexcept {
    return TimePoint{Clock::duration{next_.load(std::memory_order_seq_cst)}};
  }

 private:
  class Lock {
   public:
    explicit Lock(TimerQueue& queue) noexcept : queue_(queue) { enter(); }
    ~Lock() { leave(); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    void enter() noexcept {
      for (unsigned round = 0; queue_.locked_.exchange(true, std::memory_order_acquire); ++round) {
        RealAtomics::relax(round);
      }
    }
    void leave() noexcept { queue_.locked_.store(false, std::memory_order_release); }
    void pause(unsigned round) noexcept {
      leave();
      RealAtomics::relax(round);
      enter();
    }

   private:
    TimerQueue& queue_;
  };

  static TimerNode* meld(TimerNode* a, TimerNode* b) noexcept {
    if (b->when_ < a->when_) std::swap(a, b);
    b->sibling_ = a->child_;
    if (a->child_) a->child_->before_ = b;
    b->before_ = a;
    a->child_ = b;
    a->sibling_ = a->before_ = nullptr;
    return a;
  }

  // First left to right in pairs, then the pairs right to left.
  static TimerNode* merge_pairs(TimerNode* first) noexcept {
    TimerNode* pairs = nullptr;
    while (first) {
      TimerNode* const a = first;
      TimerNode* const b = a->sibling_;
      first = b ? b->sibling_ : nullptr;
      a->sibling_ = a->before_ = nullptr;
      if (b) b->sibling_ = b->before_ = nullptr;
      TimerNode* const pair = b ? meld(a, b) : a;
      pair->sibling_ = pairs;
      pairs = pair;
    }
    TimerNode* root = nullptr;
    while (pairs) {
      TimerNode* const next = pairs->sibling_;
      pairs->sibling_ = nullptr;
      root = root ? meld(root, pairs) : pairs;
      pairs = next;
    }
    return root;
  }

  static void detach(TimerNode& node) noexcept {
    if (node.before_->child_ == &node) {
      node.before_->child_ = node.sibling_;
    } else {
      node.before_->sibling_ = node.sibling_;
    }
    if (node.sibling_) node.sibling_->before_ = node.before_;
  }

  void publish() noexcept {
    next_.store((root_ ? root_->when_ : never).time_since_epoch().count(),
                std::memory_order_seq_cst);
  }

  std::atomic<bool> locked_{false};
  TimerNode* root_ = nullptr;
  TimerNode* firing_ = nullptr;          // being expired now
  const void* firing_thread_ = nullptr;  // by this thread
  std::atomic<Clock::rep> next_{never.time_since_epoch().count()};
};

}  // namespace cohort::inline v0::detail
