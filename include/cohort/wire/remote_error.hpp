// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Exceptions of another process. The standard ones and Cohort's own come back as themselves, with
/// their text; of every other, the name of its type, its text and the process come back, as a
/// RemoteError. Nothing that can be thrown fails to travel.
///
///     out(std::current_exception());
///     std::rethrow_exception(in.read<std::exception_ptr>());
///
/// A std::system_error is itself if its category is generic or system. Without RTTI nobody can tell
/// a class from its base, so one that derives from a known exception comes back as that.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>

#include "cohort/config.hpp"      // COHORT_HAS_RTTI
#include "cohort/error.hpp"       // every error
#include "cohort/os/origin.hpp"   // own_process_id, type_of_current_exception
#include "cohort/wire/codec.hpp"  // Codec

namespace cohort::inline v0 {
namespace detail {

inline std::string text_of(const std::exception& error) {
  const char* const text = error.what();
  return text ? text : "";
}

/// How one kind of exception travels. `itself` is false if this one cannot be rebuilt.
template <class E>
struct ExceptionShape {
  static bool itself(const E&) noexcept { return true; }
  static void encode(OutArchive& out, const E& error) {
    if constexpr (std::is_constructible_v<E, std::string>) out(text_of(error));
  }
  static E decode(InArchive& in) {
    if constexpr (std::is_constructible_v<E, std::string>) {
      return E(in.read<std::string>());
    } else {
      return E();
    }
  }
};

template <std::same_as<std::system_error> E>
struct ExceptionShape<E> {
  static bool itself(const E& error) noexcept {
    return error.code().category() == std::generic_category() ||
           error.code().category() == std::system_category();
  }
  static void encode(OutArchive& out, const E& error) {
    const bool generic = error.code().category() == std::generic_category();
    // what() is "text: message", or the message alone; the constructor appends the message again.
    std::optional<std::string> text = text_of(error);
    const std::string tail = ": " + error.code().message();
    if (text->size() >= tail.size() &&
        text->compare(text->size() - tail.size(), std::string::npos, tail) == 0) {
      text->resize(text->size() - tail.size());
    } else {
      text.reset();
    }
    out(generic, std::int32_t{error.code().value()}, text);
  }
  static E decode(InArchive& in) {
    const auto generic = in.read<bool>();
    const auto value = in.read<std::int32_t>();
    const auto text = in.read<std::optional<std::string>>();
    const std::error_code code(value, generic ? std::generic_category() : std::system_category());
    return text ? E(code, *text) : E(code);
  }
};

template <std::same_as<WorkerDied> E>
struct ExceptionShape<E> {
  static bool itself(const WorkerDied&) noexcept { return true; }
  static void encode(OutArchive& out, const E& error) {
    out(text_of(error), error.pid(), error.exitcode(), error.task());
  }
  static E decode(InArchive& in) {
    const auto what = in.read<std::string>();
    const auto pid = in.read<int>();
    const auto exitcode = in.read<std::optional<int>>();
    return E(what, pid, exitcode, in.read<std::string>());
  }
};

template <std::same_as<RemoteError> E>
struct ExceptionShape<E> {
  static bool itself(const RemoteError&) noexcept { return true; }
  static void encode(OutArchive& out, const E& error) {
    out(error.type(), text_of(error), error.pid());
  }
  static E decode(InArchive& in) {
    const auto type = in.read<std::string>();
    const auto what = in.read<std::string>();
    return E(type, what, in.read<int>());
  }
};

/// A list of exceptions, each before its base. The position is what stands for it in the bytes.
template <class... E>
class ExceptionList {
 public:
  template <class X>
  static constexpr bool has = (std::is_same_v<X, E> || ...);

  /// Inside a catch block that has caught `error`: writes it, if it is in the list.
  static bool put(OutArchive& out, const std::exception& error) {
    std::size_t position = first;
    return (put_if<E>(out, error, position++) || ...);
  }
  static std::exception_ptr get(InArchive& in, std::size_t position) {
    std::exception_ptr result;
    std::size_t i = first;
    static_cast<void>(((position == i++ &&
                        (result = std::make_exception_ptr(ExceptionShape<E>::decode(in)), true)) ||
                       ...));
    return result;
  }

