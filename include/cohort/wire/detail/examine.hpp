// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Which types travel; and of one that does not, which part of it is to blame, why, and what to do.

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include "cohort/wire/detail/choices.hpp"     // optional, variant, path
#include "cohort/wire/detail/containers.hpp"  // string, vector, map
#include "cohort/wire/detail/products.hpp"    // pair, tuple, array, aggregates
#include "cohort/wire/detail/scalars.hpp"     // numbers, enumerations

namespace cohort::inline v0::detail {

enum class Refusal : unsigned char {
  none,
  pointer,
  reference,
  function,
  member_pointer,
  view,
  owner,
  c_array,
  base,
  fields,
  compare,
  inherited,
  not_made,
  bad_codec,
  unknown,
};

/// The result: T travels, or this part of it does not.
template <Refusal why, class Part>
struct Finding {
  static constexpr Refusal refusal = why;
  using part = Part;
};
using Fine = Finding<Refusal::none, void>;

template <class T>
inline constexpr bool is_view = false;
template <class Char, class Traits>
inline constexpr bool is_view<std::basic_string_view<Char, Traits>> = true;
template <class E, std::size_t n>
inline constexpr bool is_view<std::span<E, n>> = true;
template <class E>
inline constexpr bool is_view<std::initializer_list<E>> = true;

template <class T>
concept SmartPointer = requires(const T& p) {
  typename T::element_type;
  p.get();
  p.operator->();
};

/// Whether `serialize` is that of a base class, which would leave out what T adds. (A base without
/// fields can only mean those of T.)
template <class T, class Owner>
constexpr bool is_of_base(void (Owner::*)(OutArchive&)) {
  return !std::is_same_v<T, Owner> && !std::is_empty_v<Owner>;
}
template <class T>
constexpr bool serializes_only_its_base() {
  if constexpr (requires { is_of_base<T>(&T::template serialize<OutArchive>); }) {
    return is_of_base<T>(&T::template serialize<OutArchive>);
  } else if constexpr (requires { is_of_base<T>(&T::serialize); }) {
    return is_of_base<T>(&T::serialize);
  } else {
    return false;
  }
}

template <class T>
constexpr Refusal examine_custom() {
  if constexpr (has_codec<T>) {
    constexpr bool both = requires(OutArchive & out, InArchive & in, const T& value) {
      Codec<T>::encode(out, value);
      { Codec<T>::decode(in) } -> std::same_as<T>;
    };
    return both ? Refusal::none : Refusal::bad_codec;
  } else if constexpr (HasMemberSerialize<T> && serializes_only_its_base<T>()) {
    return Refusal::inherited;
  } else {
    return std::is_default_constructible_v<T> && std::is_move_constructible_v<T>
               ? Refusal::none
               : Refusal::not_made;
  }
}

/// Of a type without a Shape.
template <class T>
constexpr Refusal examine_unknown() {
  if constexpr (is_view<T>) {
    return Refusal::view;
  } else if constexpr (SmartPointer<T>) {
    return Refusal::owner;
  } else if constexpr (std::is_aggregate_v<T> && std::is_class_v<T>) {
    if constexpr (has_base<T>()) {
      return Refusal::base;
    } else if constexpr (field_count<T> > max_fields || has_array<T, field_count<T>>()) {
      return Refusal::fields;
    } else {
      return Refusal::unknown;
    }
  } else {
    return Refusal::unknown;
  }
}

template <class T, class... Outer>
constexpr auto examine();

template <class T, class... Outer>
constexpr auto examine_parts(Types<>) {
  return Fine{};
}
template <class T, class... Outer, class First, class... Rest>
constexpr auto examine_parts(Types<First, Rest...>) {
  using Found = decltype(examine<std::remove_cv_t<First>, T, Outer...>());
  if constexpr (Found::refusal != Refusal::none) {
    return Found{};
  } else {
    return examine_parts<T, Outer...>(Types<Rest...>{});
  }
}

/// Outer: the types that T was found inside of. One of them again is a recursive type, and is
/// being examined already.
template <class T, class... Outer>
constexpr auto examine() {
  if constexpr (std::is_arithmetic_v<T> || (std::is_same_v<T, Outer> || ...)) {
    return Fine{};
  } else if constexpr (std::is_reference_v<T>) {
    return Finding<Refusal::reference, T>{};
  } else if constexpr (std::is_function_v<std::remove_pointer_t<T>>) {
    return Finding<Refusal::function, T>{};
  } else if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T>) {
    return Finding<Refusal::pointer, T>{};
  } else if constexpr (std::is_member_pointer_v<T>) {
    return Finding<Refusal::member_pointer, T>{};
  } else if constexpr (std::is_array_v<T>) {
    return Finding<Refusal::c_array, T>{};
  } else if constexpr (std::is_void_v<T>) {
    return Finding<Refusal::unknown, T>{};
  } else if constexpr (is_custom<T>) {
    constexpr Refusal why = examine_custom<T>();
    return std::conditional_t<why == Refusal::none, Fine, Finding<why, T>>{};
  } else if constexpr (!Shaped<T>) {
    return Finding<examine_unknown<T>(), T>{};
  } else if constexpr (requires { keyed_by_state<T>(); }) {
    if constexpr (keyed_by_state<T>()) {
      return Finding<Refusal::compare, T>{};
    } else {
      return examine_parts<T, Outer...>(typename Shape<T>::Parts{});
    }
  } else {
    return examine_parts<T, Outer...>(typename Shape<T>::Parts{});
  }
}

