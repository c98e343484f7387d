// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Several futures watched at once: what `wait` and `as_completed` have in common.

#include <atomic>
#include <cstddef>
#include <memory>
#include <unordered_map>  // <functional> has it already
#include <utility>
#include <vector>

#include "cohort/core/future.hpp"  // FutureBase
#include "cohort/core/gate.hpp"    // where those who wait stand

namespace cohort::inline v0::detail {

/// Stands in the line of each future, without any order of its own: whoever completes one pushes it
/// on a stack and has the gate served; under the gate the stack becomes a queue. Counted: by its
/// owner, and by every place in a future's line until that is left or published.
template <class = void>
class BasicWatch {
 public:
  using Line = Gate::Line;
  class Node;

  /// One who waits, and the future given to it if this watch hands them out.
  struct Place : Waiter {
    using Waiter::Waiter;
    ~Place() {
      if (got) got->release();
    }
    FutureBase* take() noexcept { return std::exchange(got, nullptr); }
    FutureBase* got = nullptr;
  };

  struct Leave {
    void operator()(BasicWatch* watch) const noexcept { watch->leave(); }
  };
  using Owner = std::unique_ptr<BasicWatch, Leave>;

  /// Ready when so many are done, or one has failed. One that hands out is ready when there is one
  /// to be had, and when all have been. Takes over a reference to each future, duplicates once.
  struct Goal {
    std::size_t needed = 1;
    bool or_failure = false;
    bool hands_out = false;
  };

  /// One future's place.
  class Node final : private Wait, private Waiter {
   public:
    Node(BasicWatch& watch, FutureBase& future) noexcept
        : Waiter(static_cast<Wait&>(*this)), watch_(watch), future_(&future) {
      future.retain();
    }
    Node(Node&& other) = delete;
    ~Node() {
      if (future_) future_->release();
    }
    FutureBase* future() const noexcept { return future_; }

   private:
    friend BasicWatch;
    void publish(Outcome) noexcept override { watch_.arrived(*this); }
    Wakeup nudge() noexcept override { return {}; }

    BasicWatch& watch_;
    FutureBase* future_;      // null once it was handed out
    Node* behind_ = nullptr;  // on the stack, then in the queue
  };

  /// Watches from now on. Those that are done come first, in the order given.
  template <class Futures>
  static Owner over(Futures&& futures, Goal goal) {
    std::vector<FutureBase*> all;
    std::unordered_map<const FutureBase*, bool> seen;
    for (const auto& future : futures) {
      FutureBase& state = future.shared_state();
      if (!std::exchange(seen[&state], true)) all.push_back(&state);
    }
    Owner owner(new BasicWatch(all, goal));
    owner->enter();
    return owner;
  }

  bool try_take(Place& place) noexcept {
    bool taken = false;
    gate_.with(*this, [&](Line& line) {
      collect();
      taken = line.empty() && ready();
      if (taken) give(place);
    });
    return taken;
  }
  void arm(Place& place) noexcept { gate_.arm(*this, place); }
  void disarm(Place& place) noexcept { gate_.disarm(*this, place); }

  /// An executor that only runs if who blocks drives it: of each such future in turn.
  Home* driver() noexcept {
    Home* found = nullptr;
    gate_.with(*this, [&](Line&) {
      for (std::size_t i = 0; i < size_ && !found; ++i) {
        const FutureBase* const future = nodes_[turn_++ % size_].future_;
        if (future && !future->done()) found = future->driver();
      }
    });
    return found;
  }

  /// How many are not done, of how many.
  std::pair<std::size_t, std::size_t> unfinished() noexcept {
    std::size_t left = 0;
    gate_.with(*this, [&](Line&) {
      collect();
      left = left_ - queued_;
    });
    return {left, size_};
  }

  /// Calls `fn(future)` for each one not handed out, in the order given.
  template <class Fn>
  void each(Fn fn) const {
    for (std::size_t i = 0; i < size_; ++i) {
      if (nodes_[i].future_) fn(*nodes_[i].future_);
    }
  }

