// SPDX-License-Identifier: BSL-1.0
#pragma once

/// SharedGate: where waiters of several processes stand, first come first served. It offers what
/// the Gate of one process does (core/gate.hpp), so the primitives' state machines stand on either.
///
/// The line is linked through the waiters, which lie in shared memory. A waiter that gives up only
/// marks itself; whoever comes by takes it out. So only the gate's lock stands between a process
/// that dies and the others, and whoever takes that over can put the line in order: a claim is
/// undone, a grant that was begun (`granting_`) is finished, the end of the line is looked for.
/// What a dead process did not come to deliver is found by the waiting processes themselves, who
/// look through all their waits when one of the family has died.

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "cohort/core/waiter.hpp"               // Wakeup
#include "cohort/ipc/detail/heap.hpp"           // Heap, Family
#include "cohort/ipc/detail/layout.hpp"         // Offset
#include "cohort/ipc/detail/shared_waiter.hpp"  // SharedWaiter

namespace cohort::inline v0::ipc::detail {

template <class = void>
class BasicSharedGate;
using SharedGate = BasicSharedGate<>;

/// The line as whoever has the lock sees it, and what he will have to deliver.
template <class = void>
class BasicSharedLine {
 public:
  using Waiter = SharedWaiter;

  bool empty() const noexcept { return first() == 0; }
  Waiter& front() const noexcept { return at(first()); }

  void push_back(Waiter& waiter) noexcept;
  Waiter* claim_front() noexcept {
    while (const Offset offset = first()) {
      Waiter& waiter = at(offset);
      const bool alive = Family::get().state_of(waiter.member()) != MemberSlot::dead;
      if (alive && waiter.claim()) return &waiter;
      drop_front();
    }
    return nullptr;
  }
  void grant_front() noexcept;
  void wake_later(Wakeup wakeup) noexcept { wakeup_ = wakeup; }
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

  explicit BasicSharedLine(SharedGate& gate) noexcept : gate_(gate) {}
  BasicSharedLine(const BasicSharedLine&) = delete;
  BasicSharedLine& operator=(const BasicSharedLine&) = delete;

  static Waiter& at(Offset offset) noexcept { return Family::get().at<Waiter>(offset); }
  Offset first() const noexcept;
  void drop_front() noexcept;
  void drop(std::atomic<Offset>& place) noexcept;
  void tidy() noexcept;
  void finish_grant() noexcept;
  void finish_drop() noexcept;
  void recover() noexcept;
  void deliver() noexcept {
    for (std::size_t i = 0; i < count_; ++i) deliveries_[i]();
    count_ = 0;
    wakeup_();
    wakeup_ = {};
  }

  SharedGate& gate_;
  Delivery deliveries_[most];
  std::size_t count_ = 0;
  Wakeup wakeup_;
};
using SharedLine = BasicSharedLine<>;

template <class>
class BasicSharedGate {
 public:
  using Atomics = RealAtomics;
  using Line = SharedLine;
  using Waiter = SharedWaiter;
  static constexpr bool outlives_its_users = true;

  /// As BasicGate's: never waits, so it may be called in a signal handler.
  template <class Owner>
  void serve(Owner& owner) noexcept {
    if (lock_.try_lock_or_ask() == RobustLock::Try::asked) return;
    Line line(*this);
    owner.serve(line);
    unlock(owner, line);
  }

