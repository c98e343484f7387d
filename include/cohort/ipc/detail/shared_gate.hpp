// SPDX-License-Identifier: BSL-1.0
#pragma once

/// SharedGate: where waiters of several processes stand, first come first served. It offers what
/// the Gate of one process does (core/gate.hpp), so the primitives' state machines stand on either.
///
/// The line is linked through the waiters, which lie in shared memory. A waiter that gives up only
/// marks itself; whoever comes by takes it out. So only the gate's lock stands between a process
/// that dies and the others, and whoever takes that over can put the line in order: a claim is
/// undone, a grant or a removal that was begun (`removing_`) is finished, and so on.
/// What a dead process did not come to deliver is found by the waiting processes themselves, who
/// look through all their waits when one of the family has died.

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "cohort/ipc/detail/robust_lock.hpp"    // BasicRobustLock
#include "cohort/ipc/detail/shared_waiter.hpp"  // SharedWaiter

namespace cohort::inline v0::ipc::detail {

template <class W>
class BasicSharedGate;

/// The line as whoever has the lock sees it, and what he will have to deliver.
template <class W>
class BasicSharedLine {
 public:
  using Waiter = BasicSharedWaiter<W>;

  bool empty() const noexcept { return first() == 0; }
  Waiter& front() const noexcept { return at(first()); }

  void push_back(Waiter& waiter) noexcept;
  Waiter* claim_front() noexcept {
    while (const Offset offset = first()) {
      Waiter& waiter = at(offset);
      const bool alive = !W::is_dead(waiter.member());
      if (alive && waiter.claim()) return &waiter;
      drop(0);
    }
    return nullptr;
  }
  void grant_front() noexcept;
  bool nudge_front() noexcept {
    if (!front().nudge()) return false;
    deliver_later(front());
    return true;
  }
  /// Grants the first if a process that has died had claimed it.
  void finish_front() noexcept {
    if (first() && front().state() == Waiter::claimed) grant_front();
  }

  /// As BasicLine's; whatever happens, also if this process dies meanwhile, all are granted or none.
  template <class Accept, class Undo>
  bool grant_first(std::uint64_t n, Accept accept, Undo) noexcept;
  /// Ends what one who has died had begun; true if it had.
  bool finish_first() noexcept;

  /// Calls `visit(waiter)` for all that wait, in order, until it yields false.
  template <class Visit>
  void each(Visit visit) noexcept {
    for (Offset offset = first(); offset && visit(at(offset));) {
      offset = at(offset).next_.load(std::memory_order_acquire);
    }
  }

 private:
  template <class>
  friend class BasicSharedGate;
  static constexpr std::size_t most = 16;

  explicit BasicSharedLine(BasicSharedGate<W>& gate) noexcept : gate_(gate) {}
  BasicSharedLine(const BasicSharedLine&) = delete;
  BasicSharedLine& operator=(const BasicSharedLine&) = delete;

  static Waiter& at(Offset offset) noexcept { return W::template at<Waiter>(offset); }
  Offset first() const noexcept;
  bool contains(Offset offset) noexcept {
    bool found = false;
    each([&](Waiter& waiter) { return !(found = W::offset_of(&waiter) == offset); });
    return found;
  }
  void drop(Offset before) noexcept;
  // Those in front, so that none is left when nobody waits any more. True if there were any.
  bool drop_cancelled() noexcept {
    bool any = false;
    for (; !empty() && front().state() == Waiter::cancelled; any = true) drop(0);
    return any;
  }
  void tidy() noexcept;
  void begin_to_remove(Offset offset) noexcept;
  void end_removal() noexcept;
  void finish_removal() noexcept;
  void recover() noexcept;
  void deliver() noexcept {
    for (std::size_t i = 0; i < count_; ++i) deliveries_[i]();
    count_ = 0;
  }
  // A copy: without the lock it may be gone.
  void deliver_later(const Waiter& waiter) noexcept {
    if (count_ == most) deliver();
    deliveries_[count_++] = waiter.delivery();
  }

  BasicSharedGate<W>& gate_;
  typename W::Delivery deliveries_[most];
  std::size_t count_ = 0;
};

template <class W>
class BasicSharedGate {
 public:
  using Atomics = W;
  using Line = BasicSharedLine<W>;
  using Waiter = BasicSharedWaiter<W>;
  static constexpr bool outlives_its_users = true;

