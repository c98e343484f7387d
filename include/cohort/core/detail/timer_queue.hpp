// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Deadlines of suspended waits: a heap under a short lock. Insertion and cancellation allocate
/// nothing.

#include <atomic>
#include <cstddef>

#include "cohort/core/detail/atomics.hpp"       // relax, here
#include "cohort/core/detail/pairing_heap.hpp"  // the heap
#include "cohort/os/deadline.hpp"               // TimePoint

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
  HeapLinks<TimerNode> links_;
  bool queued_ = false;
};

class TimerQueue {
 public:
  /// Adds the node; true if it is now the earliest, so that whoever sleeps must be told.
  bool add(TimerNode& node, TimePoint when) noexcept {
    const Lock lock(*this);
    node.when_ = when;
    node.queued_ = true;
    heap_.push(node);
    publish();
    return heap_.top() == &node;
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
    heap_.remove(node);
    publish();
  }

  /// Expires everything due, one thread at a time; yields how many there were.
  std::size_t expire(TimePoint now) noexcept {
    if (next() > now) return 0;
    Lock lock(*this);
    if (firing_thread_) return 0;
    firing_thread_ = RealAtomics::here();
    std::size_t count = 0;
    for (; heap_.top() && heap_.top()->when_ <= now; ++count) {
      TimerNode* const due = firing_ = heap_.pop();
      due->queued_ = false;
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

  struct Earlier {
    static HeapLinks<TimerNode>& links(TimerNode& node) noexcept { return node.links_; }
    static bool before(const TimerNode& a, const TimerNode& b) noexcept {
      return a.when_ < b.when_;
    }
  };

  void publish() noexcept {
    next_.store((heap_.top() ? heap_.top()->when_ : never).time_since_epoch().count(),
                std::memory_order_seq_cst);
  }

  std::atomic<bool> locked_{false};
  PairingHeap<TimerNode, Earlier> heap_;
  TimerNode* firing_ = nullptr;          // being expired now
  const void* firing_thread_ = nullptr;  // by this thread
  std::atomic<Clock::rep> next_{never.time_since_epoch().count()};
};

}  // namespace cohort::inline v0::detail
