// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Array<T>: a fixed number of elements that several threads share, and a lock for them.
///
///     Array<int> board(64);
///     auto held = board.get_lock().hold().block();
///     board.at(3) = 1;

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "cohort/core/task.hpp"   // Range
#include "cohort/sync/rlock.hpp"  // RLock

namespace cohort::inline v0 {

/// Neither copies nor moves; its size never changes. Who writes an element that others use at the
/// same time holds the lock.
template <class T>
class Array {
  static_assert(std::is_trivially_copyable_v<T>, "Array<T>: T must be trivially copyable");

 public:
  /// So many elements, each T(). Throws std::invalid_argument for a size below 0.
  template <std::integral Int>
  explicit Array(Int size) : size_(checked(size)), elements_(std::make_unique<T[]>(size_)) {}
  /// A copy of each element of the range.
  template <detail::Range Range>
  explicit Array(const Range& range) : Array(std::distance(std::begin(range), std::end(range))) {
    T* to = elements_.get();
    for (const auto& element : range) *to++ = static_cast<T>(element);
  }
  explicit Array(std::initializer_list<T> list) : Array(std::span<const T>(list)) {}
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  T& operator[](std::size_t index) noexcept { return elements_[index]; }
  const T& operator[](std::size_t index) const noexcept { return elements_[index]; }
  /// Throws std::out_of_range.
  template <std::integral Int>
  T& at(Int index) {
    return elements_[in_range(index)];
  }
  template <std::integral Int>
  const T& at(Int index) const {
    return elements_[in_range(index)];
  }
  std::size_t size() const noexcept { return size_; }
  T* begin() noexcept { return elements_.get(); }
  T* end() noexcept { return elements_.get() + size_; }
  const T* begin() const noexcept { return elements_.get(); }
  const T* end() const noexcept { return elements_.get() + size_; }
  std::span<T> span() noexcept { return {elements_.get(), size_}; }
  std::span<const T> span() const noexcept { return {elements_.get(), size_}; }
  RLock& get_lock() noexcept { return lock_; }

 private:
  template <std::integral Int>
  static std::size_t checked(Int size) {
    if (std::cmp_less(size, 0) ||
        std::cmp_greater(size, std::numeric_limits<std::ptrdiff_t>::max() / sizeof(T))) {
      throw std::invalid_argument("Array: the size is " + std::to_string(size) +
                                  ", must be at least 0");
    }
    return static_cast<std::size_t>(size);
  }
  template <std::integral Int>
  std::size_t in_range(Int index) const {
    if (std::cmp_less(index, 0) || std::cmp_greater_equal(index, size_)) {
      throw std::out_of_range("Array::at(" + std::to_string(index) + "): the size is " +
                              std::to_string(size_));
    }
    return static_cast<std::size_t>(index);
  }

  const std::size_t size_;
  const std::unique_ptr<T[]> elements_;
  RLock lock_;
};

}  // namespace cohort::inline v0
