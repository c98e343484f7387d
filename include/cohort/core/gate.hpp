// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A Gate is where waiters stand, first come first served: the only waiter list of the library.
/// For people who add a primitive.
///
/// A primitive is a small state machine with a Gate and one function,
///
///     void serve(Line& line) noexcept;
///
/// "Give those in line what can be given now, first come first served; if some still stand, leave a
/// mark in your own word so that whoever changes it calls Gate::serve." The gate calls it under its
/// lock: when somebody arrives (so the condition is re-checked before anyone sleeps), when somebody
/// leaves, and for a wake-up. A waker
/// never blocks: if another holds the gate, that holder serves again before it unlocks. So
/// releasing, setting and putting are possible in a signal handler, and cost nothing while nobody
/// waits (the primitive's own word knows whether anybody does).

#include <cstdint>
#include <utility>

#include "cohort/core/detail/atomics.hpp"  // the policy
#include "cohort/core/waiter.hpp"          // BasicWaiter

namespace cohort::inline v0::detail {

/// The waiters of one gate, in order of arrival, and the grants made so far under this lock.
template <class A>
class BasicLine {
 public:
  using Waiter = BasicWaiter<A>;

  bool empty() const noexcept {
    A::reads(&first_);
    return first_ == nullptr;
  }
  Waiter& front() const noexcept {
    A::reads(&first_);
    return *first_;
  }

  void push_back(Waiter& waiter) noexcept {
    A::writes(&first_);
    A::writes(&waiter.next_);
    waiter.next_ = nullptr;
    if (first_) {
      A::writes(&last_->next_);
      waiter.prev_ = last_;
      last_->next_ = &waiter;
    } else {
      waiter.prev_ = &waiter;
      first_ = &waiter;
    }
    last_ = &waiter;
  }

  /// Takes a waiter out, wherever it stands; false if it stood nowhere.
  bool remove(Waiter& waiter) noexcept {
    A::reads(&waiter.next_);
    if (!waiter.in_line()) return false;
    A::writes(&first_);
    A::writes(&waiter.next_);
    Waiter* const before = waiter.prev_ == &waiter ? nullptr : waiter.prev_;
    if (before) A::writes(&before->next_);
    (before ? before->next_ : first_) = waiter.next_;
    if (waiter.next_) {
      A::writes(&waiter.next_->next_);
      waiter.next_->prev_ = before ? before : waiter.next_;
    } else {
      last_ = before;
    }
    waiter.prev_ = nullptr;
    return true;
  }

  /// Claims the first in line, passing over those that were decided meanwhile. Null: nobody.
  Waiter* claim_front() noexcept {
    while (first_) {
      if (first_->wait().claim()) return first_;
      remove(*first_);  // it timed out or was stopped, and is on its way here to leave
    }
    return nullptr;
  }

  /// The claimed first in line got what it waits for; it is woken when the gate is unlocked.
  void grant_front() noexcept {
    Waiter& waiter = *first_;
    remove(waiter);
    waiter.wait().commit();
    *granted_end_ = &waiter;
    granted_end_ = &waiter.next_;
    waiter.next_ = nullptr;
    waiter.prev_ = Waiter::granted();
  }

  /// Grants the first n, all or none. `accept(waiter)` says of each whether it is one of them, and
  /// `undo(waiter)` is called for those of which it said so in vain: they are granted all the same
  /// where somebody may have left meanwhile.
  template <class Accept, class Undo>
  bool grant_first(std::uint64_t n, Accept accept, Undo undo) noexcept {
    Waiter** const granted = granted_end_;
    for (; n != 0; --n) {
      Waiter* const first = claim_front();
      if (!first) break;
      if (!accept(*first)) {
        first->wait().unclaim();
        break;
      }
      grant_front();
    }
    if (n == 0) return true;
    for (Waiter* waiter = *granted; waiter; waiter = waiter->next_) undo(*waiter);
    return false;
  }

  /// The first in line shall try again; it is woken when the gate is unlocked. False: it is awake.
  bool nudge_front() noexcept {
    const Wakeup wakeup = first_->wait().nudge();
    if (wakeup.call) wakeup_ = wakeup;
    return wakeup.call != nullptr;
  }

