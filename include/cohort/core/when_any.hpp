// SPDX-License-Identifier: BSL-1.0
#pragma once

/// when_any and select: several awaitables, the first result.
///
///     auto first = co_await select(rx1.recv(), rx2.recv(), sleep_for(1s));
///     switch (first.index()) { … }

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "cohort/core/detail/race.hpp"  // Race, legs

namespace cohort::inline v0 {

/// What `when_any(range)` yields: which one was first, and its result.
template <class T>
struct AnyResult {
  std::size_t index;
  T value;
};

namespace detail {

/// Legs of different types, each constructed in place from its source.
template <std::size_t I, class Source, class... Xs>
class LegList;

template <std::size_t I, class Source>
class LegList<I, Source> {
 public:
  LegList(Race&, Source&) {}
  template <class Fn>
  bool each(Fn&) {
    return true;
  }
  template <class Result>
  void collect(std::optional<Result>&) {}
};
template <std::size_t I, class Source, class X, class... Xs>
class LegList<I, Source, X, Xs...> {
 public:
  LegList(Race& race, Source& source)
      : leg_(race, LegOf<X>::make(std::get<I>(source))), rest_(race, source) {}
  template <class Fn>
  bool each(Fn& fn) {
    return fn(leg_) && rest_.each(fn);
  }
  template <class Result>
  void collect(std::optional<Result>& result) {
    if (!leg_.won()) return rest_.collect(result);
    if constexpr (std::is_void_v<typename leg_t<X>::result_type>) {
      leg_.result();
      result.emplace(std::in_place_index<I>);
    } else {
      result.emplace(std::in_place_index<I>, leg_.result());
    }
  }

 private:
  leg_t<X> leg_;
  LegList<I + 1, Source, Xs...> rest_;
};

template <class... Xs>
class AnyLegs {
 public:
  using Result = std::variant<stored_t<typename leg_t<Xs>::result_type>...>;
  AnyLegs(Race& race, std::tuple<Xs...>& source) : legs_(race, source) {}
  template <class Fn>
  void each(Fn fn) {
    legs_.each(fn);
  }
  Result result() {
    std::optional<Result> result;
    legs_.collect(result);
    return *std::move(result);
  }

 private:
  LegList<0, std::tuple<Xs...>, Xs...> legs_;
};

template <class X>
class AnyLegRange {
 public:
  using Value = stored_t<typename leg_t<X>::result_type>;
  AnyLegRange(Race& race, std::vector<X>& source) {
    legs_.reserve(source.size());
    for (X& x : source) legs_.push_back(std::make_unique<leg_t<X>>(race, LegOf<X>::make(x)));
  }
  template <class Fn>
  void each(Fn fn) {
    for (auto& leg : legs_) {
      if (!fn(*leg)) return;
    }
  }
  AnyResult<Value> result() {
    std::size_t i = 0;
    while (!legs_[i]->won()) ++i;
    if constexpr (std::is_void_v<typename leg_t<X>::result_type>) {
      legs_[i]->result();
      return {i, {}};
    } else {
      return {i, legs_[i]->result()};
    }
  }

 private:
  std::vector<std::unique_ptr<leg_t<X>>> legs_;
};

/// `co_await` starts the race.
template <class Legs, class Source>
class WhenAny {
 public:
  explicit WhenAny(Source source) : source_(std::move(source)) {}
  RaceAwaiter<Legs> as_awaiter(Coroutine& parent) && { return {parent, source_}; }

 private:
  Source source_;
};

}  // namespace detail

/// Awaits the first of several operations, Futures and tasks; yields a variant whose index says
/// which (`std::monostate` for void). Whatever ends first, by a value or an exception, decides.
/// Operations that are ready win in the order of the arguments, before any task starts. The losers
/// are cancelled and awaited: an operation has taken nothing, a task has ended; what a losing task
/// throws goes to the unobserved hook. A Future is never cancelled by losing.
template <class... Awaitables>
requires(sizeof...(Awaitables) > 1 || !(detail::Range<Awaitables> && ...))
    [[nodiscard("co_await it")]] auto when_any(Awaitables&&... awaitables) {
  using Source = std::tuple<decltype(detail::racer(std::forward<Awaitables>(awaitables)))...>;
  using Legs = detail::AnyLegs<decltype(detail::racer(std::forward<Awaitables>(awaitables)))...>;
  return detail::WhenAny<Legs, Source>(
      Source(detail::racer(std::forward<Awaitables>(awaitables))...));
}

/// The same over a range of awaitables of one type; yields index and value. An lvalue range's
/// elements are moved from, unless they are Futures. Throws std::invalid_argument if it is empty.
template <detail::Range Range>
[[nodiscard("co_await it")]] auto when_any(Range&& range) {
  using Element = std::remove_cvref_t<decltype(*std::begin(range))>;
  constexpr bool keeps = std::is_lvalue_reference_v<Range> && detail::is_future<Element>;
  using Given = std::conditional_t<keeps, Element&, Element&&>;
  using X = decltype(detail::racer(std::declval<Given>()));
  std::vector<X> source;
  for (auto&& element : range) source.push_back(detail::racer(static_cast<Given>(element)));
  if (source.empty()) throw std::invalid_argument("when_any(range): the range is empty");
  return detail::WhenAny<detail::AnyLegRange<X>, std::vector<X>>(std::move(source));
}

/// `when_any` under the name that Go gave it.
template <class... Awaitables>
[[nodiscard("co_await it")]] auto select(Awaitables&&... awaitables) {
  return when_any(std::forward<Awaitables>(awaitables)...);
}

}  // namespace cohort::inline v0
