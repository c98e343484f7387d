// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Who of a pool's workers is awake. An event count for many: a worker that finds nothing lies
/// down, looks once more, and sleeps; whoever posts work looks for sleepers afterwards. Each does
/// its own step first and looks second, so one of them sees the other (Dekker).
///
/// At most one sleeper is woken for a batch of work, and none while somebody searches already: a
/// searcher that finds work and was the last one wakes the next.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "cohort/config.hpp"               // COHORT_NOINLINE
#include "cohort/core/detail/atomics.hpp"  // the policy

namespace cohort::inline v0::detail {

template <class A>
class BasicParking {
 public:
  using Word = typename A::template atomic<std::uint32_t>;
  /// What a worker's bed says.
  static constexpr std::uint32_t awake = 0;
  static constexpr std::uint32_t asleep = 1;   // on the bed's word
  static constexpr std::uint32_t polling = 2;  // in the poller

  explicit BasicParking(std::size_t beds) : beds_(std::make_unique<Bed[]>(beds)), size_(beds) {}

  /// A worker begins to look for work.
  void search() noexcept { counts_.fetch_add(one_searching, std::memory_order_seq_cst); }
  /// It found some; true if nobody searches any more and some sleep, so that it should wake one.
  bool found() noexcept {
    const auto before = counts_.fetch_sub(one_searching, std::memory_order_seq_cst);
    if (before >> 16 != 1 || (before & 0xffff) == 0) return false;
    A::heavy_barrier();  // who pushed and saw a searcher relies on it to look once more
    return true;
  }

  /// The searcher lies down. It must look for work once more, then `get_up` or sleep on `bed`.
  void lie_down(std::size_t i, std::uint32_t how) noexcept {
    counts_.fetch_add(one_sleeping - one_searching, std::memory_order_seq_cst);
    beds_[i].word.store(how, std::memory_order_seq_cst);
    A::heavy_barrier();  // a deque's push is no fence; see store_before_loads
  }
  /// Awake again, by whatever cause; searching.
  void get_up(std::size_t i) noexcept {
    if (beds_[i].word.exchange(awake, std::memory_order_seq_cst) != awake) {
      counts_.fetch_sub(one_sleeping - one_searching, std::memory_order_seq_cst);
    }  // else the waker has counted already
  }
  Word& bed(std::size_t i) noexcept { return beds_[i].word; }
  std::size_t sleeping() const noexcept { return counts_.load(std::memory_order_seq_cst) & 0xffff; }

  /// There is new work: has one sleeper wake. Calls `rouse(word, how)` for it.
  template <class Rouse>
  void wake_one(Rouse rouse) noexcept {
    const auto counts = counts_.load(std::memory_order_seq_cst);
    if (counts >> 16 == 0 && (counts & 0xffff) != 0) rouse_one(rouse);
  }

  /// Wakes everybody, searchers or not.
  template <class Rouse>
  void wake_all(Rouse rouse) noexcept {
    for (std::size_t i = 0; i < size_; ++i) rouse_bed(i, rouse);
  }

 private:
  struct alignas(64) Bed {
    Word word{awake};
  };

  template <class Rouse>
  COHORT_NOINLINE void rouse_one(Rouse rouse) noexcept {
    for (std::size_t i = 0; i < size_; ++i) {
      if (rouse_bed(i, rouse)) return;
    }
  }
  template <class Rouse>
  bool rouse_bed(std::size_t i, Rouse& rouse) noexcept {
    auto how = beds_[i].word.load(std::memory_order_seq_cst);
    if (how == awake || !beds_[i].word.compare_exchange_strong(
                            how, awake, std::memory_order_seq_cst, std::memory_order_relaxed)) {
      return false;
    }
    counts_.fetch_sub(one_sleeping - one_searching, std::memory_order_seq_cst);
    rouse(beds_[i].word, how);
    return true;
  }

  static constexpr std::uint32_t one_sleeping = 1;
  static constexpr std::uint32_t one_searching = 1U << 16;

  Word counts_{0};  // searching << 16 | sleeping
  std::unique_ptr<Bed[]> beds_;
  std::size_t size_;
};

}  // namespace cohort::inline v0::detail
