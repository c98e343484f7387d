// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The recursive lock: a semaphore of one, whose holder is known and counted.

#include <atomic>
#include <cstdint>
#include <utility>

#include "cohort/sync/detail/basic_semaphore.hpp"  // what those who wait stand at
#include "cohort/sync/detail/owner.hpp"            // Owner

namespace cohort::inline v0::detail {

/// Whoever has the semaphore's permit is the owner and writes its name here. One word holds the
/// owner's id, the levels it has, and a turn that tells one holding from the next, so that a level
/// can be added in one step although a guard may give the last one back at the same time, elsewhere.
template <class S>
class BasicRecursiveLock {
 public:
  using Semaphore = S;

  explicit BasicRecursiveLock(std::uint64_t permits = 1) noexcept : semaphore_(permits) {}
  Semaphore& semaphore() noexcept { return semaphore_; }

  /// One level more, if `me` has the lock.
  bool enter_again(const Owner& me) noexcept {
    auto word = word_.load(std::memory_order_acquire);
    while (is_of(word, me)) {
      if (word_.compare_exchange_weak(word, word + one, std::memory_order_acquire)) return true;
    }
    return false;
  }
  bool try_acquire(const Owner& me) noexcept {
    if (enter_again(me)) return true;
    if (!semaphore_.try_acquire()) return false;
    taken(me, 1);
    return true;
  }
  /// The semaphore's permit is there: for `me`.
  void taken(const Owner& me, std::uint64_t levels) noexcept {
    const auto turn = (word_.load(std::memory_order_relaxed) + one_turn) & turns;
    who_.store(me.who, std::memory_order_relaxed);
    // Release: whoever sees the id sees who_, too.
    word_.store(std::uint64_t{me.id} << 32 | turn | levels * one, std::memory_order_release);
  }

  bool held_by(const Owner& me) const noexcept {
    return is_of(word_.load(std::memory_order_acquire), me);
  }
  std::uint64_t levels() const noexcept { return word_.load(std::memory_order_relaxed) & depth; }

  /// One level less, in the name of the owner, whoever calls: the owner may enter again meanwhile.
  void release() noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    bool last;
    do {
      last = (word & depth) == one;
      // Acquire: whoever frees the lock passes on what others did who gave back a level.
    } while (!word_.compare_exchange_weak(word, last ? word & turns : word - one,
                                          std::memory_order_acq_rel, std::memory_order_relaxed));
    if (last) semaphore_.release(1, 1);
  }
  /// The owner's process has died. Before the permit can be another's: his name may mean somebody
  /// else there.
  void forget_owner() noexcept { word_.fetch_and(turns, std::memory_order_acq_rel); }
  /// Gives back every level; yields how many.
  std::uint64_t release_all() noexcept {
    const auto levels = word_.fetch_and(turns, std::memory_order_acq_rel) & depth;
    semaphore_.release(1, 1);
    return levels;
  }

 private:
  static constexpr std::uint64_t one = 1;
  static constexpr std::uint64_t depth = 0x00ff'ffff;
  static constexpr std::uint64_t one_turn = 0x0100'0000;
  static constexpr std::uint64_t turns = 0xff00'0000;

  // In this order: what is read of who_ is not older than the word.
  bool is_of(std::uint64_t word, const Owner& me) const noexcept {
    if (word >> 32 != me.id || who_.load(std::memory_order_relaxed) != me.who) return false;
    if constexpr (Semaphore::outlives) {  // other processes have the same addresses
      return semaphore_.is_mine();
    } else {
      return true;
    }
  }

  Semaphore semaphore_;
  std::atomic<std::uint64_t> word_{0};  // id, turn, levels; without owner only the turn
  std::atomic<const void*> who_{nullptr};
};

using RecursiveLock = BasicRecursiveLock<BasicSemaphore<Gate>>;

/// Acquiring a lock that may be recursive, as an operation's Spec. The owner is who made the
/// operation, so that it may be awaited inside a `timeout` or `when_any`.
template <class Then>
struct AcquireOwned {
  using Semaphore = RecursiveLock::Semaphore;
  using Result = decltype(std::declval<Then&>()());
  struct Place : Semaphore::Waiter {
    using Semaphore::Waiter::Waiter;
    bool again = false;
  };
  Semaphore* semaphore;
  RecursiveLock* recursive;  // null: a Lock, which belongs to nobody
  Owner me;
  Then then;

  bool try_now(Place& place) noexcept {
    place.again = recursive && recursive->enter_again(me);
    return place.again || semaphore->try_acquire();
  }
  void arm(Place& place) noexcept { semaphore->arm(place); }
  void disarm(Place& place) noexcept { semaphore->disarm(place); }
  bool retry(Place& place) noexcept { return semaphore->retry(place); }
  Result result(Place& place) noexcept {
    if (recursive && !place.again) recursive->taken(me, 1);
    return then();
  }
};

}  // namespace cohort::inline v0::detail
