// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What Future::add_done_callback leaves behind until the future is done.

#include <exception>
#include <memory>
#include <utility>

#include "cohort/core/waiter.hpp"  // Wait
#include "cohort/error.hpp"        // report_unobserved

namespace cohort::inline v0 {

template <class T>
class Future;

namespace detail {

template <class T>
class StateRef;

// A callback stands in the event's line like everybody else who waits.
template <class T, class Fn>
class DoneCallback final : private Wait, private Waiter {
 public:
  static void add(StateRef<T> state, Fn fn) {
    auto* const self = new DoneCallback(std::move(state), std::move(fn));
    self->word_.store(slow, std::memory_order_relaxed);
    self->state_->event().arm(*self);
  }

 private:
  DoneCallback(StateRef<T> state, Fn fn)
      : Waiter(static_cast<Wait&>(*this)), state_(std::move(state)), fn_(std::move(fn)) {}
  ~DoneCallback() = default;

  void publish(Outcome) noexcept override {
    const std::unique_ptr<DoneCallback, void (*)(DoneCallback*)> self(
        this, [](DoneCallback* p) { delete p; });
    try {
      fn_(Future<T>(state_));
    } catch (...) {
      report_unobserved(std::current_exception());
    }
  }
  Wakeup nudge() noexcept override { return {}; }

  StateRef<T> state_;
  Fn fn_;
};

}  // namespace detail
}  // namespace cohort::inline v0
