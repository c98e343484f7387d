// SPDX-License-Identifier: BSL-1.0
#pragma once

/// as_completed: futures in the order in which they are done.
///
///     auto done = as_completed(futures);
///     while (auto f = co_await done.next()) use(f->block());      // in a coroutine
///     for (auto& f : as_completed(futures).blocking()) use(f.block());      // on a thread

#include <optional>
#include <string>
#include <utility>

#include "cohort/core/clock.hpp"                  // now
#include "cohort/core/detail/blocking_range.hpp"  // BlockingRange
#include "cohort/core/detail/watch.hpp"           // Watch
#include "cohort/core/operation.hpp"              // TimedSpec
#include "cohort/error.hpp"                       // TimedOut

namespace cohort::inline v0 {

namespace detail {
template <class T>
struct DoneWait : WatchWait {
  using Result = std::optional<Future<T>>;
  static Result result(Place& place) noexcept {
    auto* const state = static_cast<FutureState<T>*>(place.take());
    if (!state) return std::nullopt;
    return Future<T>(StateRef<T>(state));
  }
};

/// The same with the whole iteration's time limit, which ends in an error.
template <class T>
struct NextDone : TimedSpec<DoneWait<T>> {
  using Base = TimedSpec<DoneWait<T>>;
  using Result = std::optional<Future<T>>;
  Result result(typename Base::Place& place) {
    auto next = Base::result(place);
    if (next.timed_out()) {
      const auto [left, total] = this->spec.watch->unfinished();
      throw TimedOut(std::to_string(left) + " (of " + std::to_string(total) +
                     ") futures unfinished");
    }
    return Result(std::move(next));
  }
};
}  // namespace detail

/// What `as_completed` yields: each future once. Movable; must outlive its next() operations, of
/// which any number may wait, first come, first served. Keeps no future that it has yielded.
template <class T>
class [[nodiscard("iterate over it")]] AsCompleted {
 public:
  using value_type = Future<T>;

  /// For the library.
  explicit AsCompleted(detail::Watch::Owner watch, detail::Limit limit = {}) noexcept
      : watch_(std::move(watch)), limit_(limit) {}

  /// Waits until one is done that was not yielded yet; empty once all were. A Future that is done
  /// by an exception or cancelled is yielded like the others. Cancelled or timed out, it has taken
  /// none. Throws TimedOut when the iteration's own time is up and none is done.
  auto next() { return Operation(detail::NextDone<T>{{{{watch_.get()}}, limit_}}); }
  /// A range for a plain thread; throws Cancelled when stop is requested.
  auto blocking(StopToken stop = {})& {
    return detail::BlockingRange<AsCompleted&>(*this, std::move(stop));
  }
  auto blocking(StopToken stop = {})&& {
    return detail::BlockingRange<AsCompleted>(std::move(*this), std::move(stop));
  }

 private:
  detail::Watch::Owner watch_;
  detail::Limit limit_;
};

/// Watches a range of Futures from now on and yields each when it is done: those that are done
/// already first, in the order given; one given twice, once. No Future is ever cancelled by this.
/// Throws InvalidState for an empty Future.
template <detail::Range Futures>
auto as_completed(Futures&& futures) {
  using T = typename std::remove_cvref_t<decltype(*std::begin(futures))>::result_type;
  return AsCompleted<T>(detail::Watch::over(futures, {.needed = 1, .hands_out = true}));
}
/// The same, for at most that long from this call on; then `next()` throws TimedOut, which says how
/// many are unfinished.
template <detail::Range Futures, class Rep, class Period>
auto as_completed(Futures&& futures, std::chrono::duration<Rep, Period> d) {
  using T = typename std::remove_cvref_t<decltype(*std::begin(futures))>::result_type;
  return AsCompleted<T>(detail::Watch::over(futures, {.needed = 1, .hands_out = true}),
                        detail::Limit::until(detail::add_saturating(now(), d)));
}

}  // namespace cohort::inline v0
