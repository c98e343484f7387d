// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A function and some elements of the input of `map` or `imap`, as they travel to a worker, which
/// answers for one element after the other: so the pool knows what was done if the worker dies.

#include <concepts>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

#include "cohort/exec/detail/chunk.hpp"  // Spread
#include "cohort/wire/remote_call.hpp"   // WireCall

namespace cohort::inline v0 {

namespace detail {

/// Who takes the answers of a chunk.
class ChunkRunner : public CallRunner {
 public:
  /// The first element that is to be done: others were, by a worker that died.
  virtual std::uint64_t first() const noexcept = 0;
  virtual bool stopped() const noexcept = 0;
  /// What is in the archive is the answer for an element, and not the last: takes it out.
  virtual void next_follows() = 0;
};

/// `one_by_one`: a failure is no end.
template <class Fn, class E, bool one_by_one>
struct ChunkCall {
  using Called = std::invoke_result_t<Fn&, E&&>;
  using Yielded = answer_value_t<typename Unwrapped<Called>::type>;

  template <class Elements>
  static void encode(OutArchive& out, const Fn& fn, Elements&& elements, std::uint64_t count) {
    put_place(out, Registered<ChunkCall>::record.place());
    put_function(out, fn);
    out(count);
    for (std::uint64_t i = 0; i < count; ++i) put_value<E>(out, elements(i));
  }

  static void run(InArchive& in, OutArchive& out, CallRunner& runner) {
    auto* const chunk = dynamic_cast<ChunkRunner*>(&runner);
    if (!chunk) in.fail("a chunk of a map, which only a worker of a pool takes");
    Fn fn = get_function<Fn>(in);
    const auto count = in.read<std::uint64_t>();
    for (std::uint64_t i = 0; i < chunk->first(); ++i) in.read<E>();
    for (std::uint64_t i = chunk->first(); i < count; ++i) {
      const bool done = call_one(fn, in, out, *chunk);
      if (!done && !one_by_one) return;
      if (i + 1 < count) chunk->next_follows();
    }
  }

 private:
  // Whatever becomes of it is in `out`; false: an error.
  static bool call_one(Fn& fn, InArchive& in, OutArchive& out, ChunkRunner& chunk) {
    std::exception_ptr error;
    const std::size_t mark = out.size();
    try {
      E element = in.read<E>();
      if (chunk.stopped()) throw Cancelled{};
      if constexpr (is_task<Called>) {
        chunk.run(answer_later<typename Unwrapped<Called>::type>(
            std::invoke(fn, std::move(element)), &out));
        return out.bytes()[mark] == std::byte{answer_value};
      } else if constexpr (std::is_void_v<Called>) {
        std::invoke(fn, std::move(element));
        put_case(out, answer_value);
      } else {
        const auto& result = std::invoke(fn, std::move(element));
        put_case(out, answer_value);
        put_value(out, static_cast<const Yielded&>(result));
      }
      return true;
    } catch (...) {
      error = std::current_exception();
    }
    put_error(out, mark, error);
    return false;
  }
};

}  // namespace detail

/// `starmap`'s function travels as the one in it does.
template <class Fn>
requires detail::TravellingFunction<Fn>
struct Codec<detail::Spread<Fn>> {
  static void encode(OutArchive& out, const detail::Spread<Fn>& spread) {
    detail::put_function(out, spread.fn);
  }
  static detail::Spread<Fn> decode(InArchive& in) { return {detail::get_function<Fn>(in)}; }
};

}  // namespace cohort::inline v0
