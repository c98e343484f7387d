// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A buffer behind a short lock, with the ring's verbs: for queues without a bound, or with a very
/// large one, and for all that are not plain: what is particular about one, its Order says. An Order
/// is a class like Fifo.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "cohort/comm/detail/attempt.hpp"  // Attempt
#include "cohort/core/detail/atomics.hpp"  // relax

namespace cohort::inline v0::detail {

/// First in, first out: the Order of all that says nothing else.
struct Fifo {
  /// The items may as well be in a ring or a lane.
  static constexpr bool plain = true;
  /// What a place in line has besides. `caught`: of another, on behalf of the one who waits there,
  /// who throws it when he wakes. For an Order whose `push` and `pop` throw, a Failure.
  struct Sender {
    void caught() noexcept { no_memory = true; }
    void rethrow() const {
      if (no_memory) throw std::bad_alloc();
    }
    bool no_memory = false;
  };
  struct Receiver {
    static void caught() noexcept {}
    static void rethrow() noexcept {}
    /// It waits for an item, but does not take it.
    static constexpr bool looks = false;
  };
  /// The items, under the buffer's lock. If `push` or `pop` throws, nothing has changed; here, only
  /// a push for which there is no memory.
  template <class T>
  class Items {
   public:
    void push(T& item) {
      if (in_.size() == in_.capacity()) in_.reserve(in_.empty() ? 16 : 2 * in_.size());
      in_.push_back(Slot{std::move(item)});
    }
    void pop(std::optional<T>& out) {
      if (next_ == out_.size()) {
        out_.clear();
        out_.swap(in_);
        next_ = 0;
      }
      out.emplace(std::move(out_[next_].item));
      ++next_;
    }
    std::size_t size() const noexcept { return in_.size() + out_.size() - next_; }

   private:
    struct Slot {
      T item;
    };
    // The two change places when the second is used up. (<deque> is dear to include.)
    std::vector<Slot> in_;
    std::vector<Slot> out_;
    std::size_t next_ = 0;  // the first of out_ that is still there
  };
};

/// Any exception.
struct Failure {
  static constexpr bool looks = false;
  std::exception_ptr error;
  void caught() noexcept { error = std::current_exception(); }
  void rethrow() const {
    if (error) std::rethrow_exception(error);
  }
};

template <class T, class Order>
class LockedBuffer {
 public:
  explicit LockedBuffer(std::size_t capacity) : capacity_(capacity) {}

  Attempt try_push(T& value) {
    const Lock lock(*this);
    if (closed_) return {Attempt::Result::closed};
    if (full()) return {Attempt::Result::blocked};
    items_.push(value);
    pushed_.store(pushed_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    return {Attempt::Result::done, std::exchange(receiver_waits_, false)};
  }

  Attempt try_pop(std::optional<T>& out) {
    const Lock lock(*this);
    if (empty()) return {Attempt::Result::blocked};
    items_.pop(out);
    return {Attempt::Result::done, std::exchange(sender_waits_, false)};
  }

  static bool item_soon() noexcept { return false; }
  static bool room_soon() noexcept { return false; }
  bool mark_empty() noexcept {
    const Lock lock(*this);
    return empty() && (receiver_waits_ = true);
  }
  bool mark_full() noexcept {
    const Lock lock(*this);
    return full() && !closed_ && (sender_waits_ = true);
  }

  void close() noexcept {
    const Lock lock(*this);
    closed_ = true;
  }
  bool closed() const noexcept {
    const Lock lock(*this);
    return closed_;
  }
  bool ended() const noexcept {
    const Lock lock(*this);
    return closed_ && empty();
  }
  std::size_t size() const noexcept {
    const Lock lock(*this);
    return items_.size();
  }
  /// How many items were pushed so far.
  std::uint64_t pushed() const noexcept { return pushed_.load(std::memory_order_acquire); }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  struct Lock {
    explicit Lock(const LockedBuffer& b) noexcept : buffer(b) {
      for (unsigned round = 0; buffer.locked_.exchange(true, std::memory_order_acquire); ++round) {
        RealAtomics::relax(round);
      }
    }
    ~Lock() { buffer.locked_.store(false, std::memory_order_release); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    const LockedBuffer& buffer;
  };
  bool empty() const noexcept { return items_.size() == 0; }
  bool full() const noexcept { return items_.size() >= capacity_; }

  const std::size_t capacity_;
  mutable std::atomic<bool> locked_{false};
  typename Order::template Items<T> items_;
  std::atomic<std::uint64_t> pushed_{0};  // changed under the lock
  bool closed_ = false;
  bool receiver_waits_ = false;
  bool sender_waits_ = false;
};

}  // namespace cohort::inline v0::detail
