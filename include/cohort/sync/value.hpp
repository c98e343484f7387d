// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Value<T>: a value that several threads share, each access as a whole.
///
///     Value<int> count{0};
///     count.fetch_add(1);
///     auto held = co_await count.get_lock().hold();     // for more than one access
///     count.store(count.load() * 2);

#include <atomic>
#include <type_traits>

#include "cohort/core/detail/atomics.hpp"     // relax
#include "cohort/sync/detail/value_face.hpp"  // Addable
#include "cohort/sync/rlock.hpp"              // RLock

namespace cohort::inline v0 {

namespace detail {

/// As std::atomic, for what that needs a library for: under a lock of a few instructions.
template <class T>
class SpunValue {
 public:
  explicit SpunValue(const T& initial) noexcept : value_(initial) {}
  T load() const noexcept {
    lock();
    const T value = value_;
    unlock();
    return value;
  }
  void store(const T& value) noexcept {
    lock();
    value_ = value;
    unlock();
  }

 private:
  void lock() const noexcept {
    for (unsigned round = 0; locked_.exchange(true, std::memory_order_acquire); ++round) {
      RealAtomics::relax(round);
    }
  }
  void unlock() const noexcept { locked_.store(false, std::memory_order_release); }

  mutable std::atomic<bool> locked_{false};
  T value_;
};

}  // namespace detail

/// Neither copies nor moves. `load`, `store` and `fetch_add` never wait: they do not look at
/// `get_lock()`, which is for those who agree to use it. Any thread at any time.
template <class T>
class Value {
  static_assert(std::is_trivially_copyable_v<T>, "Value<T>: T must be trivially copyable");

 public:
  Value() : Value(T{}) {}
  explicit Value(T initial) noexcept : value_(initial) {}
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;

  T load() const noexcept { return value_.load(); }
  void store(T value) noexcept { value_.store(value); }
  /// Adds; yields the value before. Integers wrap around.
  T fetch_add(T n) noexcept requires detail::Addable<T> {
    if constexpr (std::is_integral_v<T>) {
      return value_.fetch_add(n);
    } else {
      T before = value_.load();
      while (!value_.compare_exchange_weak(before, before + n)) {}
      return before;
    }
  }
  /// For several accesses that belong together.
  RLock& get_lock() noexcept { return lock_; }

 private:
  static constexpr bool has_atomic = [] {
    if constexpr (sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8) {
      return std::atomic<T>::is_always_lock_free;
    } else {
      return false;
    }
  }();
  std::conditional_t<has_atomic, std::atomic<T>, detail::SpunValue<T>> value_;
  RLock lock_;
};

}  // namespace cohort::inline v0
