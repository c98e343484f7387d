// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A bounded ring for many producers and consumers: Vyukov's (1024cores.net, 2010).
///
/// A cell's word is 2 × position + state, where the position is the ticket the cell is for:
///
///     empty(p) ──push──▶ full(p) ──pop──▶ empty(p + capacity) …

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "cohort/comm/detail/attempt.hpp"   // Attempt
#include "cohort/comm/detail/sleepers.hpp"  // who is to be told
#include "cohort/core/detail/atomics.hpp"   // the policy

namespace cohort::inline v0::detail {

template <class A, class T>
class BasicRing {
  static_assert(std::is_nothrow_move_constructible_v<T>);

 public:
  explicit BasicRing(std::size_t capacity)
      : cells_(std::make_unique<Cell[]>(capacity)),
        capacity_(capacity),
        mask_((capacity & (capacity - 1)) == 0 ? capacity - 1 : 0) {
    for (std::size_t i = 0; i < capacity; ++i) {
      cells_[i].word.store(empty(i), std::memory_order_relaxed);
    }
  }
  ~BasicRing() {
    std::optional<T> dropped;
    while (try_pop(dropped).done()) dropped.reset();
  }
  BasicRing(const BasicRing&) = delete;
  BasicRing& operator=(const BasicRing&) = delete;

  /// Moves from `value` only when done.
  Attempt try_push(T& value) noexcept {
    auto tail = tail_.load(std::memory_order_relaxed);
    for (;;) {
      if (tail & closed_bit) return {Attempt::Result::closed};
      const std::uint64_t position = tail >> 1;
      Cell& cell = at(position);
      // Acquire: pairs with the release of the consumer that emptied the cell.
      const auto word = cell.word.load(std::memory_order_acquire);
      if (word == empty(position)) {
        if (tail_.compare_exchange_weak(tail, tail + 2, std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
          A::writes(cell.bytes);
          ::new (static_cast<void*>(cell.bytes)) T(std::move(value));
          // Publishes the item; pairs with the acquire in try_pop.
          return {Attempt::Result::done, receivers_.change(cell.word, full(position))};
        }
      } else if (word < empty(position)) {  // not emptied yet since the last time round
        const auto again = tail_.load(std::memory_order_relaxed);
        if (again == tail) return {Attempt::Result::blocked};
        tail = again;
      } else {
        tail = tail_.load(std::memory_order_relaxed);
      }
    }
  }

  Attempt try_pop(std::optional<T>& out) noexcept {
    auto head = head_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = at(head);
      const auto word = cell.word.load(std::memory_order_acquire);
      if (word == full(head)) {
        if (head_.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
          A::reads(cell.bytes);
          T& item = *std::launder(reinterpret_cast<T*>(cell.bytes));
          out.emplace(std::move(item));
          item.~T();
          A::writes(cell.bytes);
          // The item is out; pairs with the acquire in try_push.
          return {Attempt::Result::done, senders_.change(cell.word, empty(head + capacity_))};
        }
      } else if (word < full(head)) {  // not filled yet
        const auto again = head_.load(std::memory_order_relaxed);
        if (again == head) return {Attempt::Result::blocked};
        head = again;
      } else {
        head = head_.load(std::memory_order_relaxed);
      }
    }
  }

  /// Whether there is something soon, or room.
  bool item_soon() noexcept {
    return receivers_.soon([this] { return !empty(); });
  }
  bool room_soon() noexcept {
    return senders_.soon([this] { return !full(); });
  }

  /// A receiver is about to sleep. False if there is something by now, or the end.
  bool mark_empty() noexcept {
    receivers_.announce();
    // Ended: the last item was pushed after the close, and popped by another meanwhile.
    return empty() && !ended();
  }
  /// A sender is about to sleep. False if there is room by now, or the ring is closed.
  bool mark_full() noexcept {
    senders_.announce();
    return full();
  }

  /// No push succeeds from now on.
  void close() noexcept { tail_.fetch_or(closed_bit, std::memory_order_acq_rel); }
  bool closed() const noexcept { return tail_.load(std::memory_order_acquire) & closed_bit; }
  /// Closed, and every item pushed before has been popped.
  bool ended() const noexcept {
    const auto tail = tail_.load(std::memory_order_acquire);
    return tail & closed_bit && head_.load(std::memory_order_acquire) >= tail >> 1;
  }

  std::size_t size() const noexcept {
    const auto head = head_.load(std::memory_order_acquire);
    const auto tail = tail_.load(std::memory_order_acquire) >> 1;
    return tail > head ? static_cast<std::size_t>(tail - head) : 0;
  }
  /// How many items were pushed so far; one that is being pushed counts.
  std::uint64_t pushed() const noexcept { return tail_.load(std::memory_order_acquire) >> 1; }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  template <class U>
  using Atomic = typename A::template atomic<U>;
  struct Cell {
    Atomic<std::uint64_t> word;
    alignas(T) unsigned char bytes[sizeof(T)];
  };

  static constexpr std::uint64_t closed_bit = 1;
  static constexpr std::uint64_t empty(std::uint64_t position) noexcept { return position * 2; }
  static constexpr std::uint64_t full(std::uint64_t position) noexcept { return position * 2 + 1; }

  bool empty() noexcept {
    const auto head = head_.load(std::memory_order_acquire);
    return at(head).word.load(std::memory_order_seq_cst) < full(head);
  }
  // Full, and open.
  bool full() noexcept {
    const auto tail = tail_.load(std::memory_order_acquire);
    if (tail & closed_bit) return false;
    return at(tail >> 1).word.load(std::memory_order_seq_cst) < empty(tail >> 1);
  }

  Cell& at(std::uint64_t position) noexcept {
    return cells_[mask_ ? position & mask_ : position % capacity_];
  }

  const std::unique_ptr<Cell[]> cells_;
  const std::size_t capacity_;
  const std::uint64_t mask_;
  alignas(64) Atomic<std::uint64_t> tail_{0};  // 2 × the next position to fill + closed
  alignas(64) Atomic<std::uint64_t> head_{0};  // the next position to empty
  BasicSleepers<A> receivers_{false};
  BasicSleepers<A> senders_{false};
};

}  // namespace cohort::inline v0::detail