  template <class Owner, class Body>
  void with(Owner& owner, Body body) noexcept {
    Line line(*this);
    if (lock_.lock()) {
      line.finish_grant();
      line.finish_drop();
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

  template <class Owner>
  void unlock(Owner& owner, Line& line) noexcept {
    do {
      if (lock_.take_request()) owner.serve(line);
    } while (!lock_.try_unlock());
    line.deliver();
  }

  RobustLock lock_;
  // What follows belongs to the lock, except that anybody counts up left_.
  std::atomic<Offset> first_{0};
  std::atomic<Offset> last_{0};
  std::atomic<Offset> granting_{0};             // the waiter that is being granted,
  std::atomic<std::uint64_t> granted_word_{0};  // and its word before
  std::atomic<Offset> dropping_{0};             // the one that is taken out of the line,
  std::atomic<std::uint64_t> dropped_{0};       // and its ticket
  std::atomic<std::uint64_t> owed_{0};          // how many more are claimed and shall be granted
  std::atomic<std::uint32_t> length_{0};        // about
  std::atomic<std::uint32_t> left_{0};          // of these have been cancelled
};

template <class X>
Offset BasicSharedLine<X>::first() const noexcept {
  return gate_.first_.load(std::memory_order_acquire);
}

template <class X>
void BasicSharedLine<X>::push_back(Waiter& waiter) noexcept {
  const auto left = gate_.left_.load(std::memory_order_relaxed);
  if (left > 32 && left > gate_.length_.load(std::memory_order_relaxed) / 2) tidy();
  const Offset offset = Family::get().offset_of(&waiter);
  waiter.next_.store(0, std::memory_order_relaxed);
  const Offset last = gate_.last_.load(std::memory_order_relaxed);
  (first() ? at(last).next_ : gate_.first_).store(offset, std::memory_order_release);
  gate_.last_.store(offset, std::memory_order_relaxed);
  gate_.length_.fetch_add(1, std::memory_order_relaxed);
}

template <class X>
void BasicSharedLine<X>::drop_front() noexcept {
  drop(gate_.first_);
}
// Takes out the waiter that `place` leads to.
template <class X>
void BasicSharedLine<X>::drop(std::atomic<Offset>& place) noexcept {
  const Offset offset = place.load(std::memory_order_acquire);
  Waiter& waiter = at(offset);
  // A dead one's is found, and freed, with all that was private to it.
  const bool dead = Family::get().state_of(waiter.member()) == MemberSlot::dead;
  gate_.dropped_.store(waiter.ticket(), std::memory_order_relaxed);
  gate_.dropping_.store(dead ? 0 : offset, std::memory_order_release);
  place.store(waiter.next_.load(std::memory_order_acquire), std::memory_order_release);
  gate_.length_.fetch_sub(1, std::memory_order_relaxed);
  if (waiter.state() == Waiter::cancelled) gate_.left_.fetch_sub(1, std::memory_order_relaxed);
  if (!dead && waiter.unlink()) Heap::free(offset);
  gate_.dropping_.store(0, std::memory_order_release);
}

template <class X>
void BasicSharedLine<X>::grant_front() noexcept {
  const Offset offset = first();
  Waiter& waiter = at(offset);
  if (count_ == most) deliver();
  deliveries_[count_++] = waiter.delivery();
  const auto word = waiter.word_.load(std::memory_order_relaxed);
  gate_.granted_word_.store(word, std::memory_order_relaxed);
  gate_.granting_.store(offset, std::memory_order_release);
  gate_.first_.store(waiter.next_.load(std::memory_order_acquire), std::memory_order_release);
  gate_.length_.fetch_sub(1, std::memory_order_relaxed);
  // From here on its process may free it.
  waiter.finish_grant();
  gate_.granting_.store(0, std::memory_order_release);
}

// Takes out all that were cancelled or belong to the dead.
template <class X>
void BasicSharedLine<X>::tidy() noexcept {
  while (first()) {
    Waiter& waiter = at(first());
    const bool dead = Family::get().state_of(waiter.member()) == MemberSlot::dead;
    if (!dead && waiter.state() != Waiter::cancelled) break;
    drop_front();
  }
  for (Offset before = first(); before;) {
    const Offset offset = at(before).next_.load(std::memory_order_acquire);
    if (!offset) break;
    Waiter& waiter = at(offset);
    const bool dead = Family::get().state_of(waiter.member()) == MemberSlot::dead;
    if (!dead && waiter.state() != Waiter::cancelled) {
      before = offset;
      continue;
    }
    if (!waiter.next_.load(std::memory_order_acquire)) {
      gate_.last_.store(before, std::memory_order_relaxed);
    }
    drop(at(before).next_);
  }
}

template <class X>
template <class Accept, class Undo>
bool BasicSharedLine<X>::grant_first(std::uint64_t n, Accept accept, Undo) noexcept {
  std::uint64_t accepted = 0;
  each([&](Waiter& waiter) {
    const bool alive = Family::get().state_of(waiter.member()) != MemberSlot::dead;
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
template <class X>
bool BasicSharedLine<X>::finish_first() noexcept {
  auto owed = gate_.owed_.load(std::memory_order_acquire);
  if (owed == 0) return false;
  for (; owed != 0 && !empty() && front().state() == Waiter::claimed; --owed) grant_front();
  gate_.owed_.store(0, std::memory_order_release);
  return true;
}

// The lock was taken over from a dead process.
template <class X>
void BasicSharedLine<X>::finish_grant() noexcept {
  if (const Offset offset = gate_.granting_.load(std::memory_order_acquire)) {
    Waiter& waiter = at(offset);
    // Otherwise it was granted, and may be another's by now. Its process may have calmed it.
    const auto changed = waiter.word_.load(std::memory_order_acquire) ^
                         gate_.granted_word_.load(std::memory_order_relaxed);
    if ((changed & ~Waiter::nudged) == 0) {
      if (first() == offset) {
        gate_.first_.store(waiter.next_.load(std::memory_order_acquire), std::memory_order_release);
      }
      waiter.finish_grant();
    }
    gate_.granting_.store(0, std::memory_order_release);
  }
}
template <class X>
void BasicSharedLine<X>::finish_drop() noexcept {
  const Offset dropping = gate_.dropping_.load(std::memory_order_acquire);
  if (!dropping) return;
  bool in_line = false;
  for (Offset offset = first(); offset && !in_line; offset = at(offset).next_) {
    in_line = offset == dropping;
  }
  Heap::settle();
  const Block& block = Heap::block_of(dropping);
  const auto generation = block.generation.load(std::memory_order_acquire);
  const auto word = at(dropping).word_.load(std::memory_order_acquire);
  // It is none any more if it was freed, by its process or the one that died.
  const bool is_there =
      block.kind.load(std::memory_order_acquire) == static_cast<std::uint32_t>(Kind::waiter) &&
      block.generation.load(std::memory_order_acquire) == generation &&
      word >> 8 == gate_.dropped_.load(std::memory_order_relaxed);
  if (is_there && !in_line &&
      (word & Waiter::unlinked ? (word & Waiter::doomed) != 0 : at(dropping).unlink())) {
    Heap::free(dropping);
  }
  gate_.dropping_.store(0, std::memory_order_release);
}
template <class X>
void BasicSharedLine<X>::recover() noexcept {
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
