// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The shapes of what holds one of several: optional and variant, as a byte that says which and
/// then that; and the path of a file, which is its text.

#include <concepts>
#include <cstddef>
#include <optional>
#include <utility>
#include <variant>

#include "cohort/wire/detail/shape.hpp"  // Shape

namespace cohort::inline v0::detail {

template <class V>
struct Shape<std::optional<V>> : VaryingShape<V> {
  using T = std::optional<V>;
  static void encode(OutArchive& out, const T& value) {
    put_case(out, value ? 1 : 0);
    if (value) put(out, *value);
  }
  static T decode(InArchive& in) {
    if (get_case(in, 2, "an optional's flag") == 0) return std::nullopt;
    return T(std::in_place, get<V>(in));
  }
};

template <class... V>
struct Shape<std::variant<V...>> : VaryingShape<V...> {
  using T = std::variant<V...>;
  static_assert(sizeof...(V) <= 256, "a variant of more than 256 alternatives");

  static void encode(OutArchive& out, const T& value) {
    if (value.valueless_by_exception()) throw CodecError("a variant without a value");
    put_case(out, value.index());
    put_alternative(out, value, std::index_sequence_for<V...>{});
  }
  static T decode(InArchive& in) {
    return make(in, get_case(in, sizeof...(V), "a variant's index"));
  }

 private:
  template <std::size_t... I>
  static void put_alternative(OutArchive& out, const T& value, std::index_sequence<I...>) {
    ((value.index() == I ? put(out, *std::get_if<I>(&value)) : void()), ...);
  }
  template <std::size_t I = 0>
  static T make(InArchive& in, std::size_t index) {
    if constexpr (I + 1 < sizeof...(V)) {
      if (index != I) return make<I + 1>(in, index);
    }
    return T(std::in_place_index<I>, get<std::variant_alternative_t<I, T>>(in));
  }
};

/// filesystem::path, known by what it offers, because <filesystem> is dear to include.
template <class T>
concept PathLike = std::is_class_v<T> && requires(const T& path) {
  typename T::string_type;
  { path.native() } -> std::same_as<const typename T::string_type&>;
  T::preferred_separator;
  requires std::constructible_from<T, typename T::string_type>;
};
template <PathLike T>
struct Shape<T> {
  using Text = typename T::string_type;
  using Parts = Types<Text>;
  static constexpr std::size_t least = least_size<Text>();
  static constexpr bool fixed = false;
  static constexpr bool raw = false;
  static void encode(OutArchive& out, const T& value) { put(out, value.native()); }
  static T decode(InArchive& in) { return T(get<Text>(in)); }
};

}  // namespace cohort::inline v0::detail
