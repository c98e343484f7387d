// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::Array<T>: a fixed number of elements that processes share.
///
///     ipc::Array<double> sums(4);                   // zeroed; pass it to a Process
///     sums[0] += 1;                                 // any of them, one at a time:
///     { auto held = co_await sums.get_lock().hold(); sums.at(1) = sums.at(0); }

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cohort/ipc/detail/value_object.hpp"  // LockedValue
#include "cohort/sync/detail/value_face.hpp"   // its elements

namespace cohort::inline v0::ipc {

/// A handle: copies are the same elements. They are plain memory: who reads and writes the same one
/// at the same time must hold `get_lock()`, or agree otherwise. A process that dies while it writes
/// leaves what it has written.
template <class T>
class Array : public detail::LockedValue<>, public cohort::detail::ArrayFace<Array<T>, T> {
  static_assert(std::is_trivially_copyable_v<T>,
                "an ipc::Array lies in shared memory: T must be trivially copyable");

 public:
  /// `size` elements, all zero: 0 or more, else std::invalid_argument. Throws std::system_error if
  /// the shared memory is full.
  template <std::integral Int>
  explicit Array(Int size) : Array(size, RLock()) {}
  /// With a lock that is shared with others.
  template <std::integral Int>
  Array(Int size, RLock lock)
      : LockedValue(detail::checked_size(size, "ipc::Array"), sizeof(T), std::move(lock)) {}
  /// As many as the list has, with its values.
  Array(std::initializer_list<T> list) : Array(std::span<const T>(list.begin(), list.size())) {}
  explicit Array(const std::vector<T>& list) : Array(std::span<const T>(list)) {}
  explicit Array(std::span<const T> list) : Array(list.size(), RLock()) {
    this->write(0, list.size(), list);
  }
  /// For the library.
  explicit Array(ByName by_name) noexcept : LockedValue(by_name) {}

  std::span<T> span() const {
    return {object().template elements<T>(), static_cast<std::size_t>(object().count)};
  }
};

}  // namespace cohort::inline v0::ipc
