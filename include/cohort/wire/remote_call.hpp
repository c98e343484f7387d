// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Calls as bytes: a function with its arguments goes out, what became of it comes back.
///
///     encode_call(out, add, 1, 2);                       // here
///     answer_call(in, out, runner);                      // there
///     int sum = decode_answer<call_result_t<decltype(&add), int, int>>(in);    // here; may throw
///
/// As with std::thread, arguments are copies passed on as rvalues. A text literal travels as
/// std::string where the function takes one, or a string_view. What cannot travel does not compile.

#include <concepts>
#include <cstddef>
#include <exception>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cohort/core/task.hpp"              // Task
#include "cohort/exec/launch.hpp"            // call_coroutine, launched_t
#include "cohort/wire/remote_error.hpp"      // exceptions
#include "cohort/wire/shipped_function.hpp"  // ShippedFunction

namespace cohort::inline v0 {

/// Who runs the coroutine of a call whose function returns a Task.
class CallRunner {
 public:
  /// Runs `work`, now or later, to its end. That never throws; when it has ended, the answer is in
  /// the archive that answer_call was given, which must live until then. `run` itself may throw
  /// if it has not taken the work.
  virtual void run(Task<> work) = 0;

 protected:
  ~CallRunner() = default;
};

namespace detail {

/// The parameter types of a callable, if it has but one list of them.
template <class... P>
struct ParameterList {};
template <class Signature>
struct ParametersOf {
  using type = void;
};
// clang-format off
template <class R, class... P> struct ParametersOf<R (*)(P...)> { using type = ParameterList<P...>; };
template <class R, class... P> struct ParametersOf<R (*)(P...) noexcept> : ParametersOf<R (*)(P...)> {};
template <class R, class C, class... P> struct ParametersOf<R (C::*)(P...)> : ParametersOf<R (*)(P...)> {};
template <class R, class C, class... P> struct ParametersOf<R (C::*)(P...) const> : ParametersOf<R (*)(P...)> {};
template <class R, class C, class... P> struct ParametersOf<R (C::*)(P...) noexcept> : ParametersOf<R (*)(P...)> {};
template <class R, class C, class... P> struct ParametersOf<R (C::*)(P...) const noexcept> : ParametersOf<R (*)(P...)> {};
// clang-format on
template <class Fn>
struct CallableParameters : ParametersOf<Fn> {};
template <class Fn>
requires requires { &Fn::operator(); }
struct CallableParameters<Fn> : ParametersOf<decltype(&Fn::operator())> {};

/// As what an argument A for a parameter P travels: as itself; else as what the parameter holds;
/// else, for text, as std::string.
template <class P, class A>
constexpr auto wire_argument() {
  using Copy = std::decay_t<A>;
  using Held = std::remove_cvref_t<P>;
  if constexpr (travels<Copy>) {
    return std::type_identity<Copy>{};
  } else if constexpr (travels<Held> && std::is_convertible_v<A, Held>) {
    return std::type_identity<Held>{};
  } else if constexpr (std::is_convertible_v<A, std::string> &&
                       std::is_convertible_v<std::string, P>) {
    return std::type_identity<std::string>{};
  } else {
    return std::type_identity<Copy>{};
  }
}
template <class Parameters, class... A>
struct WireArguments {
  using type = Types<std::decay_t<A>...>;
};
template <class... P, class... A>
requires(sizeof...(P) == sizeof...(A)) struct WireArguments<ParameterList<P...>, A...> {
  using type = Types<typename decltype(wire_argument<P, A>())::type...>;
};

/// What a function's result travels as.
template <class R>
using answer_value_t = std::remove_cvref_t<R>;
template <class R>
inline constexpr bool answer_travels = std::is_void_v<R> || travels<answer_value_t<R>>;

inline constexpr std::size_t answer_value = 0;
inline constexpr std::size_t answer_error = 1;

template <class = void>
void put_error(OutArchive& out, std::size_t mark, const std::exception_ptr& error) {
  out.truncate(mark);
  put_case(out, answer_error);
  out(error);
}

/// Waits for the result and writes it. Never throws but for want of room or memory.
template <class R>
Task<> answer_later(Task<R> work, OutArchive* out) {
  const std::size_t mark = out->size();
  std::exception_ptr error;
  try {
    if constexpr (std::is_void_v<R>) {
      co_await std::move(work);
      put_case(*out, answer_value);
    } else {
      R result = co_await std::move(work);
      put_case(*out, answer_value);
      put_value(*out, static_cast<const answer_value_t<R>&>(result));
    }
  } catch (...) {
    error = std::current_exception();
  }
  if (error) put_error(*out, mark, error);
}

template <class Wire, class A>
void put_argument(OutArchive& out, const A& argument) {
  if constexpr (std::is_same_v<A, Wire>) {
    put_value(out, argument);
  } else {
    put_value<Wire>(out, static_cast<Wire>(argument));
  }
}

/// A call of Fn with arguments that travel as W.
template <class Fn, class... W>
struct WireCall {
  using Called = std::invoke_result_t<Fn, W...>;
  using Result = typename Unwrapped<Called>::type;

  template <class... Args>
  static void encode(OutArchive& out, const Fn& fn, const Args&... args) {
    const os::CodePlace& registered = Registered<WireCall>::record.place();
    // Still zero if another object's constructor calls before main.
    put_place(out,
              registered.image != 0 ? registered : os::place_of_code(code_address(&WireCall::run)));
    put_function(out, fn);
    (put_argument<W>(out, args), ...);
  }

