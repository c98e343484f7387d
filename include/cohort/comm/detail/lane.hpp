// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A bounded ring for one producer and one consumer at a time: Lamport's, with each side's last
/// look at the other's index kept (FastForward, MCRingBuffer), so that neither a push nor a pop
/// takes an atomic instruction or touches a line that the other writes.
///
/// Anybody may close it, also while an item is being pushed. The state says what becomes of that:
///
///     open ──close──▶ closed ──the producer saw it──▶ settled    no push follows: drain, and end
///                        └──the consumer found it empty──▶ over  what came after that is refused

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "cohort/comm/detail/attempt.hpp"   // Attempt
#include "cohort/comm/detail/sleepers.hpp"  // who is to be told
#include "cohort/config.hpp"                // COHORT_COLD
#include "cohort/core/detail/atomics.hpp"   // the policy

namespace cohort::inline v0::detail {

template <class A, class T>
class BasicLane {
  static_assert(std::is_nothrow_move_constructible_v<T>);

 public:
  explicit BasicLane(std::size_t capacity)
      : cells_(std::make_unique<Cell[]>(std::bit_ceil(capacity))),
        mask_(std::bit_ceil(capacity) - 1),
        capacity_(capacity) {}
  ~BasicLane() {
    // What a producer left is dropped, also what it pushed after the end.
    const auto tail = tail_.load(std::memory_order_acquire);
    for (auto head = head_.load(std::memory_order_relaxed); head < tail; ++head) at(head).~T();
  }
  BasicLane(const BasicLane&) = delete;
  BasicLane& operator=(const BasicLane&) = delete;