  /// As BasicGate's, but not in a signal handler: those who have left the line are freed, with the
  /// heap's lock.
  template <class Owner>
  void serve(Owner& owner) noexcept {
    if (lock_.try_lock_or_ask() == Lock::Try::asked) return;
    Line line(*this);
    owner.serve(line);
    unlock(owner, line);
  }

  template <class Owner, class Body>
  void with(Owner& owner, Body body) noexcept {
    Line line(*this);
    if (lock_.lock()) {
      line.finish_removal();
      owner.recover(line);
      line.recover();
      owner.serve(line);
    }
    body(line);
    unlock(owner, line);
  }
  template <class Owner, class Body>
  bool try_with(Owner& owner, Body body) noexcept {
    if (!lock_.try_lock()) return false;
    Line line(*this);
    body(line);
    unlock(owner, line);
    return true;
  }

  template <class Owner>
  void arm(Owner& owner, Waiter& waiter) noexcept {
    with(owner, [&](Line& line) {
      line.push_back(waiter);
      owner.serve(line);
    });
  }
  /// Takes a waiter out, by its process. False: too late, it was granted.
  template <class Owner>
  bool disarm(Owner& owner, Waiter& waiter) noexcept {
    auto state = waiter.cancel();
    while (state == Waiter::claimed) {  // by one who has died, or is about to decide
      with(owner, [](Line&) {});
      state = waiter.cancel();
    }
    if (state == Waiter::granted) return false;
    left_.fetch_add(1, std::memory_order_relaxed);
    serve(owner);
    return true;
  }

  /// Somebody has died: whatever it held here is put in order, and its waiters leave the line.
  template <class Owner, class Body>
  void bury(Owner& owner, Body body) noexcept {
    with(owner, [&](Line& line) {
      body(line);
      line.tidy();
      owner.serve(line);
    });
  }

 private:
  template <class>
  friend class BasicSharedLine;
  using Lock = BasicRobustLock<W>;
  template <class T>
  using Atomic = typename W::template atomic<T>;

  template <class Owner>
  void unlock(Owner& owner, Line& line) noexcept {
    do {
      if (lock_.take_request()) owner.serve(line);
      while (line.drop_cancelled()) owner.serve(line);
    } while (!lock_.try_unlock());
    line.deliver();
  }