template <class T>
using finding_t = decltype(examine<std::remove_cv_t<T>>());
template <class T>
inline constexpr bool travels = finding_t<T>::refusal == Refusal::none;

/// Where the part was found: in a value, in an argument of a call (counted from 1), in its result.
template <class Type>
struct Value;
template <std::size_t number, class Type>
struct Argument;
template <class Type>
struct Result;

/// Does not compile; the compiler names part and place, the text the cure. One error has to say it
/// all: some compilers stop after it.
template <class Part, Refusal why, class In>
struct CannotTravel {
  static_assert(why != Refusal::pointer,
                "a raw pointer cannot travel: it means nothing in another process. Pass the value "
                "itself, std::string for text, or an ipc handle to what is shared.");
  static_assert(why != Refusal::reference,
                "a reference cannot travel: what it refers to stays behind. Pass the value.");
  static_assert(why != Refusal::function,
                "a function pointer cannot travel as a value: pass the function itself as what is "
                "to be called, or keep it in a cohort::ShippedFunction.");
  static_assert(why != Refusal::member_pointer,
                "a pointer to a member cannot travel: use a lambda that captures nothing.");
  static_assert(why != Refusal::view,
                "a view cannot travel: it does not own what it shows. Pass std::string or "
                "std::vector.");
  static_assert(why != Refusal::owner,
                "a smart pointer cannot travel: pass what it points to, or std::optional of that.");
  static_assert(why != Refusal::c_array,
                "a C array cannot travel: use std::array, or std::string for text.");
  static_assert(why != Refusal::base,
                "an aggregate with a base class cannot be taken apart: give it a member "
                "`template <class A> void serialize(A& archive) { archive(field, field); }`.");
  static_assert(why != Refusal::fields,
                "this aggregate has a C array, a reference or more than 32 fields, and cannot be "
                "taken apart: use std::array, or give it a member "
                "`template <class A> void serialize(A& archive) { archive(field, field); }`.");
  static_assert(why != Refusal::compare,
                "a container whose comparison or hash has a state cannot travel.");
  static_assert(
      why != Refusal::inherited,
      "this class inherits `serialize` from its base, which leaves out what it adds: give "
      "it a `serialize` of its own.");
  static_assert(why != Refusal::not_made,
                "a class with `serialize` needs a default constructor and a move constructor, or "
                "specialise cohort::Codec for it.");
  static_assert(why != Refusal::bad_codec,
                "a cohort::Codec<T> has `static void encode(OutArchive&, const T&)` and "
                "`static T decode(InArchive&)`.");
  static_assert(why != Refusal::unknown,
                "this type cannot travel: give it a member "
                "`template <class A> void serialize(A& archive) { archive(field, field); }`, or "
                "specialise cohort::Codec for it.");
};

/// Stops the compilation unless T travels.
template <class T, class In = Value<T>>
constexpr void require_travels() {
  using Found = finding_t<T>;
  if constexpr (Found::refusal != Refusal::none) {
    static_cast<void>(CannotTravel<typename Found::part, Found::refusal, In>{});
  }
}

}  // namespace cohort::inline v0::detail
