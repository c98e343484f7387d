// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Event: a flag that coroutines and threads can wait for.
///
///     Event ready;
///     co_await ready.wait();        // one side
///     ready.set();                  // the other: everybody goes on

#include "cohort/core/detail/basic_event.hpp"  // the core
#include "cohort/core/operation.hpp"           // Operation

namespace cohort::inline v0 {

/// Unset at first. Everybody who waits when `set()` is called returns, even if `clear()` follows at
/// once. `set()` may be called in a signal handler, unless a `select` waits for this very event (use
/// Interrupts for that). Neither copies nor moves.
template <class Core = detail::BasicEvent<detail::Gate>>
class BasicEvent {
 public:
  BasicEvent() = default;
  BasicEvent(const BasicEvent&) = delete;
  BasicEvent& operator=(const BasicEvent&) = delete;

  void set() noexcept { core_.set(); }
  void clear() noexcept { core_.clear(); }
  bool is_set() const noexcept { return core_.is_set(); }
  /// Waits until it is set.
  COHORT_HOT auto wait() { return Operation(detail::EventWait<Core>{&core_}); }

 private:
  Core core_;
};
using Event = BasicEvent<>;

}  // namespace cohort::inline v0
