// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The recursive lock: a semaphore of one, whose holder is known and counted.

#include <atomic>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "cohort/sync/detail/basic_semaphore.hpp"  // what those who wait stand at
#include "cohort/sync/detail/owner.hpp"            // Owner

namespace cohort::inline v0::detail {

/// One permit and how often whoever has it took it. Above the semaphore's bits the word holds these
/// levels, and a turn that tells one holding from the next.
struct LeveledPermit {
  using Claim = CountedPermits::Claim;
  using Ledger = CountedPermits::Ledger;
  static constexpr std::uint64_t one = 8;
  static constexpr std::uint64_t depth = 0xffff'fff8;
  static constexpr std::uint64_t one_turn = 0x1'0000'0000;

  static std::uint64_t levels(std::uint64_t word) noexcept { return (word & depth) / one; }
  static std::uint64_t turn(std::uint64_t word) noexcept { return word >> 32; }
  static std::uint64_t count(std::uint64_t word) noexcept { return any(word) ? 1 : 0; }
  static bool any(std::uint64_t word) noexcept { return !(word & depth); }
  static bool may_give(std::uint64_t word, std::uint64_t, std::uint64_t) noexcept {
    return !any(word);
  }
  static std::uint64_t give(std::uint64_t word, std::uint64_t) noexcept { return word & ~depth; }
  static std::uint64_t take(std::uint64_t word) noexcept { return word + one_turn + one; }
  template <class Waiter>
  static std::uint64_t take_for(const Waiter&, std::uint64_t word) noexcept {
    return take(word);
  }
  template <class Waiter>
  static Verdict verdict(const Waiter&, std::uint64_t word) noexcept {
    return any(word) ? Verdict::take : Verdict::wait;
  }
};

/// Whoever has the semaphore's permit is the owner and writes its name here, with the turn that it
/// is for. Nobody need take it away: to a later turn it means nothing, and the word is all that a
/// release changes. So a level can be added in one step although a guard may give the last one back
/// at the same time, elsewhere: then the turn ends.
///
/// A semaphore whose word has no room for the levels, because it names a process, has them beside it.
template <class S>
class BasicRecursiveLock {
  using Permit = LeveledPermit;
  template <class T>
  using Atomic = typename S::Atomics::template atomic<T>;
  static constexpr bool beside = !std::is_same_v<typename S::Permits, Permit>;

 public:
  using Semaphore = S;

  explicit BasicRecursiveLock(std::uint64_t permits = 1) noexcept : semaphore_(permits) {}
  Semaphore& semaphore() noexcept { return semaphore_; }

  /// One level more, if `me` has the lock.
  COHORT_HOT bool enter_again(const Owner& me) noexcept {
    auto word = load();
    while (is_of(word, me)) {
      if (change(word, word + Permit::one)) return true;
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
  COHORT_HOT void taken(const Owner& me, std::uint64_t levels) noexcept {
    auto word = load();
    const auto begun = [&] {
      return beside ? Permit::give(word, 1) + Permit::one_turn : word - Permit::one;
    };
    if (beside || levels > 1) {
      while (!change(word, begun() + levels * Permit::one)) {}
      word = load();
    }
    who_.store(me.who, std::memory_order_relaxed);
    // Release: whoever sees the id sees who_, too.
    name_.store(name(me, word), std::memory_order_release);
  }

  COHORT_HOT bool held_by(const Owner& me) const noexcept { return is_of(load(), me); }
  std::uint64_t levels() const noexcept { return Permit::levels(load()); }

  /// One level less, in the name of the owner, whoever calls: the owner may enter again meanwhile.
  COHORT_HOT void release() noexcept {
    auto word = load();
    bool pass_on;
    do {
      pass_on = Permit::levels(word) == 1 && (beside || word & (Permit::one - 1));
    } while (!change(word, pass_on ? nobodys(word) : word - Permit::one));
    if (pass_on) semaphore_.release(1, 1);
  }
  /// The owner's process has died. Before the permit can be another's: his name may mean somebody
  /// else there.
  void forget_owner() noexcept requires beside {
    for (auto word = load(); !change(word, nobodys(word));) {}
  }
  /// Gives back every level; yields how many.
  std::uint64_t release_all() noexcept {
    auto word = load();
    while (!change(word, nobodys(word))) {}
    semaphore_.release(1, 1);
    return Permit::levels(word);
  }

 private:
  std::uint64_t load() const noexcept {
    if constexpr (beside) {
      return levels_.word.load(std::memory_order_relaxed);
    } else {
      return semaphore_.word();
    }
  }
  // Acquire: whoever frees the lock passes on what others did who gave back a level.
  bool change(std::uint64_t& word, std::uint64_t wanted) noexcept {
    if constexpr (beside) {
      return levels_.word.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                                std::memory_order_relaxed);
    } else {
      return semaphore_.change(word, wanted);
    }
  }
  // The permit is still taken, but the owner has it no more.
  static std::uint64_t nobodys(std::uint64_t word) noexcept {
    return beside ? Permit::give(word, 1) : Permit::take(Permit::give(word, 1));
  }

  static std::uint64_t name(const Owner& me, std::uint64_t word) noexcept {
    return std::uint64_t{me.id} << 32 | Permit::turn(word);
  }
  // In this order: what is read of who_ is not older than the id.
  COHORT_HOT bool is_of(std::uint64_t word, const Owner& me) const noexcept {
    if (Permit::any(word) || name_.load(std::memory_order_acquire) != name(me, word) ||
        who_.load(std::memory_order_relaxed) != me.who) {
      return false;
    }
    if constexpr (Semaphore::outlives) {  // other processes have the same addresses
      return semaphore_.is_mine();
    } else {
      return true;
    }
  }

  struct Beside {
    Atomic<std::uint64_t> word{0};
  };
  struct InTheWord {};

  Semaphore semaphore_;
  [[no_unique_address]] std::conditional_t<beside, Beside, InTheWord> levels_;
  Atomic<std::uint64_t> name_{0};  // the owner's id, and the turn it is for
  Atomic<const void*> who_{nullptr};
};

using RecursiveLock = BasicRecursiveLock<BasicSemaphore<Gate, LeveledPermit>>;

/// Acquiring a lock that may be recursive, as an operation's Spec. The owner is who made the
/// operation, so that it may be awaited inside a `timeout` or `when_any`.
template <class Lock, class Then>
struct AcquireOwned {
  using Result = decltype(std::declval<Then&>()());
  struct AtOnce {
    bool again = false;
  };
  struct Place : Lock::Semaphore::Waiter {
    using Lock::Semaphore::Waiter::Waiter;
    bool again = false;
  };
  Lock* lock;
  Owner me;
  Then then;

  COHORT_HOT bool try_now(auto& place) noexcept {
    place.again = lock->enter_again(me);
    return place.again || lock->semaphore().try_acquire();
  }
  void arm(Place& place) noexcept { lock->semaphore().arm(place); }
  void disarm(Place& place) noexcept { lock->semaphore().disarm(place); }
  bool retry(Place& place) noexcept { return lock->semaphore().retry(place); }
  COHORT_HOT Result result(auto& place) noexcept {
    if (!place.again) lock->taken(me, 1);
    return then();
  }
};

}  // namespace cohort::inline v0::detail
