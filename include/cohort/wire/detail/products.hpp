// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The shapes of what holds one of each: pair, tuple, array, and aggregates field by field. All
/// are written as their parts in order, nothing between.

#include <array>
#include <cstddef>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cohort/wire/detail/containers.hpp"  // put_elements, get_elements
#include "cohort/wire/detail/fields.hpp"      // with_fields

namespace cohort::inline v0::detail {

// Braces where the parts are read: only they promise an order.

template <class A, class B>
struct Shape<std::pair<A, B>> : PackedShape<std::remove_cv_t<A>, std::remove_cv_t<B>> {
  using T = std::pair<A, B>;
  static void encode(OutArchive& out, const T& value) {
    put(out, value.first);
    put(out, value.second);
  }
  static T decode(InArchive& in) {
    return T{get<std::remove_cv_t<A>>(in), get<std::remove_cv_t<B>>(in)};
  }
};

template <>
struct Shape<std::tuple<>> : EmptyShape<std::tuple<>> {
  static void encode(OutArchive& out, const std::tuple<>&) { put_case(out, 0); }
  static std::tuple<> decode(InArchive& in) {
    get_case(in, 1, "an empty tuple");
    return {};
  }
};
template <class... P>
struct Shape<std::tuple<P...>> : PackedShape<std::remove_cv_t<P>...> {
  using T = std::tuple<P...>;
  static void encode(OutArchive& out, const T& value) {
    std::apply([&out](const P&... parts) { (put(out, parts), ...); }, value);
  }
  static T decode(InArchive& in) { return T{get<std::remove_cv_t<P>>(in)...}; }
};

template <class E>
struct Shape<std::array<E, 0>> : EmptyShape<std::array<E, 0>> {
  static void encode(OutArchive& out, const std::array<E, 0>&) { put_case(out, 0); }
  static std::array<E, 0> decode(InArchive& in) {
    get_case(in, 1, "an empty array");
    return {};
  }
};
template <class E, std::size_t n>
struct Shape<std::array<E, n>> {
  using T = std::array<E, n>;
  using Parts = Types<E>;
  static constexpr std::size_t least = n * least_size<E>();
  static constexpr bool fixed = is_fixed<E>();
  static constexpr bool raw = is_raw<E>() && sizeof(T) == n * sizeof(E);

  static void encode(OutArchive& out, const T& value) { put_elements(out, value.data(), n); }
  static T decode(InArchive& in) {
    if constexpr (std::is_default_constructible_v<E> && std::is_move_assignable_v<E>) {
      T result;
      get_elements(in, result.data(), n);
      return result;
    } else {
      return make(in, std::make_index_sequence<n>{});
    }
  }

 private:
  template <std::size_t... I>
  static T make(InArchive& in, std::index_sequence<I...>) {
    return T{{(static_cast<void>(I), get<E>(in))...}};
  }
};

/// A class of fields only, of which we know them all.
template <class T>
constexpr bool is_taken_apart() {
  if constexpr (!std::is_aggregate_v<T> || !std::is_class_v<T> || Stateless<T>) {
    return false;
  } else if constexpr (has_base<T>() || field_count<T> > max_fields) {
    return false;
  } else {
    return !has_array<T, field_count<T>>();
  }
}

template <class T, class Fields>
struct AggregateShape;
template <class T, class... F>
struct AggregateShape<T, Types<F...>> : PackedShape<F...> {
  /// Without gaps the object's bytes are those of its fields in order.
  static constexpr bool raw = (is_raw<F>() && ...) && sizeof(T) == (sizeof(F) + ... + 0) &&
                              sizeof...(F) != 0 && std::is_trivially_copyable_v<T> &&
                              std::is_default_constructible_v<T> && std::is_move_assignable_v<T>;

  static void encode(OutArchive& out, const T& value) {
    if constexpr (raw) {
      out.write(&value, sizeof(T));
    } else {
      with_fields(value, [&out](const auto&... fields) { (put(out, fields), ...); });
    }
  }
  static T decode(InArchive& in) { return T{get<F>(in)...}; }
};

template <class T>
requires(is_taken_apart<T>()) struct Shape<T> : AggregateShape<T, fields_t<T>> {
};

}  // namespace cohort::inline v0::detail
