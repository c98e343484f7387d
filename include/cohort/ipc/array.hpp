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

namespace cohort::inline v0::ipc {

/// A handle: copies are the same elements. They are plain memory: who reads and writes the same one
/// at the same time must hold `get_lock()`, or agree otherwise. A process that dies while it writes
/// leaves what it has written.
template <class T>
class Array : public detail::LockedValue<> {
  static_assert(std::is_trivially_copyable_v<T>,
                "an ipc::Array lies in shared memory: T must be trivially copyable");

 public:
  using value_type = T;

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
    write(0, list.size(), list);
  }
  /// For the library.
  explicit Array(ByName by_name) noexcept : LockedValue(by_name) {}

  std::size_t size() const { return static_cast<std::size_t>(object().count); }
  std::span<T> span() const { return {object().template elements<T>(), size()}; }
  T* begin() const { return span().data(); }
  T* end() const { return begin() + size(); }

  T& operator[](std::size_t i) const { return begin()[i]; }
  /// Throws std::out_of_range. A negative index is one.
  template <std::integral Int>
  T& at(Int i) const {
    if (std::cmp_less(i, 0) || std::cmp_greater_equal(i, size())) {
      throw std::out_of_range("ipc::Array::at(" + std::to_string(i) + "): there are " +
                              std::to_string(size()) + " elements");
    }
    return begin()[static_cast<std::size_t>(i)];
  }

  /// A copy of the elements from `first` to before `last`. Throws std::out_of_range.
  std::vector<T> read(std::size_t first, std::size_t last) const {
    const auto part = slice(first, last);
    return {part.begin(), part.end()};
  }
  /// Replaces them. Throws std::invalid_argument unless `list` has as many.
  void write(std::size_t first, std::size_t last, std::span<const T> list) const {
    const auto part = slice(first, last);
    if (list.size() != part.size()) {
      throw std::invalid_argument("ipc::Array::write(): " + std::to_string(list.size()) +
                                  " values for " + std::to_string(part.size()) + " elements");
    }
    for (std::size_t i = 0; i < list.size(); ++i) part[i] = list[i];
  }

 private:
  std::span<T> slice(std::size_t first, std::size_t last) const {
    if (first > last || last > size()) {
      throw std::out_of_range("ipc::Array: from " + std::to_string(first) + " to " +
                              std::to_string(last) + ", but there are " + std::to_string(size()) +
                              " elements");
    }
    return span().subspan(first, last - first);
  }
};

}  // namespace cohort::inline v0::ipc
