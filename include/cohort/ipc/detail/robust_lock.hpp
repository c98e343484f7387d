// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A short lock in shared memory that outlives its holders: one word that names who has it, so that
/// there is no moment in which it is taken by nobody. Whoever finds that the holder's process has
/// ended takes it over, and is told that he has to finish or undo what was begun.

#include <atomic>
#include <cstdint>

#include "cohort/ipc/detail/world.hpp"  // RealWorld, Member

namespace cohort::inline v0::ipc::detail {

template <class W>
class BasicRobustLock {
 public:
  /// True: taken over from a process that died with it. Any thread; not in a signal handler.
  bool lock() noexcept {
    const Member me = W::self();
    for (unsigned round = 0;; ++round) {
      auto word = word_.load(std::memory_order_relaxed);
      if (holder_of(word) == Member{}) {
        // Acquire: pairs with the release in unlock.
        if (word_.compare_exchange_weak(word, word | me.bits << shift, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
          return false;
        }
      } else if (round % W::patience == W::patience - 1 && W::has_ended(holder_of(word))) {
        if (word_.compare_exchange_strong(word, me.bits << shift | asked, std::memory_order_acquire,
                                          std::memory_order_relaxed)) {
          return true;
        }
      } else {
        W::relax(round);
      }
    }
  }

  /// Never waits. If another has the lock, he is asked to see to it (`unlock` is told): `asked`.
  enum class Try { locked, asked };
  Try try_lock_or_ask() noexcept {
    const Member me = W::self();
    auto word = word_.load(std::memory_order_relaxed);
    for (;;) {
      const bool mine = holder_of(word) == Member{};
      const auto wanted = mine ? word | me.bits << shift : word | asked;
      if (word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
        return mine ? Try::locked : Try::asked;
      }
    }
  }
  bool try_lock() noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    return holder_of(word) == Member{} &&
           word_.compare_exchange_strong(word, word | W::self().bits << shift,
                                         std::memory_order_acquire, std::memory_order_relaxed);
  }

  /// For the holder: whether somebody asked since the last time.
  bool take_request() noexcept {
    if (!(word_.load(std::memory_order_relaxed) & asked)) return false;
    word_.fetch_and(~asked, std::memory_order_acquire);
    return true;
  }
  /// False, and still locked, if somebody has asked.
  bool try_unlock() noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    return !(word & asked) && word_.compare_exchange_strong(word, 0, std::memory_order_release,
                                                            std::memory_order_relaxed);
  }
  void unlock() noexcept { word_.store(0, std::memory_order_release); }

  Member holder() const noexcept { return holder_of(word_.load(std::memory_order_relaxed)); }

 private:
  static constexpr std::uint64_t asked = 1;
  static constexpr int shift = 16;
  static Member holder_of(std::uint64_t word) noexcept { return Member{word >> shift}; }

  typename W::template atomic<std::uint64_t> word_{0};  // Member << 16 | asked
};
using RobustLock = BasicRobustLock<RealWorld>;

}  // namespace cohort::inline v0::ipc::detail
