// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What handles to a value or an array have beyond what they refer to, in one process and between
/// processes: operators made of `load`, `store` and `fetch_add`, and access to the elements of a
/// `span`.

#include <concepts>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace cohort::inline v0::detail {

template <class T>
concept Addable = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

/// For `Self` with const `load()`, `store(value)` and, for numbers, `fetch_add(n)`. Each operator is
/// one of these: atomic for itself.
template <class Self, class T>
class ValueFace {
 public:
  using value_type = T;
  operator T() const { return self().load(); }
  T operator=(T value) const {
    self().store(value);
    return value;
  }
  T operator+=(T n) const requires Addable<T> { return static_cast<T>(self().fetch_add(n) + n); }
  T operator-=(T n) const requires Addable<T> { return *this += static_cast<T>(-n); }
  T operator++() const requires Addable<T> { return *this += T{1}; }
  T operator--() const requires Addable<T> { return *this -= T{1}; }

 protected:
  ValueFace() = default;
  ValueFace(const ValueFace&) = default;
  ValueFace& operator=(const ValueFace&) = default;
  ~ValueFace() = default;

 private:
  const Self& self() const noexcept { return static_cast<const Self&>(*this); }
};

/// For `Self` with const `span()`.
template <class Self, class T>
class ArrayFace {
 public:
  using value_type = T;
  std::size_t size() const { return elements().size(); }
  T* begin() const { return elements().data(); }
  T* end() const { return begin() + size(); }

  T& operator[](std::size_t i) const { return begin()[i]; }
  /// Throws std::out_of_range. A negative index is one.
  template <std::integral Int>
  T& at(Int i) const {
    if (std::cmp_less(i, 0) || std::cmp_greater_equal(i, size())) {
      throw std::out_of_range("Array::at(" + std::to_string(i) + "): there are " +
                              std::to_string(size()) + " elements");
    }
    return begin()[static_cast<std::size_t>(i)];
  }

  /// A copy of the elements from `first` to before `last`. Throws std::out_of_range.
  std::vector<T> read(std::size_t first, std::size_t last) const {
    const auto part = slice(first, last);
    return {part.begin(), part.end()};
  }
  /// Replaces them. Throws std::out_of_range, and std::invalid_argument unless `list` has as many.
  void write(std::size_t first, std::size_t last, std::span<const T> list) const {
    const auto part = slice(first, last);
    if (list.size() != part.size()) {
      throw std::invalid_argument("Array::write(): " + std::to_string(list.size()) +
                                  " values for " + std::to_string(part.size()) + " elements");
    }
    for (std::size_t i = 0; i < list.size(); ++i) part[i] = list[i];
  }

 protected:
  ArrayFace() = default;
  ArrayFace(const ArrayFace&) = default;
  ArrayFace& operator=(const ArrayFace&) = default;
  ~ArrayFace() = default;

 private:
  std::span<T> elements() const { return static_cast<const Self&>(*this).span(); }
  std::span<T> slice(std::size_t first, std::size_t last) const {
    if (first > last || last > size()) {
      throw std::out_of_range("Array: from " + std::to_string(first) + " to " +
                              std::to_string(last) + ", but there are " + std::to_string(size()) +
                              " elements");
    }
    return elements().subspan(first, last - first);
  }
};

}  // namespace cohort::inline v0::detail
