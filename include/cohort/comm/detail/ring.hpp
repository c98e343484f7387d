// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A bounded ring for many producers and consumers: Vyukov's (1024cores.net, 2010), with a mark in
/// each cell that says that somebody sleeps until the cell changes. Publishing an item and asking
/// whether to wake somebody are one exchange.
///
/// A cell's word is 4 × position + state, where the position is the ticket the cell is for:
///
///     empty(p) ──push──▶ full(p) ──pop──▶ empty(p + capacity) …
///
/// plus `marked`: on an empty cell a receiver waits for it to be filled, on a full one a sender
/// waits for it to be emptied.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "cohort/core/detail/atomics.hpp"  // the policy

namespace cohort::inline v0::detail {

/// What an attempt on a buffer came to.
struct Attempt {
  enum class Result : unsigned char { done, blocked, closed };
  Result result;
  bool wake = false;  // done, and somebody on the other side waits
  bool done() const noexcept { return result == Result::done; }
};

template <class A, class T>
class BasicRing {
  static_assert(std::is_nothrow_move_constructible_v<T>);

 public:
  /// `single`: one producer and one consumer at a time, so the consumer's ticket needs no exchange.
  BasicRing(std::size_t capacity, bool single)
      : cells_(std::make_unique<Cell[]>(capacity)),
        capacity_(capacity),
        mask_((capacity & (capacity - 1)) == 0 ? capacity - 1 : 0),
        single_(single) {
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
      const auto word = cell.word.load(std::memory_order_acquire) & ~marked;
      if (word == empty(position)) {
        // A single producer, too: anybody may close, and what was accepted before is received.
        if (tail_.compare_exchange_weak(tail, tail + 2, std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
          A::writes(cell.bytes);
          ::new (static_cast<void*>(cell.bytes)) T(std::move(value));
          // Release: the item; pairs with the acquire in try_pop.
          const auto before = cell.word.exchange(full(position), std::memory_order_acq_rel);
          return {Attempt::Result::done, (before & marked) != 0};
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
      const auto word = cell.word.load(std::memory_order_acquire) & ~marked;
      if (word == full(head)) {
        if (take_ticket(head)) {
          A::reads(cell.bytes);
          T& item = *std::launder(reinterpret_cast<T*>(cell.bytes));
          out.emplace(std::move(item));
          item.~T();
          A::writes(cell.bytes);
          // Release: the item is out; pairs with the acquire in try_push.
          const auto before =
              cell.word.exchange(empty(head + capacity_), std::memory_order_acq_rel);
          return {Attempt::Result::done, (before & marked) != 0};
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

  /// A receiver is about to sleep: marks the cell it waits for. False if that is filled by now.
  bool mark_empty() noexcept {
    const auto head = head_.load(std::memory_order_acquire);
    // Ended: the last item was pushed after the close, and popped by another before the mark.
    return mark(at(head), empty(head)) && !ended();
  }
  /// A sender is about to sleep: marks the cell it waits for. False if that is free by now, or the
  /// ring is closed.
  bool mark_full() noexcept {
    const auto tail = tail_.load(std::memory_order_acquire);
    if (tail & closed_bit || tail >> 1 < capacity_) return false;
    const auto position = tail >> 1;
    return mark(at(position), full(position - capacity_));
  }

  /// No push succeeds from now on.
  void close() noexcept { tail_.fetch_or(closed_bit, std::memory_order_acq_rel); }
  bool closed() const noexcept { return tail_.load(std::memory_order_acquire) & closed_bit; }
  bool single() const noexcept { return single_; }
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
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  template <class U>
  using Atomic = typename A::template atomic<U>;
  struct Cell {
    Atomic<std::uint64_t> word;
    alignas(T) unsigned char bytes[sizeof(T)];
  };

  static constexpr std::uint64_t marked = 1;
  static constexpr std::uint64_t closed_bit = 1;
  static constexpr std::uint64_t empty(std::uint64_t position) noexcept { return position * 4; }
  static constexpr std::uint64_t full(std::uint64_t position) noexcept { return position * 4 + 2; }

  Cell& at(std::uint64_t position) noexcept {
    return cells_[mask_ ? position & mask_ : position % capacity_];
  }

  bool take_ticket(std::uint64_t& head) noexcept {
    if (single_) {
      head_.store(head + 1, std::memory_order_release);
      return true;
    }
    return head_.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel,
                                       std::memory_order_relaxed);
  }

  bool mark(Cell& cell, std::uint64_t expected) noexcept {
    auto word = expected;
    // Release and acquire: the sleeper stands in line before whoever sees the mark comes to look.
    return cell.word.compare_exchange_strong(word, expected | marked, std::memory_order_acq_rel,
                                             std::memory_order_acquire) ||
           word == (expected | marked);
  }

  const std::unique_ptr<Cell[]> cells_;
  const std::size_t capacity_;
  const std::uint64_t mask_;
  const bool single_;
  alignas(64) Atomic<std::uint64_t> tail_{0};  // 2 × the next position to fill + closed
  alignas(64) Atomic<std::uint64_t> head_{0};  // the next position to empty
};

}  // namespace cohort::inline v0::detail
