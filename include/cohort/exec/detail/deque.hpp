// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A worker's deque: the owner pushes and pops at the bottom, thieves take from the top.
/// Chase and Lev, "Dynamic circular work-stealing deque" (SPAA 2005), with the memory orders of
/// Lê, Pop, Cohen and Zappa Nardelli (PPoPP 2013), and with the fence of every pop moved to the
/// thief: a steal calls `heavy_barrier`, so the owner's pop is two plain moves (asymmetric Dekker).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cohort/config.hpp"               // COHORT_NOINLINE
#include "cohort/core/detail/atomics.hpp"  // the policy

namespace cohort::inline v0::detail {

template <class A, class T>
class BasicDeque {
 public:
  explicit BasicDeque(std::size_t capacity = 256)
      : ring_(add_ring(capacity)), shared_ring_(ring_) {}
  BasicDeque(const BasicDeque&) = delete;
  BasicDeque& operator=(const BasicDeque&) = delete;

  /// Owner only. Grows as needed.
  void push(T& item) {
    while (!try_push(item)) make_room();
  }
  /// Owner only: false if it would have to grow. Calls nothing, so that who pushes often need not
  /// save its registers.
  bool try_push(T& item) noexcept {
    const auto bottom = bottom_.load(std::memory_order_relaxed);
    if (bottom - top_seen_ > static_cast<std::int64_t>(ring_->mask)) [[unlikely]]
      return false;
    ring_->at(bottom).store(&item, std::memory_order_relaxed);
    // Publishes the item; pairs with the acquire in steal. The owner looks for sleepers next.
    A::store_before_loads(bottom_, bottom + 1);
    return true;
  }

  /// Owner only: the newest, or null.
  T* pop() noexcept {
    const auto bottom = bottom_.load(std::memory_order_relaxed) - 1;
    if (bottom < top_.load(std::memory_order_relaxed) || !claim(bottom)) return nullptr;
    return ring_->at(bottom).load(std::memory_order_relaxed);
  }

  /// Owner only: takes `item` back if it is the newest and still there.
  bool take_back(T& item) noexcept {
    const auto bottom = bottom_.load(std::memory_order_relaxed) - 1;
    return ring_->at(bottom).load(std::memory_order_relaxed) == &item && claim(bottom);
  }

  /// Any thread: the oldest, or null if there is none or another thief was faster.
  T* steal() noexcept {
    auto top = top_.load(std::memory_order_seq_cst);
    if (top >= bottom_.load(std::memory_order_acquire)) return nullptr;
    // From here on either the owner's pop has seen this top, or this thief sees its bottom.
    A::heavy_barrier();
    if (top >= bottom_.load(std::memory_order_seq_cst)) return nullptr;
    T* const item =
        shared_ring_.load(std::memory_order_acquire)->at(top).load(std::memory_order_relaxed);
    if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                      std::memory_order_relaxed)) {
      return nullptr;
    }
    return item;
  }

  /// Any thread; exact only for a moment.
  bool empty() const noexcept {
    return top_.load(std::memory_order_seq_cst) >= bottom_.load(std::memory_order_seq_cst);
  }

 private:
  struct Ring {
    explicit Ring(std::size_t capacity)
        : mask(capacity - 1), slots(std::make_unique<typename A::template atomic<T*>[]>(capacity)) {
      A::writes(&mask);
    }
    auto& at(std::int64_t i) noexcept {
      A::reads(&mask);
      return slots[static_cast<std::size_t>(i) & mask];
    }
    std::size_t mask;
    std::unique_ptr<typename A::template atomic<T*>[]> slots;
  };

  // The owner takes the newest, at `bottom`; false if a thief has it.
  bool claim(std::int64_t bottom) noexcept {
    A::store_before_loads(bottom_, bottom);
    const auto top = top_.load(std::memory_order_seq_cst);
    return top < bottom || claim_last(top, bottom);
  }
  COHORT_NOINLINE bool claim_last(std::int64_t top, std::int64_t bottom) noexcept {
    const bool mine =
        top == bottom && top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                                      std::memory_order_relaxed);
    bottom_.store(bottom + 1, std::memory_order_relaxed);
    return mine;
  }

  Ring* add_ring(std::size_t capacity) {
    rings_.push_back(std::make_unique<Ring>(capacity));
    return rings_.back().get();
  }

  // Thieves may still read an old ring, so it is kept; all of them together are as large as the
  // newest.
  void make_room() {
    const auto bottom = bottom_.load(std::memory_order_relaxed);
    top_seen_ = top_.load(std::memory_order_acquire);
    if (bottom - top_seen_ <= static_cast<std::int64_t>(ring_->mask)) return;
    Ring& old = *ring_;
    ring_ = add_ring(2 * (old.mask + 1));
    for (auto i = top_seen_; i < bottom; ++i) {
      ring_->at(i).store(old.at(i).load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    shared_ring_.store(ring_, std::memory_order_release);
  }

  template <class T2>
  using Atomic = typename A::template atomic<T2>;

  alignas(64) Atomic<std::int64_t> bottom_{0};
  std::int64_t top_seen_ = 0;  // the owner's copy, at most the real one
  std::vector<std::unique_ptr<Ring>> rings_;
  Ring* ring_;  // the owner's copy
  alignas(64) Atomic<std::int64_t> top_{0};
  Atomic<Ring*> shared_ring_;
};

}  // namespace cohort::inline v0::detail
