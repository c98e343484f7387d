// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a pool's `map` and `imap` submit: a function and some elements of the input.

#include <cstddef>
#include <exception>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/error.hpp"          // Cancelled
#include "cohort/exec/launch.hpp"    // Unwrapped, Self
#include "cohort/exec/progress.hpp"  // Progress

namespace cohort::inline v0::detail {

/// Calls a function with the elements of a tuple: `starmap` is `map` with this.
template <class Fn>
struct Spread {
  Fn fn;
  template <class Tuple>
  decltype(auto) operator()(Tuple&& tuple) {
    return std::apply(fn, std::forward<Tuple>(tuple));
  }
};

template <class Range>
using iterator_of = decltype(std::begin(std::declval<Range&>()));
template <class Iterator>
concept HasValueType = requires {
  typename std::iterator_traits<Iterator>::value_type;
};
template <class Iterator>
struct ValueOf {
  using type = std::remove_cvref_t<decltype(*std::declval<Iterator&>())>;
};
template <HasValueType Iterator>
struct ValueOf<Iterator> {
  using type = typename std::iterator_traits<Iterator>::value_type;
};
/// An element as a stored copy.
template <class Range>
using value_of = typename ValueOf<iterator_of<Range>>::type;

/// Whether an element stays where it is when the iterator goes on.
template <class Iterator>
inline constexpr bool stays = false;
template <class Iterator>
requires(HasValueType<Iterator>&& std::is_lvalue_reference_v<
         decltype(*std::declval<Iterator&>())>) inline constexpr bool stays<Iterator> =
    std::is_base_of_v<std::forward_iterator_tag,
                      typename std::iterator_traits<Iterator>::iterator_category>;
/// What `map` calls its function with: a reference to the element if it stays, else a copy.
template <class Range>
using element_of =
    std::conditional_t<stays<iterator_of<Range>>, decltype(*std::declval<iterator_of<Range>&>()),
                       value_of<Range>>;

template <class E>
struct Item {
  E value;
  E&& get() noexcept { return std::move(value); }
};
template <class E>
struct Item<E&> {
  E* value;
  E& get() const noexcept { return *value; }
};
template <class E, class X>
Item<E> make_item(X&& x) {
  if constexpr (std::is_reference_v<E>) {
    return {std::addressof(x)};
  } else {
    return {E(std::forward<X>(x))};
  }
}

/// What became of one element.
template <class T>
struct Fate {
  std::optional<T> value;
  std::exception_ptr error;
};

/// What `fn(element)` yields, as it is kept.
template <class Fn, class E>
using mapped_t = stored_t<
    std::remove_cv_t<typename Unwrapped<std::invoke_result_t<std::decay_t<Fn>&, E&&>>::type>>;

/// Calls `fn` with one element after the other. Yields the results, or, if `one_by_one`, the fates:
/// then a failure is no end.
template <class Fn, class E, bool one_by_one>
struct Chunk {
  using Called = std::invoke_result_t<Fn&, E&&>;
  using Value = mapped_t<Fn, E>;
  using Result = std::conditional_t<one_by_one, Fate<Value>, Value>;

  Fn fn;
  std::vector<Item<E>> items;

  auto operator()() {
    if constexpr (is_task<Called>) {
      return await_all();
    } else {
      return call_all();
    }
  }

 private:
  using Results = std::vector<Result>;

  Results call_all() {
    Results results;
    results.reserve(items.size());
    const Context* const context = current_context();
    for (auto& item : items) {
      if (context && context->plain) throw_if_stopped(*context->plain);
      try {
        if constexpr (std::is_void_v<Called>) {
          std::invoke(fn, item.get());
          keep(results, Value{});
        } else {
          keep(results, std::invoke(fn, item.get()));
        }
      } catch (...) {
        lose(results);
      }
    }
    return results;
  }

  Task<Results> await_all() {
    Coroutine& self = co_await Self{};
    Results results;
    results.reserve(items.size());
    for (auto& item : items) {
      throw_if_stopped(self);
      try {
        if constexpr (std::is_void_v<typename Unwrapped<Called>::type>) {
          co_await std::invoke(fn, item.get());
          keep(results, Value{});
        } else {
          keep(results, co_await std::invoke(fn, item.get()));
        }
      } catch (...) {
        lose(results);
      }
    }
    co_return results;
  }

  static void throw_if_stopped(Coroutine& task) {
    if (task.scope().stop_requested()) throw Cancelled{};
  }
  template <class X>
  static void keep(Results& results, X&& x) {
    if constexpr (one_by_one) {
      results.push_back({Value(std::forward<X>(x)), nullptr});
    } else {
      results.emplace_back(std::forward<X>(x));
    }
  }
  // In a catch clause.
  static void lose(Results& results) {
    if constexpr (one_by_one) {
      results.push_back({std::nullopt, std::current_exception()});
    } else {
      throw;
    }
  }
};

template <std::integral Int>
std::size_t checked_chunksize(Int chunksize) {
  if (std::cmp_less(chunksize, 1)) {
    throw std::invalid_argument("the chunk size is " + std::to_string(chunksize) +
                                ", must be 1 or more");
  }
  return static_cast<std::size_t>(chunksize);
}

/// How `map` goes about it.
class MapHow {
 public:
  MapHow() = default;
  /// Throws std::invalid_argument for a chunk size below 1.
  template <std::integral Int>
  MapHow(Int chunksize) : chunksize_(checked_chunksize(chunksize)) {}
  MapHow(Progress progress) : progress_(progress) {}
  template <std::integral Int>
  MapHow(Int chunksize, Progress progress) : MapHow(chunksize) {
    progress_ = progress;
  }

  const Progress& progress() const noexcept { return progress_; }
  /// Automatic: four pieces for each worker.
  std::size_t chunksize(std::size_t elements, std::size_t workers) const noexcept {
    if (chunksize_ != 0) return chunksize_;
    return elements == 0 ? 1 : (elements - 1) / (4 * workers) + 1;
  }

 private:
  std::size_t chunksize_ = 0;
  Progress progress_ = Progress::none();
};

}  // namespace cohort::inline v0::detail