  static constexpr std::size_t none = 0;
  static constexpr std::size_t cancelled = 1;
  static constexpr std::size_t first = 2;
  static constexpr std::size_t count = first + sizeof...(E);
  template <class X>
  static constexpr std::size_t position_of() {
    std::size_t position = first;
    static_cast<void>(((std::is_same_v<X, E> || (++position, false)) || ...));
    return position;
  }

 private:
  template <class X>
  static bool put_if(OutArchive& out, const std::exception& error, std::size_t position) {
#if COHORT_HAS_RTTI
    return typeid(error) == typeid(X) && put_as(out, static_cast<const X&>(error), position);
#else
    static_cast<void>(error);
    try {
      throw;
    } catch (const X& caught) {
      return put_as(out, caught, position);
    } catch (...) {
      return false;
    }
#endif
  }
  template <class X>
  static bool put_as(OutArchive& out, const X& error, std::size_t position) {
    if (!ExceptionShape<X>::itself(error)) return false;
    put_case(out, position);
    ExceptionShape<X>::encode(out, error);
    return true;
  }
};

using KnownExceptions =
    ExceptionList<NotOwner, OverRelease, InvalidState, UsageError, Empty, Full, ShutDown, Closed,
                  EndOfStream, BrokenPipe, BadMessage, BufferTooShort, AuthFailed, TimedOut,
                  BrokenBarrier, OwnerDied, WorkerDied, BrokenPool, RemoteError, CodecError, Error,
                  std::invalid_argument, std::domain_error, std::length_error, std::out_of_range,
                  std::logic_error, std::system_error, std::range_error, std::overflow_error,
                  std::underflow_error, std::runtime_error, std::bad_array_new_length,
                  std::bad_alloc, std::bad_cast, std::bad_typeid, std::bad_exception,
                  std::bad_function_call, std::bad_weak_ptr, std::bad_optional_access,
                  std::bad_variant_access, std::exception>;

/// Inside a catch block.
template <class = void>
void put_stranger(OutArchive& out, const std::string& text) {
  put_case(out, KnownExceptions::position_of<RemoteError>());
  ExceptionShape<RemoteError>::encode(
      out, RemoteError(os::type_of_current_exception(), text, os::own_process_id()));
}

}  // namespace detail

/// Any exception, or none.
template <std::same_as<std::exception_ptr> E>
struct Codec<E> {
  static void encode(OutArchive& out, const E& error) {
    if (!error) return detail::put_case(out, detail::KnownExceptions::none);
    try {
      std::rethrow_exception(error);
    } catch (const Cancelled&) {
      detail::put_case(out, detail::KnownExceptions::cancelled);
    } catch (const std::exception& e) {
      if (!detail::KnownExceptions::put(out, e)) detail::put_stranger(out, detail::text_of(e));
    } catch (const char* text) {
      detail::put_stranger(out, text ? text : "");
    } catch (const std::string& text) {
      detail::put_stranger(out, text);
    } catch (...) {
      detail::put_stranger(out, "an exception that is no std::exception");
    }
  }
  static E decode(InArchive& in) {
    const std::size_t position =
        detail::get_case(in, detail::KnownExceptions::count, "a kind of exception");
    if (position == detail::KnownExceptions::none) return nullptr;
    if (position == detail::KnownExceptions::cancelled) return std::make_exception_ptr(Cancelled());
    return detail::KnownExceptions::get(in, position);
  }
};

/// An exception as a value among others.
template <class E>
requires(detail::KnownExceptions::has<E>) struct Codec<E> {
  static void encode(OutArchive& out, const E& error) {
    detail::ExceptionShape<E>::encode(out, error);
  }
  static E decode(InArchive& in) { return detail::ExceptionShape<E>::decode(in); }
};

}  // namespace cohort::inline v0
