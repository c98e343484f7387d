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

/// One word says it all, so that usually one comparison before the change and one after it are
/// enough: the thread that makes the changes, and three bits. `asleep`: the other side sleeps, or is
/// about to. `elsewhere`: it sleeps on another thread than the changes are made on. `closed`: there
/// is more to be looked at than this.
template <class A>
class alignas(64) BasicSleepers {
 public:
  /// `single`: one party at a time makes changes, so only the last one's thread counts.
  explicit BasicSleepers(bool single) noexcept : single_(single) {}

  /// For the changer: makes the change, which is to store `value` in `word`. Yields whether the
  /// others must be served, true once for each `announce`.
  template <class Word, class Value>
  COHORT_HOT bool change(Word& word, Value value) noexcept {
    if (!quiet()) [[unlikely]]
      return change_aloud(word, value);
    return !change_quietly(word, value) && changed_aloud();
  }
  /// The same in two steps, the second only if it is quiet at first: if it is quiet afterwards, too,
  /// that is all; else `changed_aloud` yields whether the others must be served.
  COHORT_HOT bool quiet() const noexcept {
    return state_.load(std::memory_order_seq_cst) == mark(A::here());
  }
  template <class Word, class Value>
  COHORT_HOT bool change_quietly(Word& word, Value value) noexcept {
    A::store_before_loads(word, value);
    return quiet();
  }
  // The store may be later than the barrier that saw to the others, and another changer may have
  // taken the flag: by the exchange the next announcement sees it.
  COHORT_COLD bool changed_aloud() noexcept {
    return state_.fetch_and(~asleep, std::memory_order_seq_cst) & asleep;
  }

  /// It is never quiet again.
  void close() noexcept { state_.fetch_or(closed, std::memory_order_seq_cst); }

  /// For whoever would have to sleep: looks a few times, ever later so that the changes can pile
  /// up, whether another thread makes one now, which is sooner than a sleep and a wake. Looks less
  /// long each time that it was in vain.
  template <class Changed>
  bool soon(Changed changed) noexcept {
    const State changer = state_.load(std::memory_order_relaxed) & ~bits;
    if (changer == nobody || changer == mark(A::here())) return false;
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
    // Should another thread become the changer after this, it sees the flag: see `note`.
    const State before = state_.fetch_or(asleep, std::memory_order_seq_cst);
    if ((before & ~bits) == mark(A::here())) {
      if (before & elsewhere && ++here_in_a_row_ == 64) {
        state_.fetch_and(~elsewhere, std::memory_order_relaxed);
        here_in_a_row_ = 0;
      }
      return;
    }
    here_in_a_row_ = 0;
    if (before & elsewhere) return;
    state_.fetch_or(elsewhere, std::memory_order_relaxed);
    A::heavy_barrier();
  }

 private:
  using State = std::uintptr_t;
  static constexpr State asleep = 1;
  static constexpr State elsewhere = 2;
  static constexpr State closed = 4;
  static constexpr State bits = asleep | elsewhere | closed;
  static constexpr State nobody = 0;
  static constexpr std::uint32_t longest = 64;

  static State mark(const void* thread) noexcept { return reinterpret_cast<State>(thread); }
  static State everybody() noexcept {
    alignas(bits + 1) static constexpr char here = 0;
    return mark(&here);
  }

  template <class Word, class Value>
  COHORT_NOINLINE bool change_aloud(Word& word, Value value) noexcept {
    const State here = mark(A::here());
    State state = state_.load(std::memory_order_relaxed);
    if ((state & ~asleep) == here) {  // it sleeps on this thread
      A::store_before_loads(word, value);
      return changed_aloud();
    }
    word.store(value, std::memory_order_seq_cst);
    state = state_.load(std::memory_order_seq_cst);
    const State changer = state & ~bits;
    if (changer != here && changer != everybody()) state = note(here, state);
    return state & asleep && changed_aloud();
  }
  // Another thread makes changes from now on. Sequentially consistent: a sleeper that does not see
  // this comes before it, and so does its flag, which is looked at next.
  COHORT_COLD State note(State here, State state) noexcept {
    State noted;
    do {
      noted = single_ || (state & ~bits) == nobody ? here : everybody();
      noted |= state & bits;
    } while (!state_.compare_exchange_weak(state, noted, std::memory_order_seq_cst,
                                           std::memory_order_relaxed));
    return noted;
  }

  typename A::template atomic<State> state_{nobody};
  typename A::template atomic<std::uint32_t> patience_{longest};
  std::uint32_t here_in_a_row_ = 0;  // announcements without another thread; the sleepers' own
  const bool single_;
};

}  // namespace cohort::inline v0::detail
