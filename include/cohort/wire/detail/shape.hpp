// SPDX-License-Identifier: BSL-1.0
#pragma once

/// How the types that the library knows are written: a Shape for each kind of them. The headers
/// beside this one specialise it; `examine.hpp` decides which types travel.

#include <cstddef>
#include <type_traits>

#include "cohort/wire/archive.hpp"  // OutArchive, InArchive

namespace cohort::inline v0 {

/// How a type of yours is written, if neither field by field nor by a member `serialize`:
///
///     template <>
///     struct cohort::Codec<Money> {
///       static void encode(OutArchive& out, const Money& m) { out(m.cents()); }
///       static Money decode(InArchive& in) { return Money::of_cents(in.read<long>()); }
///     };
template <class T>
struct Codec {
  using NotSpecialised = void;
};

namespace detail {

template <class... T>
struct Types {};

/// A Shape has
///   Parts          Types<…> of what is inside, all of which must travel
///   least          the fewest bytes that a value takes, at least 1
///   fixed          whether every value takes `least` bytes
///   raw            whether those are the bytes of the object, to be copied as they are
///   encode, decode
template <class T>
struct Shape {};

template <class T>
concept Shaped = requires {
  typename Shape<T>::Parts;
};

/// A type with a Codec or `serialize` of its own.
template <class T>
inline constexpr bool has_codec = !requires {
  typename Codec<T>::NotSpecialised;
};
template <class T>
concept HasMemberSerialize = std::is_class_v<T> &&
    requires(T& value, OutArchive& out, InArchive& in) {
  value.serialize(out);
  value.serialize(in);
};
template <class T>
concept HasFreeSerialize = std::is_class_v<T> &&
    requires(T& value, OutArchive& out, InArchive& in) {
  serialize(out, value);
  serialize(in, value);
};
template <class T>
inline constexpr bool is_custom = has_codec<T> || HasMemberSerialize<T> || HasFreeSerialize<T>;

/// The same for every type that travels. A custom type takes a byte at least: see put().
template <class T>
constexpr std::size_t least_size() {
  if constexpr (is_custom<T>) {
    return 1;
  } else {
    return Shape<T>::least;
  }
}
template <class T>
constexpr bool is_fixed() {
  if constexpr (is_custom<T>) {
    return false;
  } else {
    return Shape<T>::fixed;
  }
}
template <class T>
constexpr bool is_raw() {
  if constexpr (is_custom<T>) {
    return false;
  } else {
    return Shape<T>::raw;
  }
}

/// A Shape of parts that vary in size.
template <class... P>
struct VaryingShape {
  using Parts = Types<P...>;
  static constexpr std::size_t least = 1;
  static constexpr bool fixed = false;
  static constexpr bool raw = false;
};

/// Several parts one after the other.
template <class... P>
struct PackedShape {
  using Parts = Types<P...>;
  static constexpr std::size_t least = (least_size<P>() + ... + 0);
  static constexpr bool fixed = (is_fixed<P>() && ...);
  static constexpr bool raw = false;
};

/// What has no state. A lambda that captures nothing is of this kind.
template <class T>
concept Stateless = std::is_class_v<T> && std::is_empty_v<T> && std::is_trivially_copyable_v<T>;

/// Nothing travels but one byte, so that a count of them can be checked like any other.
template <class T>
struct EmptyShape {
  using Parts = Types<>;
  static constexpr std::size_t least = 1;
  static constexpr bool fixed = true;
  static constexpr bool raw = false;
};

/// A byte that says which of `n` cases follows.
inline void put_case(OutArchive& out, std::size_t which) {
  const auto byte = static_cast<unsigned char>(which);
  out.write(&byte, 1);
}
inline std::size_t get_case(InArchive& in, std::size_t n, const char* of_what) {
  const auto byte = std::to_integer<std::size_t>(*in.take(1));
  if (byte >= n) in.fail(std::string(of_what) + " of " + std::to_string(byte));
  return byte;
}

}  // namespace detail
}  // namespace cohort::inline v0