 private:
  friend Gate;

  BasicWatch(const std::vector<FutureBase*>& futures, Goal goal)
      : goal_(goal), nodes_(std::allocator<Node>().allocate(futures.size())) {
    for (FutureBase* const future : futures) std::construct_at(nodes_ + size_++, *this, *future);
    left_ = size_;
    if (goal_.needed > size_) goal_.needed = size_;
  }
  ~BasicWatch() {
    std::destroy_n(nodes_, size_);
    std::allocator<Node>().deallocate(nodes_, size_);
  }

  void enter() noexcept {
    references_.store(size_ + 1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < size_; ++i) {
      FutureBase& future = *nodes_[i].future_;
      future.event().arm(nodes_[i]);
    }
  }
  void leave() noexcept {
    std::size_t references = 1;
    for (std::size_t i = 0; i < size_; ++i) {
      if (!nodes_[i].begin_leaving()) continue;  // done: its publisher lets go
      nodes_[i].future_->event().disarm(nodes_[i]);
      ++references;
    }
    release(references);
  }
  void release(std::size_t references) noexcept {
    if (references_.fetch_sub(references, std::memory_order_acq_rel) == references) delete this;
  }

  // Any thread, once for each node.
  void arrived(Node& node) noexcept {
    Node* top = stack_.load(std::memory_order_relaxed);
    do {
      node.behind_ = top;
      // Release: pairs with the acquire in collect().
    } while (!stack_.compare_exchange_weak(top, &node, std::memory_order_release,
                                           std::memory_order_relaxed));
    gate_.serve(*this);
    release(1);
  }

  // Under the gate from here on.
  void collect() noexcept {
    Node* reversed = nullptr;
    Node* top = stack_.exchange(nullptr, std::memory_order_acquire);
    Node* const last = top;
    while (top) {
      ++queued_;
      failed_ = failed_ || (goal_.or_failure && top->future_->failed());
      Node* const next = std::exchange(top->behind_, reversed);
      reversed = std::exchange(top, next);
    }
    if (!reversed) return;
    (last_ ? last_->behind_ : first_) = reversed;
    last_ = last;
  }
  bool ready() const noexcept { return queued_ >= goal_.needed || failed_ || left_ == 0; }
  void give(Place& place) noexcept {
    if (!goal_.hands_out || left_ == 0) return;
    Node& node = *first_;
    first_ = node.behind_;
    if (!first_) last_ = nullptr;
    place.got = std::exchange(node.future_, nullptr);
    --queued_;
    --left_;
  }
  void serve(Line& line) noexcept {
    collect();
    while (ready()) {
      Waiter* const waiter = line.claim_front();
      if (!waiter) return;
      give(static_cast<Place&>(*waiter));
      line.grant_front();
    }
  }

  std::atomic<std::size_t> references_{1};
  std::atomic<Node*> stack_{nullptr};  // done, the newest first
  Gate gate_;
  Goal goal_;
  Node* first_ = nullptr;  // done, the oldest first
  Node* last_ = nullptr;
  std::size_t queued_ = 0;  // done and not handed out
  std::size_t left_ = 0;    // not handed out
  bool failed_ = false;
  std::size_t turn_ = 0;
  Node* const nodes_;
  std::size_t size_ = 0;
};
using Watch = BasicWatch<>;

/// Waiting at a watch, but for the result.
template <class = void>
struct BasicWatchWait {
  using Place = Watch::Place;
  Watch* watch;

  bool try_now(Place& place) noexcept { return watch->try_take(place); }
  void arm(Place& place) noexcept { watch->arm(place); }
  void disarm(Place& place) noexcept { watch->disarm(place); }
  bool retry(Place&) noexcept { return false; }
  Home* driver() const noexcept { return watch->driver(); }
};
using WatchWait = BasicWatchWait<>;

}  // namespace cohort::inline v0::detail
