// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A place in a line that several processes stand in: one word of state in shared memory, and how
/// its process is told when that has changed.

#include <atomic>
#include <cstdint>

#include "cohort/ipc/detail/heap.hpp"    // Heap, Family
#include "cohort/ipc/detail/layout.hpp"  // Offset, WakeBits

namespace cohort::inline v0::ipc::detail {

/// Tells a process that something has become of one of its waits. Once too often does no harm.
template <class = void>
struct BasicDelivery {
  Member member;
  std::uint32_t index;  // in its WakeBits
  const std::atomic<std::uint64_t>* sleeps_on;

  void operator()() const noexcept {
    if (sleeps_on) return wake_state(*sleeps_on);
    Family& family = Family::get();
    MemberSlot& slot = family.slot(member);
    const Offset wakes = slot.wakes.load(std::memory_order_acquire);
    if (!wakes || index >= WakeBits::count) return;
    auto& bits = family.at<WakeBits>(wakes);
    bits.bits[index / 64].fetch_or(std::uint64_t{1} << index % 64, std::memory_order_acq_rel);
    bits.summary[index / 4096].fetch_or(std::uint64_t{1} << index / 64 % 64,
                                        std::memory_order_acq_rel);
    Family::ring(slot);
  }

  /// A thread sleeps on the lower half of its waiter's state.
  static const std::atomic<std::uint32_t>& word_of(
      const std::atomic<std::uint64_t>& state) noexcept {
    return reinterpret_cast<const std::atomic<std::uint32_t>&>(state);
  }
  static void wake_state(const std::atomic<std::uint64_t>& state) noexcept {
    os::wake_shared(word_of(state));
  }
};
using Delivery = BasicDelivery<>;

/// A place in a shared line. The state is one word, ticket × 256 + what it says, so that nobody can
/// take a waiter for one that was at its address before.
template <class W>
class BasicSharedWaiter {
 public:
  using Word = typename W::template atomic<std::uint64_t>;
  using Delivery = typename W::Delivery;
  enum State : std::uint64_t { none, waiting, claimed, granted, cancelled };

  BasicSharedWaiter(Member member, Offset object, std::uint32_t index, bool thread) noexcept
      : member_(member), object_(object), index_(index), thread_(thread) {}

  Member member() const noexcept { return member_; }
  /// What it waits at.
  Offset object() const noexcept { return object_; }
  State state() const noexcept { return state_of(word_.load(std::memory_order_acquire)); }
  bool was_nudged() const noexcept { return word_.load(std::memory_order_acquire) & nudged; }
  /// Something else than a wait that is to go on.
  bool decided() const noexcept { return state() == granted || state() == cancelled; }
  const Word& word() const noexcept { return word_; }

  /// By its process, before it is armed.
  void begin() noexcept { word_.store(W::ticket() << 8 | waiting, std::memory_order_release); }
  /// By its process: waiting → cancelled; else it stays claimed or granted. Yields what it is.
  State cancel() noexcept {
    for (unsigned round = 0;; ++round) {
      auto word = word_.load(std::memory_order_acquire);
      if (state_of(word) == claimed) {
        if (round == W::patience) return claimed;
        W::relax(round);
      } else if (state_of(word) == granted) {
        return granted;
      } else if (word_.compare_exchange_weak(word, (word & ~std::uint64_t{7}) | cancelled,
                                             std::memory_order_acq_rel,
                                             std::memory_order_acquire)) {
        return cancelled;
      }
    }
  }
  /// By its process, which has looked: it sleeps again.
  void calm() noexcept { word_.fetch_and(~nudged, std::memory_order_acq_rel); }
  /// By its process, when the wait is over, however it ended. If it stands in line still, whoever
  /// takes it out frees it.
  void let_go() noexcept {
    if (word_.fetch_or(forgotten, std::memory_order_acq_rel) & unlinked) {
      W::Heap::free(W::offset_of(this));
    }
  }

  // For whoever sweeps after its process: whether it was granted something and did not take it up,
  // and that this is done with.
  bool is_left() const noexcept {
    const auto word = word_.load(std::memory_order_acquire);
    return state_of(word) == granted && !(word & forgotten);
  }
  void revoke() noexcept { change(granted, cancelled); }
  /// Whoever granted or nudged it may not have come to tell.
  void tell_again() noexcept {
    const auto word = word_.load(std::memory_order_acquire);
    if (word & forgotten || (state_of(word) != granted && !(word & nudged))) return;
    if (member_.slot() < max_members) delivery()();
  }

  // What a primitive's state machine calls through wait(), under the gate's lock.
  BasicSharedWaiter& wait() noexcept { return *this; }
  bool claim() noexcept { return change(waiting, claimed); }
  void unclaim() noexcept { change(claimed, waiting); }
  /// True: it must be told.
  bool nudge() noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    do {
      if (state_of(word) != waiting || word & nudged) return false;
    } while (!word_.compare_exchange_weak(word, word | nudged, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    return true;
  }

  Delivery delivery() const noexcept { return {member_, index_, thread_ ? &word_ : nullptr}; }

 private:
  template <class>
  friend class BasicSharedLine;
  template <class>
  friend class BasicSharedGate;

  static constexpr std::uint64_t nudged = 8;
  static constexpr std::uint64_t unlinked = 16;   // stands in no line any more
  static constexpr std::uint64_t forgotten = 32;  // its process will not look at it again

  static State state_of(std::uint64_t word) noexcept { return static_cast<State>(word & 7); }
  // Whether this is its word, but for what its process may do to it at any time: it calms, it forgets.
  bool is_still(std::uint64_t word) const noexcept {
    return ((word_.load(std::memory_order_acquire) ^ word) & ~(nudged | forgotten)) == 0;
  }
  // With the gate's lock: a cancelled one stands in no line any more. Its process frees it, or has
  // left it to us, and then it is ours before we do.
  void leave_line() noexcept {
    auto word = word_.load(std::memory_order_acquire);
    while (!(word & forgotten)) {
      if (word_.compare_exchange_weak(word, word | unlinked, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
        return;
      }
    }
    const Offset at = W::offset_of(this);
    W::Heap::make_private(at, W::self());
    word_.store(0, std::memory_order_release);
    W::Heap::free(at);
  }
  void finish_grant() noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(word, (word & ~std::uint64_t{7}) | granted | unlinked,
                                        std::memory_order_acq_rel, std::memory_order_relaxed)) {}
  }
  bool change(State from, State to) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    while (state_of(word) == from) {
      if (word_.compare_exchange_weak(word, (word & ~std::uint64_t{7}) | to,
                                      std::memory_order_acq_rel, std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  Word word_{0};
  const Member member_;
  const Offset object_;
  const std::uint32_t index_;
  const bool thread_;
  typename W::template atomic<Offset> next_{0};
};
using SharedWaiter = BasicSharedWaiter<RealWorld>;

}  // namespace cohort::inline v0::ipc::detail
