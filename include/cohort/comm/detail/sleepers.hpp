// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Whether one side of a buffer sleeps until the other changes it: Dekker's pattern. Between
/// coroutines of one thread neither side pays for it: a change is a plain store and the look at this
/// flag a plain load, and program order is all it takes. The first sleeper who sees that another
/// thread makes the changes has them made by sequentially consistent stores from then on, and a
/// heavy barrier sees to those under way.

#include <cstdint>

#include "cohort/config.hpp"               // COHORT_COLD
#include "cohort/core/detail/atomics.hpp"  // the policy

namespace cohort::inline v0::detail {

template <class A>
class alignas(64) BasicSleepers {
 public:
  /// `single`: one party at a time makes changes, so only the last one's thread counts.
  explicit BasicSleepers(bool single) noexcept : single_(single) {}

  /// For the changer: makes the change, which is to store `value` in `word`. Yields whether the
  /// others must be served, true once for each `announce`.
  template <class Word, class Value>
  COHORT_HOT bool change(Word& word, Value value) noexcept {
    if (elsewhere_.load(std::memory_order_relaxed)) {
      word.store(value, std::memory_order_seq_cst);
      return wanted();
    }
    A::store_before_loads(word, value);
    const bool served = wanted();
    // If it became true meanwhile, this store may be later than the barrier that saw to the others,
    // and another changer may have taken the flag: by the exchange the next announcement sees it.
    if (elsewhere_.load(std::memory_order_seq_cst)) [[unlikely]]
      return take_flag() || served;
    return served;
  }
  COHORT_HOT bool wanted() noexcept {
    const void* const changer = changer_.load(std::memory_order_relaxed);
    if (changer != A::here()) [[unlikely]] {
      if (changer != everybody()) note(changer);
    }
    return asleep_.load(std::memory_order_seq_cst) && take_flag();
  }

  /// For whoever would have to sleep: looks a few times, ever later so that the changes can pile
  /// up, whether another thread makes one now, which is sooner than a sleep and a wake. Looks less
  /// long each time that it was in vain.
  template <class Changed>
  bool soon(Changed changed) noexcept {
    const void* const changer = changer_.load(std::memory_order_relaxed);
    if (!changer || changer == A::here()) return false;
    const auto patience = patience_.load(std::memory_order_relaxed);
    for (std::uint32_t pauses = 1; pauses <= patience; pauses *= 2) {
      for (auto n = pauses; n > 0; --n) A::pause();
      if (changed()) {
        if (patience < longest) patience_.store(longest, std::memory_order_relaxed);
        return true;
      }
    }
    if (patience > 1) patience_.store(patience / 2, std::memory_order_relaxed);
    return false;
  }

  /// For whoever is about to sleep, one at a time, and then looks again, sequentially consistently:
  /// either that look sees a change or the change sees the flag.
  void announce() noexcept {
    asleep_.exchange(true, std::memory_order_seq_cst);
    // Should another thread become the changer after this load, it sees the flag: see `note`.
    if (changer_.load(std::memory_order_seq_cst) == A::here()) {
      if (here_in_a_row_ < 64 && ++here_in_a_row_ == 64) {
        elsewhere_.store(false, std::memory_order_relaxed);
      }
      return;
    }
    here_in_a_row_ = 0;
    if (elsewhere_.load(std::memory_order_relaxed)) return;
    elsewhere_.store(true, std::memory_order_relaxed);
    A::heavy_barrier();
  }

 private:
  COHORT_COLD bool take_flag() noexcept {
    return asleep_.exchange(false, std::memory_order_seq_cst);
  }
  static constexpr std::uint32_t longest = 64;
  static const void* everybody() noexcept {
    static constexpr char mark = 0;
    return &mark;
  }
  // Another thread makes changes from now on. Both are sequentially consistent: a sleeper that
  // does not see this comes before it, and so does its flag, which is looked at next.
  COHORT_COLD void note(const void* before) noexcept {
    if (single_) {
      changer_.store(A::here(), std::memory_order_seq_cst);
    } else if (before ||
               !changer_.compare_exchange_strong(before, A::here(), std::memory_order_seq_cst,
                                                 std::memory_order_seq_cst)) {
      if (before != A::here()) changer_.store(everybody(), std::memory_order_seq_cst);
    }
  }

  typename A::template atomic<bool> asleep_{false};
  typename A::template atomic<bool> elsewhere_{false};  // the changes are made on another thread
  typename A::template atomic<const void*> changer_{nullptr};
  typename A::template atomic<std::uint32_t> patience_{longest};
  std::uint32_t here_in_a_row_ = 0;  // announcements without another thread; the sleepers' own
  const bool single_;
};

}  // namespace cohort::inline v0::detail
