// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A buffer behind a short lock, with the ring's verbs: for queues without a bound, or with a very
/// large one.

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "cohort/comm/detail/attempt.hpp"  // Attempt
#include "cohort/core/detail/atomics.hpp"  // relax

namespace cohort::inline v0::detail {

template <class T>
class LockedBuffer {
 public:
  explicit LockedBuffer(std::size_t capacity) : capacity_(capacity) {}

  Attempt try_push(T& value) {
    const Lock lock(*this);
    if (closed_) return {Attempt::Result::closed};
    if (full()) return {Attempt::Result::blocked};
    items_.push_back(std::move(value));  // if this throws, nothing has changed
    return {Attempt::Result::done, std::exchange(receiver_waits_, false)};
  }

  Attempt try_pop(std::optional<T>& out) {
    const Lock lock(*this);
    if (items_.empty()) return {Attempt::Result::blocked};
    out.emplace(std::move(items_.front()));
    items_.pop_front();
    return {Attempt::Result::done, std::exchange(sender_waits_, false)};
  }

  static bool item_soon() noexcept { return false; }
  static bool room_soon() noexcept { return false; }
  bool mark_empty() noexcept {
    const Lock lock(*this);
    return items_.empty() && (receiver_waits_ = true);
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
    return closed_ && items_.empty();
  }
  std::size_t size() const noexcept {
    const Lock lock(*this);
    return items_.size();
  }
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
  bool full() const noexcept { return items_.size() >= capacity_; }

  const std::size_t capacity_;
  mutable std::atomic<bool> locked_{false};
  std::deque<T> items_;
  bool closed_ = false;
  bool receiver_waits_ = false;
  bool sender_waits_ = false;
};

}  // namespace cohort::inline v0::detail