  /// The producer. Moves from `value` only when done.
  COHORT_HOT Attempt try_push(T& value) noexcept {
    const bool quiet = receivers_.quiet();
    if (!quiet && closed()) [[unlikely]]
      return {Attempt::Result::closed};
    const auto tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_seen_ == capacity_) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail - head_seen_ == capacity_) return {Attempt::Result::blocked};
    }
    A::writes(&cells_[tail & mask_]);
    ::new (static_cast<void*>(&cells_[tail & mask_])) T(std::move(value));
    // Publishes the item; pairs with the acquire in try_pop.
    if (quiet && receivers_.change_quietly(tail_, tail + 1)) [[likely]]
      return {Attempt::Result::done};
    const bool wanted = quiet ? receivers_.changed_aloud() : receivers_.change(tail_, tail + 1);
    if (state_.load(std::memory_order_seq_cst) != State::open && !settle()) [[unlikely]] {
      take_back(&value, 1);
      return {Attempt::Result::closed};
    }
    return {Attempt::Result::done, wanted};
  }

  /// The producer: pushes as many of `values` as there is room for, with one store for all. Moves
  /// from those only that it counts.
  BatchAttempt try_push_many(T* values, std::size_t count) noexcept {
    if (state_.load(std::memory_order_relaxed) != State::open)
      return {0, {Attempt::Result::closed}};
    const auto tail = tail_.load(std::memory_order_relaxed);
    const auto room = [&] { return capacity_ - static_cast<std::size_t>(tail - head_seen_); };
    if (room() < count) head_seen_ = head_.load(std::memory_order_acquire);
    if (count > room()) count = room();
    if (count == 0) return {0, {Attempt::Result::blocked}};
    for (std::size_t i = 0; i < count; ++i) {
      Cell& cell = cells_[(tail + i) & mask_];
      A::writes(&cell);
      ::new (static_cast<void*>(&cell)) T(std::move(values[i]));
    }
    // Publishes the items; pairs with the acquire in ready.
    const bool wanted = receivers_.change(tail_, tail + count);
    if (state_.load(std::memory_order_seq_cst) != State::open && !settle()) [[unlikely]] {
      take_back(values, count);
      return {0, {Attempt::Result::closed}};
    }
    return {count, {Attempt::Result::done, wanted}};
  }

  /// The consumer.
  COHORT_HOT Attempt try_pop(std::optional<T>& out) noexcept {
    const auto head = head_.load(std::memory_order_relaxed);
    if (head == tail_seen_) {
      if (over_) return {Attempt::Result::blocked};
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (head == tail_seen_) return {Attempt::Result::blocked};
    }
    A::reads(&cells_[head & mask_]);
    out.emplace(std::move(at(head)));
    at(head).~T();
    A::writes(&cells_[head & mask_]);
    // The cell is free; pairs with the acquire in try_push.
    return {Attempt::Result::done, senders_.change(head_, head + 1)};
  }

  /// The consumer: how many items there are, `most` or more counting as `most`.
  std::size_t ready(std::size_t most) noexcept {
    const auto head = head_.load(std::memory_order_relaxed);
    if (tail_seen_ - head < most && !over_) tail_seen_ = tail_.load(std::memory_order_acquire);
    const auto there = static_cast<std::size_t>(tail_seen_ - head);
    return there < most ? there : most;
  }
  /// The consumer, once `ready` said that they are there: hands `count` items, 1 or more, to
  /// `take(first, n)`, which must not throw, in one piece or two, and frees their cells with one
  /// store. Yields whether a sender waits.
  template <class Take>
  bool pop_ready(std::size_t count, Take take) noexcept {
    const auto head = head_.load(std::memory_order_relaxed);
    for (auto position = head; position != head + count;) {
      const auto until_wrap = static_cast<std::size_t>(mask_ + 1 - (position & mask_));
      const auto left = static_cast<std::size_t>(head + count - position);
      const auto piece = left < until_wrap ? left : until_wrap;
      T* const first = &at(position);
      for (std::size_t i = 0; i < piece; ++i) A::reads(&cells_[(position + i) & mask_]);
      take(first, piece);
      std::destroy_n(first, piece);
      for (std::size_t i = 0; i < piece; ++i) A::writes(&cells_[(position + i) & mask_]);
      position += piece;
    }
    // The cells are free; pairs with the acquire in try_push and try_push_many.
    return senders_.change(head_, head + count);
  }

  /// Whether there is something soon, or room.
  bool item_soon() noexcept {
    return receivers_.soon([this] { return !empty(); });
  }
  bool room_soon() noexcept {
    return senders_.soon([this] { return !full(); });
  }

  /// The consumer is about to sleep. False if there is something by now, or the end.
  bool mark_empty() noexcept {
    receivers_.announce();
    return empty() && !closed();
  }
  /// The producer is about to sleep. False if there is room by now, or it is closed.
  bool mark_full() noexcept {
    senders_.announce();
    return full() && !closed();
  }

  /// No push succeeds from now on. Anybody.
  void close() noexcept {
    receivers_.close();  // before the state: a push that has been quiet has not seen that either
    auto open = State::open;
    state_.compare_exchange_strong(open, State::closed, std::memory_order_seq_cst,
                                   std::memory_order_seq_cst);
  }
  bool closed() const noexcept { return state_.load(std::memory_order_seq_cst) != State::open; }

  /// The consumer, of one that is closed: whether nothing is left, and nothing will come.
  bool ended() noexcept {
    if (over_) return true;
    auto state = State::closed;
    // From the barrier on, a push that has not seen the close is visible, or will see it.
    A::heavy_barrier();
    if (!empty()) return false;
    // Either nothing was in between, or the producer has settled it: then its last item is visible.
    over_ = state_.compare_exchange_strong(state, State::over, std::memory_order_seq_cst,
                                           std::memory_order_seq_cst) ||
            empty();
    return over_;
  }

  /// How many items were pushed so far.
  std::uint64_t pushed() const noexcept { return tail_.load(std::memory_order_acquire); }
  /// Anybody, for a moment.
  std::size_t size() const noexcept {
    const auto head = head_.load(std::memory_order_acquire);
    const auto tail = tail_.load(std::memory_order_acquire);
    return tail > head ? static_cast<std::size_t>(tail - head) : 0;
  }

 private:
  template <class U>
  using Atomic = typename A::template atomic<U>;
  struct Cell {
    alignas(T) unsigned char bytes[sizeof(T)];
  };
  enum class State : std::uint32_t { open, closed, settled, over };

  T& at(std::uint64_t position) noexcept {
    return *std::launder(reinterpret_cast<T*>(cells_[position & mask_].bytes));
  }
  bool empty() const noexcept {
    return tail_.load(std::memory_order_seq_cst) == head_.load(std::memory_order_relaxed);
  }
  bool full() const noexcept {
    const auto head = head_.load(std::memory_order_seq_cst);
    return tail_.load(std::memory_order_relaxed) - head == capacity_;
  }
  // The producer has pushed and seen that it is closed; true if that counts: it has been taken, or
  // the consumer will look again. What one store published counts together: the consumer sees the
  // end only when it has seen nothing of it, or has taken it all.
  COHORT_COLD bool settle() noexcept {
    auto state = State::closed;
    return state_.compare_exchange_strong(state, State::settled, std::memory_order_seq_cst,
                                          std::memory_order_seq_cst) ||
           state == State::settled || empty();
  }
  // It does not: the consumer saw the end before it. Assigned where possible: the value may be part
  // of an object that one built in its place would not fit.
  COHORT_COLD void take_back(T* values, std::size_t count) noexcept {
    const auto first = tail_.load(std::memory_order_relaxed) - count;
    for (std::size_t i = 0; i < count; ++i) {
      if constexpr (std::is_nothrow_move_assignable_v<T>) {
        values[i] = std::move(at(first + i));
      } else {
        values[i].~T();
        ::new (static_cast<void*>(&values[i])) T(std::move(at(first + i)));
      }
      at(first + i).~T();
    }
    tail_.store(first, std::memory_order_release);
  }

  const std::unique_ptr<Cell[]> cells_;
  const std::uint64_t mask_;
  const std::size_t capacity_;
  Atomic<State> state_{State::open};
  BasicSleepers<A> receivers_{true};
  BasicSleepers<A> senders_{true};
  alignas(64) Atomic<std::uint64_t> tail_{0};  // the producer's line
  std::uint64_t head_seen_ = 0;
  alignas(64) Atomic<std::uint64_t> head_{0};  // the consumer's line
  std::uint64_t tail_seen_ = 0;
  bool over_ = false;  // the consumer has seen the end
};

}  // namespace cohort::inline v0::detail