 private:
  template <class>
  friend class BasicGate;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  Waiter* granted_ = nullptr;
  Waiter** granted_end_ = &granted_;
  Wakeup wakeup_{};
};

template <class A>
class BasicGate {
 public:
  using Atomics = A;
  using Line = BasicLine<A>;
  using Waiter = BasicWaiter<A>;
  static constexpr bool outlives_its_users = false;  // nobody can die inside

  /// Has `owner.serve(line)` run soon: now, or by whoever holds the gate.
  template <class Owner>
  void serve(Owner& owner) noexcept {
    std::uint32_t open = 0;
    // Acquire: pairs with the release in unlock.
    if (word_.compare_exchange_strong(open, locked, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
      owner.serve(line_);
    } else if (word_.fetch_or(locked | pending, std::memory_order_acq_rel) & locked) {
      return;  // release: what the caller did before is seen by the holder that clears the bit
    }
    unlock(owner);
  }

  /// Runs `body(line)` under the lock; serves afterwards if asked meanwhile.
  template <class Owner, class Body>
  void with(Owner& owner, Body body) noexcept {
    lock();
    body(line_);
    unlock(owner);
  }

  /// The same, unless another holds the gate: then false.
  template <class Owner, class Body>
  bool try_with(Owner& owner, Body body) noexcept {
    if (word_.fetch_or(locked, std::memory_order_acquire) & locked) return false;
    body(line_);
    unlock(owner);
    return true;
  }

  /// Puts the waiter in line and serves: what it waits for may be there by now.
  template <class Owner>
  void arm(Owner& owner, Waiter& waiter) noexcept {
    with(owner, [&](Line& line) {
      if (waiter.wait().is_over()) return;  // stopped on its way here
      line.push_back(waiter);
      owner.serve(line);
    });
  }

  /// Takes a decided waiter out of the line and serves those behind it.
  template <class Owner>
  void disarm(Owner& owner, Waiter& waiter) noexcept {
    with(owner, [&](Line& line) {
      if (line.remove(waiter)) owner.serve(line);
    });
  }

 private:
  static constexpr std::uint32_t locked = 1;
  static constexpr std::uint32_t pending = 2;  // whoever unlocks serves first

  void lock() noexcept {
    for (unsigned round = 0; word_.fetch_or(locked, std::memory_order_acquire) & locked; ++round) {
      A::relax(round);
    }
  }

  template <class Owner>
  void unlock(Owner& owner) noexcept {
    Line& line = line_;
    Waiter* granted = nullptr;
    Waiter** end = &granted;
    Wakeup wakeup;
    auto word = locked;
    do {
      if (word & pending) {
        // Acquire: pairs with the release of whoever set the bit.
        word_.fetch_and(~pending, std::memory_order_acquire);
        owner.serve(line);
      }
      if (line.granted_) {
        *end = std::exchange(line.granted_, nullptr);
        end = std::exchange(line.granted_end_, &line.granted_);
      }
      if (line.wakeup_.call) wakeup = std::exchange(line.wakeup_, {});
      word = locked;
    } while (!word_.compare_exchange_strong(word, 0, std::memory_order_release,
                                            std::memory_order_relaxed));
    // From here on the primitive may be gone: a waiter that is woken may destroy it. The granted
    // stay where they are until they are published.
    Waiter* slow = nullptr;
    Waiter** slow_end = &slow;
    while (granted) {
      A::reads(&granted->next_);
      Waiter* const next = granted->next_;
      if (granted->wait().is_slow()) {
        granted->next_ = nullptr;
        *std::exchange(slow_end, &granted->next_) = granted;
      } else {
        granted->wait().publish(Outcome::granted);
      }
      granted = next;
    }
    while (slow) {
      Waiter* const next = slow->next_;
      slow->wait().publish(Outcome::granted);
      slow = next;
    }
    wakeup();
  }

  typename A::template atomic<std::uint32_t> word_{0};
  Line line_;
};

using Gate = BasicGate<RealAtomics>;

}  // namespace cohort::inline v0::detail
