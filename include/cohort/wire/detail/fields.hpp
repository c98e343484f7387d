// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The fields of an aggregate, without a macro: they are counted by trying how many initialisers it
/// takes, and named by a structured binding of that many. A C array takes an initialiser for each
/// element, and a base class takes one but is not a field: both are found and refused.

#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>

#include "cohort/wire/detail/shape.hpp"  // Types

namespace cohort::inline v0::detail {

inline constexpr std::size_t max_fields = 32;

/// Initialises anything but a whole T, whose copy constructor would be mistaken for a field.
template <class T>
struct AnyField {
  template <class U>
  requires(!std::is_same_v<std::remove_cvref_t<U>, T>) operator U() const noexcept {
    std::terminate();  // never called; but some compilers want to see it
  }
};
template <class T>
struct AnyBase {
  template <class U>
  requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>) operator U() const noexcept {
    std::terminate();  // never called; but some compilers want to see it
  }
};
template <class T, std::size_t>
using AnyFieldAt = AnyField<T>;

template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { T{AnyFieldAt<T, I>{}...}; };
}
/// Whether it takes these, then an empty pair of braces, then those.
template <class T, std::size_t... I, std::size_t... J>
constexpr bool takes_around(std::index_sequence<I...>, std::index_sequence<J...>) {
  return requires { T{AnyFieldAt<T, I>{}..., {}, AnyFieldAt<T, J>{}...}; };
}
inline constexpr std::size_t uncountable = max_fields + 2;

/// The most initialisers that T takes; max_fields + 1 stands for more; uncountable if no number
/// of them is right, as when one field is a reference.
template <class T, std::size_t n = max_fields + 1>
constexpr std::size_t count_initialisers() {
  if constexpr (takes<T>(std::make_index_sequence<n>{})) {
    return n;
  } else if constexpr (n == 0) {
    return uncountable;
  } else {
    return count_initialisers<T, n - 1>();
  }
}
/// The most that it takes, but at most n, after i others and a pair of braces; or uncountable.
template <class T, std::size_t i, std::size_t n>
constexpr std::size_t count_after() {
  if constexpr (takes_around<T>(std::make_index_sequence<i>{}, std::make_index_sequence<n>{})) {
    return n;
  } else if constexpr (n == 0) {
    return uncountable;
  } else {
    return count_after<T, i, n - 1>();
  }
}
/// One pair of braces is a whole array, so fewer than all the others fit beside it. (None fit if
/// the field has no default: an array of such is not found here, but by the compiler.)
template <class T, std::size_t n, std::size_t i = 0>
constexpr bool has_array() {
  if constexpr (i >= n) {
    return false;
  } else {
    return count_after<T, i, n - i - 1>() < n - i - 1 || has_array<T, n, i + 1>();
  }
}
template <class T>
constexpr bool has_base() {
  return requires { T{AnyBase<T>{}}; };
}

template <class T>
inline constexpr std::size_t field_count = count_initialisers<T>();

/// Calls fn(fields…), each as a reference to const.
template <class T, class Fn>
decltype(auto) with_fields([[maybe_unused]] const T& value, Fn&& fn) {
  constexpr std::size_t n = field_count<T>;
  static_assert(n <= max_fields);
  // clang-format off
  if constexpr (n == 0) { return fn(); }
  else if constexpr (n == 1) { const auto& [a] = value; return fn(a); }
  else if constexpr (n == 2) { const auto& [a,b] = value; return fn(a,b); }
  else if constexpr (n == 3) { const auto& [a,b,c] = value; return fn(a,b,c); }
  else if constexpr (n == 4) { const auto& [a,b,c,d] = value; return fn(a,b,c,d); }
  else if constexpr (n == 5) { const auto& [a,b,c,d,e] = value; return fn(a,b,c,d,e); }
  else if constexpr (n == 6) { const auto& [a,b,c,d,e,f] = value; return fn(a,b,c,d,e,f); }
  else if constexpr (n == 7) { const auto& [a,b,c,d,e,f,g] = value; return fn(a,b,c,d,e,f,g); }
  else if constexpr (n == 8) { const auto& [a,b,c,d,e,f,g,h] = value; return fn(a,b,c,d,e,f,g,h); }
  else if constexpr (n == 9) {
    const auto& [a,b,c,d,e,f,g,h,i] = value; return fn(a,b,c,d,e,f,g,h,i); }
  else if constexpr (n == 10) {
    const auto& [a,b,c,d,e,f,g,h,i,j] = value; return fn(a,b,c,d,e,f,g,h,i,j); }
  else if constexpr (n == 11) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k] = value; return fn(a,b,c,d,e,f,g,h,i,j,k); }
  else if constexpr (n == 12) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l] = value; return fn(a,b,c,d,e,f,g,h,i,j,k,l); }
  else if constexpr (n == 13) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m] = value; return fn(a,b,c,d,e,f,g,h,i,j,k,l,m); }
  else if constexpr (n == 14) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o] = value; return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o); }
  else if constexpr (n == 15) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p] = value; return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p); }
  else if constexpr (n == 16) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q); }
  else if constexpr (n == 17) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r); }
  else if constexpr (n == 18) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s); }
  else if constexpr (n == 19) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t); }
  else if constexpr (n == 20) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u); }
  else if constexpr (n == 21) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v); }
  else if constexpr (n == 22) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w); }
  else if constexpr (n == 23) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x); }
  else if constexpr (n == 24) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y); }
  else if constexpr (n == 25) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z); }
  else if constexpr (n == 26) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A); }
  else if constexpr (n == 27) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A,B] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A,B); }
  else if constexpr (n == 28) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C); }
  else if constexpr (n == 29) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D); }
  else if constexpr (n == 30) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D,E] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D,E); }
  else if constexpr (n == 31) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D,E,G] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D,E,G); }
  else if constexpr (n == 32) {
    const auto& [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D,E,G,H] = value;
    return fn(a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r,s,t,u,v,w,x,y,z,A,B,C,D,E,G,H); }
  // clang-format on
}

/// The types of the fields.
struct TypesOfFields {
  template <class... F>
  constexpr Types<std::remove_cvref_t<F>...> operator()(F&&...) const noexcept {
    return {};
  }
};
template <class T>
using fields_t = decltype(with_fields(std::declval<const T&>(), TypesOfFields{}));

}  // namespace cohort::inline v0::detail
