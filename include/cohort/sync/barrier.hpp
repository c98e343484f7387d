// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Barrier: parties that wait for each other, round after round.
///
///     Barrier meeting{3};
///     const auto index = co_await meeting.wait();     // 0, 1 or 2, in order of arrival

#include <concepts>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <utility>

#include "cohort/core/operation.hpp"             // Operation
#include "cohort/core/timed.hpp"                 // Limit
#include "cohort/sync/detail/basic_barrier.hpp"  // the core

namespace cohort::inline v0 {

/// When as many as there are parties wait, one of them runs the action, and then all pass. A party
/// that times out, is stopped while it waits, or fails in the action breaks the barrier: all who
/// wait, and all who come until `reset()`, get BrokenBarrier. All verbs may be called by any number
/// of tasks and threads at once. Neither copies nor moves; must outlive those who wait.
template <class Core = detail::LocalBarrier>
class BasicBarrier {
 public:
  /// `parties`: 1 or more, else std::invalid_argument. `action` runs once a round before anybody
  /// passes, in one of the parties: inside a coroutine it must not block.
  template <std::integral Int>
  explicit BasicBarrier(Int parties, std::function<void()> action = {})
      : core_(checked(parties), std::move(action)) {}
  /// `timeout`: how long a wait may take that is given no limit of its own.
  template <std::integral Int, class Rep, class Period>
  BasicBarrier(Int parties, std::function<void()> action,
               std::chrono::duration<Rep, Period> timeout)
      : core_(checked(parties), std::move(action)), limit_(detail::Limit::within(timeout)) {}
  BasicBarrier(const BasicBarrier&) = delete;
  BasicBarrier& operator=(const BasicBarrier&) = delete;

  /// Waits for the other parties; yields 0 to parties - 1, in order of arrival in this round.
  /// Throws BrokenBarrier, and what the action threw if it ran here. Under `within` and `until` an
  /// own time-out yields nothing; else the barrier's time-out throws BrokenBarrier. Timed out, also
  /// at once, or cancelled it has broken the barrier; cancelled before it began it has not.
  auto wait() { return Operation(detail::BarrierWait<detail::BarrierArrival>{{{&core_}, limit_}}); }

  /// Sends all who wait away with BrokenBarrier and makes the barrier as new. A party that runs the
  /// action finishes it, gets BrokenBarrier, and the next round's is not run before.
  void reset() noexcept { core_.reset(); }
  /// Breaks it.
  void abort() noexcept { core_.abort(); }
  bool broken() const noexcept { return core_.broken(); }
  /// How many wait in this round, for a moment.
  std::uint64_t n_waiting() const noexcept { return core_.waiting(); }
  std::uint64_t parties() const noexcept { return core_.parties(); }

 private:
  template <std::integral Int>
  static std::uint64_t checked(Int parties) {
    if (std::cmp_less(parties, 1)) throw std::invalid_argument("Barrier: needs at least 1 party");
    return static_cast<std::uint64_t>(parties);
  }

  Core core_;
  const detail::Limit limit_;
};
using Barrier = BasicBarrier<>;

}  // namespace cohort::inline v0
