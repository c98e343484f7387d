// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Values as bytes, to be read in another process.
///
///     std::vector<std::byte> bytes = encode(order);
///     auto copy = decode<Order>(bytes);
///
/// What travels: numbers, bool, enumerations; std::string; vector, deque, list, array; map, set,
/// their multi and unordered kin; pair, tuple, optional, variant, monostate; chrono's durations and
/// points in time; filesystem::path; what has no state; aggregates of up to 32 fields, field by
/// field, without a macro; exceptions (remote_error.hpp); and every type that says how, by one
/// function for both directions or by a Codec:
///
///     struct Order {
///       template <class Archive>
///       void serialize(Archive& archive) { archive(customer, items); }   // or free, found by ADL
///     };
///
/// `serialize` must leave the object as it is when `Archive::writing`. The type then needs a
/// default constructor. Pointers, references and views are refused by the compiler.

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/wire/archive.hpp"         // OutArchive, InArchive
#include "cohort/wire/detail/examine.hpp"  // travels
#include "cohort/wire/detail/shape.hpp"    // Codec, Shape

namespace cohort::inline v0 {

/// Whether values of the type can be encoded and decoded.
template <class T>
concept Serializable = detail::travels<T>;

namespace detail {

/// Whether all that is inside has a fixed size, so that nothing nests without bound.
template <class T>
constexpr bool holds_fixed_parts() {
  if constexpr (is_custom<T>) {
    return false;
  } else {
    return []<class... P>(Types<P...>) {
      return (is_fixed<std::remove_cv_t<P>>() && ...);
    }(typename Shape<T>::Parts{});
  }
}

template <class T>
void put_custom(OutArchive& out, const T& value) {
  if constexpr (has_codec<T>) {
    Codec<T>::encode(out, value);
  } else if constexpr (HasMemberSerialize<T>) {
    const_cast<T&>(value).serialize(out);
  } else {
    serialize(out, const_cast<T&>(value));
  }
}
template <class T>
T get_custom(InArchive& in) {
  if constexpr (has_codec<T>) {
    return Codec<T>::decode(in);
  } else {
    T value{};
    if constexpr (HasMemberSerialize<T>) {
      value.serialize(in);
    } else {
      serialize(in, value);
    }
    return value;
  }
}

template <class T>
void put(OutArchive& out, const T& value) {
  if constexpr (std::is_array_v<T>) {
    put_elements(out, value, std::extent_v<T>);  // asked for by a `serialize`
  } else if constexpr (!travels<T>) {
    require_travels<T>();
  } else if constexpr (is_custom<T>) {
    const auto level = out.descend();
    const std::size_t before = out.size();
    put_custom(out, value);
    // Nothing takes no bytes, or a count of them could not be checked.
    if (out.size() == before) put_case(out, 0);
  } else if constexpr (holds_fixed_parts<T>()) {
    Shape<T>::encode(out, value);
  } else {
    const auto level = out.descend();
    Shape<T>::encode(out, value);
  }
}

template <class T>
T get(InArchive& in) {
  if constexpr (!travels<T>) {
    require_travels<T>();
  } else if constexpr (is_custom<T>) {
    const auto level = in.descend();
    const std::size_t before = in.position();
    T value = get_custom<T>(in);
    if (in.position() == before) get_case(in, 1, "an object that wrote nothing");
    return value;
  } else if constexpr (holds_fixed_parts<T>()) {
    return Shape<T>::decode(in);
  } else {
    const auto level = in.descend();
    return Shape<T>::decode(in);
  }
}

template <class T>
void fill(InArchive& in, T& value) {
  if constexpr (std::is_array_v<T>) {
    get_elements(in, value, std::extent_v<T>);
  } else {
    value = get<T>(in);
  }
}

}  // namespace detail

/// How many bytes `encode` will write. A constant for types of fixed size.
template <class T>
std::size_t encoded_size(const T& value) {
  if constexpr (!Serializable<T>) {
    detail::require_travels<T>();
    return 0;
  } else if constexpr (detail::is_fixed<T>()) {
    return detail::least_size<T>();
  } else {
    OutArchive counter{OutArchive::Count{}};
    counter(value);
    return counter.size();
  }
}

/// Encodes into `place`, and yields how many bytes that took. Throws CodecError if they do not fit.
template <class T>
std::size_t encode_into(std::span<std::byte> place, const T& value) {
  OutArchive out(place);
  out(value);
  return out.size();
}

/// The value as bytes.
template <class T>
std::vector<std::byte> encode(const T& value) {
  std::vector<std::byte> bytes(encoded_size(value));
  bytes.resize(encode_into(bytes, value));
  return bytes;
}

/// The value that the bytes are, all of them. Throws CodecError, which says what is wrong and
/// where. Damaged or hostile bytes may also come out as another value, never as anything worse.
template <class T>
T decode(std::span<const std::byte> bytes, const DecodeLimits& limits = {}) {
  InArchive in(bytes, limits);
  T value = in.read<T>();
  in.finish();
  return value;
}

}  // namespace cohort::inline v0
