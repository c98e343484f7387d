// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The shapes of single values: numbers, enumerations, durations, points in time, and of what has
/// no state at all.

#include <bit>
#include <cstddef>
#include <cstring>
#include <limits>
#include <type_traits>

#include "cohort/wire/detail/shape.hpp"  // Shape

namespace cohort::inline v0::detail {

inline constexpr bool little_endian = std::endian::native == std::endian::little;

/// Copies n bytes of a number to or from the wire.
template <std::size_t n>
void copy_number(std::byte* to, const std::byte* from) noexcept {
  if constexpr (little_endian) {
    std::memcpy(to, from, n);
  } else {
    for (std::size_t i = 0; i < n; ++i) to[i] = from[n - 1 - i];
  }
}

/// How many of the object's bytes have a meaning: an 80-bit long double has ten.
template <class T>
inline constexpr std::size_t number_width = sizeof(T);
template <>
inline constexpr std::size_t number_width<long double> = std::numeric_limits<long double>::digits ==
                                                                 64
                                                             ? 10
                                                             : sizeof(long double);

template <class T>
inline constexpr bool is_truth = std::is_same_v<T, bool>;
template <class T>
requires std::is_enum_v<T>
inline constexpr bool is_truth<T> = std::is_same_v<std::underlying_type_t<T>, bool>;

/// Numbers and enumerations. An enumeration may come back with any value of its underlying type,
/// since nobody can know its enumerators. One whose underlying type is not fixed has a narrower
/// range: give it a Codec that checks if its bytes come from strangers.
template <class T>
requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) struct Shape<T> {
  using Parts = Types<>;
  static constexpr std::size_t least = number_width<T>;
  static constexpr bool fixed = true;
  static constexpr bool raw =
      !is_truth<T> && number_width<T> == sizeof(T) && (little_endian || sizeof(T) == 1);

  static void encode(OutArchive& out, const T& value) {
    if constexpr (is_truth<T>) {
      put_case(out, static_cast<bool>(value) ? 1 : 0);
    } else if constexpr (little_endian) {
      out.write(&value, least);
    } else {
      std::byte bytes[least];
      copy_number<least>(bytes, reinterpret_cast<const std::byte*>(&value));
      out.write(bytes, least);
    }
  }
  static T decode(InArchive& in) {
    if constexpr (is_truth<T>) {
      return static_cast<T>(get_case(in, 2, "a bool") == 1);
    } else {
      T value{};
      copy_number<least>(reinterpret_cast<std::byte*>(&value), in.take(least));
      return value;
    }
  }
};

template <Stateless T>
struct Shape<T> : EmptyShape<T> {
  static void encode(OutArchive& out, const T&) { put_case(out, 0); }
  static T decode(InArchive& in) {
    get_case(in, 1, "an object without state");
    if constexpr (std::is_default_constructible_v<T>) {
      return T{};
    } else {
      struct Empty {};
      return std::bit_cast<T>(Empty{});
    }
  }
};

// Known by what they offer, because <chrono> is dear to include.
template <class T, class Rep, class Period>
concept DurationOf = std::is_same_v<typename T::rep, Rep> &&
    std::is_same_v<typename T::period, Period> && requires(const T& value) {
  { value.count() } -> std::same_as<Rep>;
};
template <template <class, class> class Duration, class Rep, class Period>
requires DurationOf<Duration<Rep, Period>, Rep, Period>
struct Shape<Duration<Rep, Period>> : PackedShape<Rep> {
  using T = Duration<Rep, Period>;
  static void encode(OutArchive& out, const T& value) { put(out, value.count()); }
  static T decode(InArchive& in) { return T(get<Rep>(in)); }
};

template <class T, class Clock, class Duration>
concept TimePointOf = std::is_same_v<typename T::clock, Clock> &&
    std::is_same_v<typename T::duration, Duration> && requires(const T& value) {
  { value.time_since_epoch() } -> std::same_as<Duration>;
};
template <template <class, class> class TimePoint, class Clock, class Duration>
requires TimePointOf<TimePoint<Clock, Duration>, Clock, Duration>
struct Shape<TimePoint<Clock, Duration>> : PackedShape<Duration> {
  using T = TimePoint<Clock, Duration>;
  static void encode(OutArchive& out, const T& value) { put(out, value.time_since_epoch()); }
  static T decode(InArchive& in) { return T(get<Duration>(in)); }
};

}  // namespace cohort::inline v0::detail
