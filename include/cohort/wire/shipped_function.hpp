// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ShippedFunction<Fn>: a callable that travels.
///
///     struct Each { ShippedFunction<double (*)(double)> fn; … };   // such an aggregate travels too
///     out(ShippedFunction(square));
///
/// A plain function travels as its place in the program, and is called only if that place is code
/// there. Of a lambda that captures nothing, or another functor without state, nothing travels: its
/// type says all. Other functors travel as the values they are. What captures does not travel: its
/// captures would have to, and nobody can name them. Pass them as arguments.

#include <concepts>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

#include "cohort/wire/codec.hpp"          // Codec
#include "cohort/wire/detail/thunks.hpp"  // places of code

namespace cohort::inline v0 {

namespace detail {

template <class Fn>
inline constexpr bool is_function_pointer =
    std::is_pointer_v<Fn>&& std::is_function_v<std::remove_pointer_t<Fn>>;
template <class Fn>
concept TravellingFunction = is_function_pointer<Fn> ||(std::is_class_v<Fn>&& travels<Fn>);

/// Does not compile, and says why.
template <class Fn>
struct FunctionCannotTravel {
  static_assert(!std::is_member_pointer_v<Fn>,
                "a pointer to a member cannot travel: wrap the call in a lambda that captures "
                "nothing, and pass the object as an argument.");
  static_assert(
      std::is_member_pointer_v<Fn>,
      "this callable cannot travel to another process: a lambda must capture nothing (pass "
      "what it captures as arguments), and a functor with state must be Serializable: an "
      "aggregate, or a class with `serialize(archive)`.");
};

}  // namespace detail

/// A copy of a callable. Calls as the callable does.
template <class Fn>
class ShippedFunction {
 public:
  static_assert(std::is_same_v<Fn, std::decay_t<Fn>>);

  ShippedFunction(Fn fn) : fn_(std::move(fn)) {  // NOLINT: meant to convert
    if constexpr (!detail::TravellingFunction<Fn>) {
      static_cast<void>(detail::FunctionCannotTravel<Fn>{});
    }
  }

  template <class... Args>
  requires std::invocable<Fn&, Args...>
  decltype(auto) operator()(Args&&... args) {
    return std::invoke(fn_, std::forward<Args>(args)...);
  }
  template <class... Args>
  requires std::invocable<const Fn&, Args...>
  decltype(auto) operator()(Args&&... args) const {
    return std::invoke(fn_, std::forward<Args>(args)...);
  }

  const Fn& get() const noexcept { return fn_; }
  Fn& get() noexcept { return fn_; }

 private:
  Fn fn_;
};

namespace detail {

/// What stands for the callable.
template <class Fn>
void put_function(OutArchive& out, const Fn& fn) {
  if constexpr (is_function_pointer<Fn>) {
    if (!fn) throw CodecError("a null function pointer");
    put_place(out, os::place_of_code(reinterpret_cast<const void*>(fn)));
  } else {
    put(out, fn);
  }
}
template <class Fn>
Fn get_function(InArchive& in) {
  if constexpr (is_function_pointer<Fn>) {
    const os::CodePlace place = get_place(in);
    if (!in.limits().functions) in.fail("a function pointer, which is not accepted from strangers");
    const auto address = reinterpret_cast<std::uintptr_t>(find_code(in, place));
    return reinterpret_cast<Fn>(address);
  } else {
    return get<Fn>(in);
  }
}

}  // namespace detail

/// Throws CodecError for a function that is null, or in no loaded module that can be named; and,
/// decoding, for one that is not code here, or where DecodeLimits::functions is off.
template <class Fn>
requires detail::TravellingFunction<Fn>
struct Codec<ShippedFunction<Fn>> {
  static void encode(OutArchive& out, const ShippedFunction<Fn>& function) {
    detail::put_function(out, function.get());
  }
  static ShippedFunction<Fn> decode(InArchive& in) { return detail::get_function<Fn>(in); }
};

}  // namespace cohort::inline v0