  static void run(InArchive& in, OutArchive& out, CallRunner& runner) {
    Fn fn = get_function<Fn>(in);
    std::tuple<W...> arguments{in.read<W>()...};
    in.finish();
    if constexpr (is_task<Called>) {
      Task<Result> work = std::apply(
          [&fn](W&... args) {
            return call_coroutine<Result, Fn, W...>(std::move(fn), std::move(args)...);
          },
          arguments);
      runner.run(answer_later<Result>(std::move(work), &out));
    } else {
      const auto call = [&fn](W&... args) -> Called {
        return std::invoke(std::move(fn), std::move(args)...);
      };
      if constexpr (std::is_void_v<Called>) {
        std::apply(call, arguments);
        put_case(out, answer_value);
      } else {
        const auto& result = std::apply(call, arguments);
        put_case(out, answer_value);
        put_value(out, static_cast<const answer_value_t<Result>&>(result));
      }
    }
  }
};

enum class CallFault : unsigned char { none, function, argument, not_callable, result };

template <class Fn, class Arguments>
struct CallOf;
template <class Fn, class... W>
struct CallOf<Fn, Types<W...>> {
  static constexpr CallFault find_fault() {
    if constexpr (!TravellingFunction<Fn>) {
      return CallFault::function;
    } else if constexpr (!(travels<W> && ...)) {
      return CallFault::argument;
    } else if constexpr (!std::is_invocable_v<Fn, W...>) {
      return CallFault::not_callable;
    } else if constexpr (!answer_travels<typename WireCall<Fn, W...>::Result>) {
      return CallFault::result;
    } else {
      return CallFault::none;
    }
  }
  static constexpr CallFault fault = find_fault();
  using type = WireCall<Fn, W...>;
};
template <class Fn, class... Args>
using call_of_t = CallOf<
    std::decay_t<Fn>,
    typename WireArguments<typename CallableParameters<std::decay_t<Fn>>::type, Args...>::type>;

/// Does not compile, and says why.
template <class Fn, class... W, std::size_t... I>
constexpr void explain_call(CallOf<Fn, Types<W...>>, std::index_sequence<I...>) {
  constexpr CallFault fault = CallOf<Fn, Types<W...>>::fault;
  if constexpr (fault == CallFault::function) {
    static_cast<void>(FunctionCannotTravel<Fn>{});
  } else if constexpr (fault == CallFault::argument) {
    (require_travels<W, InArgument<I + 1, W>>(), ...);
  } else if constexpr (fault == CallFault::result) {
    using Yielded = answer_value_t<typename WireCall<Fn, W...>::Result>;
    require_travels<Yielded, InResult<Yielded>>();
  } else {
    static_assert(fault == CallFault::none,
                  "the function cannot be called with these arguments in another process: they are "
                  "copies passed on as rvalues, so take them by value or by reference to const.");
  }
}

}  // namespace detail

/// Whether `fn(args…)` can be called in another process.
template <class Fn, class... Args>
concept RemotelyCallable = detail::call_of_t<Fn, Args...>::fault == detail::CallFault::none;

/// Stops the compilation, with the cure, unless it can.
template <class Fn, class... Args>
constexpr void require_remotely_callable() {
  if constexpr (!RemotelyCallable<Fn, Args...>) {
    detail::explain_call(detail::call_of_t<Fn, Args...>{}, std::index_sequence_for<Args...>{});
  }
}

/// What the call yields: a coroutine function's what its Task does, a reference as a value.
template <class Fn, class... Args>
using call_result_t = detail::answer_value_t<typename detail::call_of_t<Fn, Args...>::type::Result>;

/// Writes the call. Throws CodecError where an argument's own codec does.
template <class Fn, class... Args>
void encode_call(OutArchive& out, const Fn& fn, const Args&... args) {
  if constexpr (RemotelyCallable<Fn, Args...>) {
    detail::call_of_t<Fn, Args...>::type::encode(out, fn, args...);
  } else {
    require_remotely_callable<Fn, Args...>();
  }
}

/// Reads a call, all that is left of `in`, makes it, and writes what became of it, whatever it be:
/// damaged bytes, an unknown function and a result that cannot be encoded are answered by an error.
/// A plain function is called at once on this thread; a coroutine function gets its arguments and
/// its Task goes to the runner. Throws only if there is no memory, or no room in `out`, even for
/// an error.
template <class = void>
void answer_call(InArchive& in, OutArchive& out, CallRunner& runner) {
  const std::size_t mark = out.size();
  std::exception_ptr error;
  try {
    detail::get_thunk(in)(in, out, runner);
    return;
  } catch (...) {
    error = std::current_exception();
  }
  detail::put_error(out, mark, error);
}

/// What became of a call that yields R: its value, or its exception is thrown.
template <class R>
R decode_answer(InArchive& in) {
  const std::size_t which = detail::get_case(in, 2, "an answer's kind");
  if (which == detail::answer_error) {
    const auto error = in.read<std::exception_ptr>();
    if (!error) in.fail("an error that is none");
    std::rethrow_exception(error);
  }
  if constexpr (!std::is_void_v<R>) return in.read<R>();
}

}  // namespace cohort::inline v0
