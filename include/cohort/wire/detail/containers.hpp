// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The shapes of what holds any number of elements: a count in eight bytes, then the elements.
/// Containers are known by what they offer, so that none of their headers is included; only class
/// templates with the parameters of the standard ones are, so that nothing a derived class adds is
/// lost in silence.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/wire/detail/shape.hpp"  // Shape

namespace cohort::inline v0::detail {

template <class... P>
struct CountedShape {
  using Parts = Types<P...>;
  static constexpr std::size_t least = sizeof(std::uint64_t);
  static constexpr bool fixed = false;
  static constexpr bool raw = false;
};

template <class = void>
void put_count(OutArchive& out, std::size_t n) {
  put_value(out, std::uint64_t{n});
}

/// n elements that lie one after the other in memory.
template <class E>
void put_elements(OutArchive& out, const E* from, std::size_t n) {
  if constexpr (is_raw<E>()) {
    out.write(from, n * sizeof(E));
  } else {
    for (std::size_t i = 0; i < n; ++i) put_value(out, from[i]);
  }
}
template <class E>
void get_elements(InArchive& in, E* to, std::size_t n) {
  if constexpr (is_raw<E>()) {
    const std::byte* const from = in.take(n * sizeof(E));
    if (n != 0) std::memcpy(static_cast<void*>(to), from, n * sizeof(E));
  } else {
    for (std::size_t i = 0; i < n; ++i) to[i] = get_value<E>(in);
  }
}

/// Counts and takes the memory for the elements of a container that keeps them in one piece.
template <class Container, class E>
Container get_block(InArchive& in) {
  const std::size_t n = in.count(sizeof(E), sizeof(E));
  if constexpr (std::is_same_v<E, char> || std::is_same_v<E, unsigned char> ||
                std::is_same_v<E, std::byte>) {  // which may look at any memory
    const auto* const from = reinterpret_cast<const E*>(in.take(n));
    return Container(from, from + n);
  } else {
    Container result;
    result.resize(n);
    get_elements(in, result.data(), n);
    return result;
  }
}

template <class Char, class Traits, class Allocator>
struct Shape<std::basic_string<Char, Traits, Allocator>> : CountedShape<Char> {
  using T = std::basic_string<Char, Traits, Allocator>;
  static void encode(OutArchive& out, const T& value) {
    put_count(out, value.size());
    put_elements(out, value.data(), value.size());
  }
  static T decode(InArchive& in) {
    if constexpr (is_raw<Char>()) {
      return get_block<T, Char>(in);
    } else {
      T result(in.count(sizeof(Char), sizeof(Char)), Char());
      get_elements(in, result.data(), result.size());
      return result;
    }
  }
};

/// Eight to a byte, the lowest bit first; the bits after the last one are 0.
template <class Allocator>
struct Shape<std::vector<bool, Allocator>> : CountedShape<> {
  using T = std::vector<bool, Allocator>;
  static void encode(OutArchive& out, const T& value) {
    put_count(out, value.size());
    for (std::size_t i = 0; i < value.size(); i += 8) {
      unsigned byte = 0;
      for (std::size_t k = 0; k < 8 && i + k < value.size(); ++k) {
        byte |= value[i + k] ? 1u << k : 0u;
      }
      put_value(out, static_cast<unsigned char>(byte));
    }
  }
  static T decode(InArchive& in) {
    const auto n = get_value<std::uint64_t>(in);
    if (n / 8 > in.remaining() || (n + 7) / 8 > in.remaining()) {
      in.fail("a vector<bool> of " + std::to_string(n) + ", more than the bytes that follow");
    }
    in.claim((n + 7) / 8, 1);
    T result(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < result.size(); i += 8) {
      unsigned byte = get_value<unsigned char>(in);
      for (std::size_t k = 0; k < 8 && i + k < result.size(); ++k, byte >>= 1) {
        result[i + k] = (byte & 1u) != 0;
      }
      if (byte != 0 && result.size() - i < 8) in.fail("bits after the last of a vector<bool>");
    }
    return result;
  }
};

template <class... T>
struct FirstAndLast;
template <class First, class... Rest>
struct FirstAndLast<First, Rest...> {
  using first = First;
  using last = typename FirstAndLast<Rest...>::last;
};
template <class Only>
struct FirstAndLast<Only> {
  using first = Only;
  using last = Only;
};
/// C is C<First, …, Last>, whose first parameter is the element or key and whose last the allocator.
template <class C, class... Parameters>
concept ContainerOf = requires(const C& c) {
  requires std::is_same_v<typename C::allocator_type, typename FirstAndLast<Parameters...>::last>;
  requires std::is_default_constructible_v<C>;
  c.begin();
  c.end();
  { c.size() } -> std::same_as<typename C::size_type>;
};

/// vector, deque, list.
template <class C, class... Parameters>
concept SequenceOf = requires(C& c, typename C::value_type&& e) {
  requires sizeof...(Parameters) == 2;
  requires ContainerOf<C, Parameters...>;
  requires std::is_same_v<typename C::value_type, typename FirstAndLast<Parameters...>::first>;
  c.emplace_back(std::move(e));
};
template <template <class...> class C, class... Parameters>
requires SequenceOf<C<Parameters...>, Parameters...>
struct Shape<C<Parameters...>> : CountedShape<typename C<Parameters...>::value_type> {
  using T = C<Parameters...>;
  using E = typename T::value_type;
  static constexpr bool in_one_piece = requires(T & c) {
    { c.data() } -> std::same_as<E*>;
    c.resize(1);
  };

