// SPDX-License-Identifier: BSL-1.0
#pragma once

/// wait: until some or all of several futures are done.
///
///     auto [done, not_done] = wait(futures, ReturnWhen::first_completed).block();
///
/// In a coroutine: `auto split = co_await wait(futures);`.

#include <stdexcept>
#include <utility>
#include <vector>

#include "cohort/core/detail/watch.hpp"  // Watch
#include "cohort/core/operation.hpp"     // Operation

namespace cohort::inline v0 {

/// When `wait` returns: as soon as one is done, by whatever; as soon as one is done by an exception
/// (a cancellation is none), or all are; when all are.
enum class ReturnWhen { first_completed, first_exception, all_completed };

/// What `wait` yields, each in the order in which the futures were given.
template <class T>
struct Waited {
  std::vector<Future<T>> done;
  std::vector<Future<T>> not_done;
};

namespace detail {

template <class T>
struct WaitForFutures : WatchWait {
  using Result = Waited<T>;
  explicit WaitForFutures(Watch::Owner o) noexcept : WatchWait{o.get()}, owner(std::move(o)) {}
  Result result(Place&) const {
    Result result;
    watch->each([&result](FutureBase& base) {
      base.retain();
      StateRef<T> state(static_cast<FutureState<T>*>(&base));
      (base.done() ? result.done : result.not_done).emplace_back(std::move(state));
    });
    return result;
  }
  Watch::Owner owner;
};

template <class Futures>
using future_result_t =
    typename std::remove_cvref_t<decltype(*std::begin(std::declval<Futures&>()))>::result_type;

}  // namespace detail

/// Waits for a range of Futures as the mode says. One given twice counts once; of none, both lists
/// are empty at once. A Future is never cancelled by this, whatever becomes of the wait, and no
/// exception is fetched: block() on those that are done. Under `within` an optional: empty, if the
/// time was up first (ask `done()` of each). Throws std::invalid_argument for an unknown mode,
/// InvalidState for an empty Future.
template <detail::Range Futures>
auto wait(Futures&& futures, ReturnWhen when = ReturnWhen::all_completed) {
  detail::Watch::Goal goal;
  switch (when) {
    case ReturnWhen::first_completed: break;
    case ReturnWhen::first_exception: goal.or_failure = true; [[fallthrough]];
    case ReturnWhen::all_completed: goal.needed = static_cast<std::size_t>(-1); break;
    default: throw std::invalid_argument("wait(futures, when): when is no ReturnWhen");
  }
  return Operation(
      detail::WaitForFutures<detail::future_result_t<Futures>>(detail::Watch::over(futures, goal)));
}

}  // namespace cohort::inline v0
