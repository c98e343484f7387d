// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::Value<T>: one value that processes share.
///
///     ipc::Value<int> count{0};                     // pass it to a Process
///     count.fetch_add(1);                           // any of them
///     { auto held = co_await count.get_lock().hold(); count = count * 2; }

#include <atomic>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "cohort/ipc/detail/robust_lock.hpp"   // RobustLock
#include "cohort/ipc/detail/value_object.hpp"  // LockedValue
#include "cohort/sync/detail/value_face.hpp"   // its operators

namespace cohort::inline v0::ipc {

namespace detail {

template <template <class> class X, class T>
struct Named {
  using type = X<T>;
};

/// One that no instruction can change at once: two copies, and which of them counts, so that whoever
/// dies in `store` has stored it or has not.
template <class T>
class CopiedValue {
 public:
  T load() noexcept {
    lock_.lock();
    const T value = copies_[current_.load(std::memory_order_relaxed)];
    lock_.unlock();
    return value;
  }
  void store(const T& value) noexcept {
    lock_.lock();
    const auto other = 1 - current_.load(std::memory_order_relaxed);
    copies_[other] = value;
    current_.store(other, std::memory_order_release);
    lock_.unlock();
  }

 private:
  RobustLock lock_;
  std::atomic<std::uint32_t> current_{0};
  T copies_[2];
};

}  // namespace detail

/// A handle: copies are the same value. `load`, `store`, `fetch_add` and what is made of them are
/// atomic, each for itself, for any trivially copyable T; for more than one of them there is
/// `get_lock()`. Any task, thread or process may call anything at any time; one that dies in a
/// `store` has stored it or has not.
template <class T>
class Value : public detail::LockedValue<>, public cohort::detail::ValueFace<Value<T>, T> {
  static_assert(std::is_trivially_copyable_v<T>,
                "an ipc::Value lies in shared memory: T must be trivially copyable; put others "
                "through an ipc::Queue");
  using Face = cohort::detail::ValueFace<Value, T>;
  static constexpr bool is_word = [] {
    if constexpr (sizeof(T) <= 8 && std::has_unique_object_representations_v<T>) {
      return std::atomic<T>::is_always_lock_free;
    } else {
      return std::is_floating_point_v<T> && sizeof(T) <= 8;
    }
  }();
  // Not named unless it is one: std::atomic of another T may not exist.
  using Storage = typename std::conditional_t<is_word, detail::Named<std::atomic, T>,
                                              detail::Named<detail::CopiedValue, T>>::type;

 public:
  using Face::operator=;

  /// Throws std::system_error if the shared memory is full.
  explicit Value(T initial = T{}) : Value(initial, RLock()) {}
  /// With a lock that is shared with others.
  Value(T initial, RLock lock) : LockedValue(1, sizeof(Storage), std::move(lock)) {
    store(initial);
  }
  /// For the library.
  explicit Value(ByName by_name) noexcept : LockedValue(by_name) {}

  T load() const { return storage().load(); }
  void store(T value) const { storage().store(value); }

  /// Adds and yields what was there before.
  T fetch_add(T n) const requires cohort::detail::Addable<T> {
    T value = load();
    while (!storage().compare_exchange_weak(value, static_cast<T>(value + n))) {}
    return value;
  }

 private:
  Storage& storage() const { return *reinterpret_cast<Storage*>(&object() + 1); }
};

}  // namespace cohort::inline v0::ipc