  static void encode(OutArchive& out, const T& value) {
    put_count(out, value.size());
    if constexpr (in_one_piece) {
      put_elements(out, value.data(), value.size());
    } else {
      for (const E& e : value) put_value(out, e);
    }
  }
  static T decode(InArchive& in) {
    if constexpr (in_one_piece && is_raw<E>()) {
      return get_block<T, E>(in);
    } else {
      const std::size_t n = in.count(least_size<E>(), sizeof(E));
      T result;
      if constexpr (requires { result.reserve(n); }) result.reserve(n);
      for (std::size_t i = 0; i < n; ++i) result.emplace_back(get_value<E>(in));
      return result;
    }
  }
};

/// Whether what orders or hashes the keys has a state, which would not travel.
template <class C>
requires requires { typename C::key_compare; }
constexpr bool keyed_by_state() { return !std::is_empty_v<typename C::key_compare>; }
template <class C>
requires requires { typename C::hasher; }
constexpr bool keyed_by_state() {
  return !std::is_empty_v<typename C::hasher> || !std::is_empty_v<typename C::key_equal>;
}
template <class C>
struct KeyedParts {
  using type = CountedShape<typename C::key_type>;
};
template <class C>
requires requires { typename C::mapped_type; }
struct KeyedParts<C> {
  using type = CountedShape<typename C::key_type, typename C::mapped_type>;
};

/// map, set, their multi and unordered kin.
template <class C, class... Parameters>
concept KeyedOf = requires {
  requires sizeof...(Parameters) >= 3;
  requires ContainerOf<C, Parameters...>;
  requires std::is_same_v<typename C::key_type, typename FirstAndLast<Parameters...>::first>;
  keyed_by_state<C>();
};
template <template <class...> class C, class... Parameters>
requires KeyedOf<C<Parameters...>, Parameters...>
struct Shape<C<Parameters...>> : KeyedParts<C<Parameters...>>::type {
  using T = C<Parameters...>;
  using K = typename T::key_type;
  static constexpr std::size_t node = sizeof(typename T::value_type) + 4 * sizeof(void*);

  static void encode(OutArchive& out, const T& value) {
    put_count(out, value.size());
    for (const auto& e : value) {
      if constexpr (requires { typename T::mapped_type; }) {
        put_value(out, e.first);
        put_value(out, e.second);
      } else {
        put_value(out, e);
      }
    }
  }
  static T decode(InArchive& in) {
    T result;
    if constexpr (requires { typename T::mapped_type; }) {
      using V = typename T::mapped_type;
      const std::size_t n = in.count(least_size<K>() + least_size<V>(), node);
      for (std::size_t i = 0; i < n; ++i) {
        K key = get_value<K>(in);
        result.emplace_hint(result.end(), std::move(key), get_value<V>(in));
        check_new(in, result.size(), i);
      }
    } else {
      const std::size_t n = in.count(least_size<K>(), node);
      for (std::size_t i = 0; i < n; ++i) {
        result.emplace_hint(result.end(), get_value<K>(in));
        check_new(in, result.size(), i);
      }
    }
    return result;
  }

 private:
  static void check_new(InArchive& in, std::size_t size, std::size_t before) {
    if (size != before + 1) in.fail("a key that was there before");
  }
};

}  // namespace cohort::inline v0::detail