  Lock lock_;
  // What follows belongs to the lock, except that anybody counts up left_.
  Atomic<Offset> first_{0};
  Atomic<Offset> last_{0};
  Atomic<Offset> removing_{0};             // the waiter that is being granted, or was cancelled,
  Atomic<std::uint64_t> removed_word_{0};  // and its word before
  Atomic<std::uint64_t> owed_{0};          // how many more are claimed and shall be granted
  Atomic<std::uint32_t> length_{0};        // about
  Atomic<std::uint32_t> left_{0};          // of these have been cancelled
};
using SharedGate = BasicSharedGate<RealWorld>;
using SharedLine = BasicSharedLine<RealWorld>;

template <class W>
Offset BasicSharedLine<W>::first() const noexcept {
  return gate_.first_.load(std::memory_order_acquire);
}

template <class W>
void BasicSharedLine<W>::push_back(Waiter& waiter) noexcept {
  const auto left = gate_.left_.load(std::memory_order_relaxed);
  if (left > 32 && left > gate_.length_.load(std::memory_order_relaxed) / 2) tidy();
  const Offset offset = W::offset_of(&waiter);
  waiter.next_.store(0, std::memory_order_relaxed);
  const Offset last = gate_.last_.load(std::memory_order_relaxed);
  (first() ? at(last).next_ : gate_.first_).store(offset, std::memory_order_release);
  gate_.last_.store(offset, std::memory_order_relaxed);
  gate_.length_.fetch_add(1, std::memory_order_relaxed);
}

// Whoever dies from here on has the waiter taken out by the next one, or left where it is.
template <class W>
void BasicSharedLine<W>::begin_to_remove(Offset offset) noexcept {
  gate_.removed_word_.store(at(offset).word_.load(std::memory_order_relaxed),
                            std::memory_order_relaxed);
  gate_.removing_.store(offset, std::memory_order_release);
}
template <class W>
void BasicSharedLine<W>::end_removal() noexcept {
  gate_.removing_.store(0, std::memory_order_release);
}

// The first, or the one behind `before`. A dead one's is found, and freed, with all that was private
// to it.
template <class W>
void BasicSharedLine<W>::drop(Offset before) noexcept {
  auto& link = before ? at(before).next_ : gate_.first_;
  const Offset offset = link.load(std::memory_order_acquire);
  Waiter& waiter = at(offset);
  const bool dead = W::is_dead(waiter.member());
  if (!dead) begin_to_remove(offset);
  const Offset next = waiter.next_.load(std::memory_order_acquire);
  if (before && !next) gate_.last_.store(before, std::memory_order_relaxed);
  link.store(next, std::memory_order_release);
  gate_.length_.fetch_sub(1, std::memory_order_relaxed);
  if (waiter.state() == Waiter::cancelled) gate_.left_.fetch_sub(1, std::memory_order_relaxed);
  if (!dead) {
    waiter.leave_line();
    end_removal();
  }
}

template <class W>
void BasicSharedLine<W>::grant_front() noexcept {
  const Offset offset = first();
  Waiter& waiter = at(offset);
  deliver_later(waiter);
  begin_to_remove(offset);
  gate_.first_.store(waiter.next_.load(std::memory_order_acquire), std::memory_order_release);
  gate_.length_.fetch_sub(1, std::memory_order_relaxed);
  // From here on its process may free it.
  waiter.finish_grant();
  end_removal();
}

// Takes out all that were cancelled or belong to the dead.
template <class W>
void BasicSharedLine<W>::tidy() noexcept {
  Offset before = 0;
  for (Offset offset = first(); offset;) {
    Waiter& waiter = at(offset);
    if (W::is_dead(waiter.member()) || waiter.state() == Waiter::cancelled) {
      drop(before);
    } else {
      before = offset;
    }
    offset = before ? at(before).next_.load(std::memory_order_acquire) : first();
  }
}

template <class W>
template <class Accept, class Undo>
bool BasicSharedLine<W>::grant_first(std::uint64_t n, Accept accept, Undo) noexcept {
  std::uint64_t accepted = 0;
  each([&](Waiter& waiter) {
    const bool alive = !W::is_dead(waiter.member());
    if (accepted == n || !alive || !waiter.claim()) return false;
    if (accept(waiter)) return ++accepted, true;
    return waiter.unclaim(), false;
  });
  if (accepted != n) {
    each([](Waiter& waiter) { return waiter.unclaim(), true; });
    return false;
  }
  gate_.owed_.store(n, std::memory_order_release);
  return finish_first(), true;
}
template <class W>
bool BasicSharedLine<W>::finish_first() noexcept {
  auto owed = gate_.owed_.load(std::memory_order_acquire);
  if (owed == 0) return false;
  for (; owed != 0 && !empty() && front().state() == Waiter::claimed; --owed) grant_front();
  gate_.owed_.store(0, std::memory_order_release);
  return true;
}

// The lock was taken over from a dead process.
template <class W>
void BasicSharedLine<W>::finish_removal() noexcept {
  if (const Offset offset = gate_.removing_.load(std::memory_order_acquire)) {
    Waiter& waiter = at(offset);
    const auto word = gate_.removed_word_.load(std::memory_order_relaxed);
    // Otherwise it was done, and may be another's by now.
    if (waiter.is_still(word)) {
      if (Waiter::state_of(word) == Waiter::claimed) {
        if (first() == offset) {
          gate_.first_.store(waiter.next_.load(std::memory_order_acquire),
                             std::memory_order_release);
        }
        waiter.finish_grant();
      } else if (!contains(offset)) {
        waiter.leave_line();
      }
    }
    end_removal();
  }
}
template <class W>
void BasicSharedLine<W>::recover() noexcept {
  std::uint32_t length = 0;
  std::uint32_t left = 0;
  Offset last = 0;
  for (Offset offset = first(); offset; ++length) {
    Waiter& waiter = at(offset);
    waiter.unclaim();
    if (waiter.state() == Waiter::cancelled) ++left;
    last = offset;
    offset = waiter.next_.load(std::memory_order_acquire);
  }
  gate_.last_.store(last, std::memory_order_relaxed);
  gate_.length_.store(length, std::memory_order_relaxed);
  gate_.left_.store(left, std::memory_order_relaxed);
}

}  // namespace cohort::inline v0::ipc::detail
