// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The event: a flag and a gate.

#include <cstdint>

#include "cohort/core/gate.hpp"  // the gate, and what serve means

namespace cohort::inline v0::detail {

/// The word's bits: `set`; `waited`: somebody stands at the gate, so set() must serve; `pulse`: a
/// set() is on its way to those who stand there now, whatever clear() does meanwhile.
template <class G>
class BasicEvent {
 public:
  using Line = typename G::Line;
  using Waiter = typename G::Waiter;

  explicit BasicEvent(bool initially = false) noexcept : word_(initially ? is_set_ : 0) {}

  bool is_set() const noexcept { return word_.load(std::memory_order_acquire) & is_set_; }

  void set() noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    for (;;) {
      const auto wanted = word | is_set_ | (word & waited ? pulse : 0);
      // Release: what happened before set() is seen by those it wakes. Acquire: see their arrival.
      if (word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
        break;
      }
    }
    if (word & waited) gate_.serve(*this);
  }

  void clear() noexcept { word_.fetch_and(~is_set_, std::memory_order_acq_rel); }

  void arm(Waiter& waiter) noexcept { gate_.arm(*this, waiter); }
  void disarm(Waiter& waiter) noexcept { gate_.disarm(*this, waiter); }

  /// For a body that must see the event's line; see Future's callbacks.
  G& gate() noexcept { return gate_; }

 private:
  friend G;
  static constexpr std::uint32_t is_set_ = 1;
  static constexpr std::uint32_t waited = 2;
  static constexpr std::uint32_t pulse = 4;

  void serve(Line& line) noexcept {
    auto word = word_.load(std::memory_order_acquire);
    for (;;) {
      if (word & (is_set_ | pulse)) {
        while (line.claim_front()) line.grant_front();
        word_.fetch_and(~(waited | pulse), std::memory_order_acq_rel);
        return;
      }
      const auto wanted = line.empty() ? word & ~waited : word | waited;
      if (wanted == word) return;  // it changes under the gate's lock only: a set() sees it
      if (word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
        return;
      }
    }
  }

  typename G::Atomics::template atomic<std::uint32_t> word_;
  G gate_;
};

/// Waiting for an event, as an operation's Spec.
template <class Event>
struct EventWait {
  using Result = void;
  struct Place : Waiter {
    using Waiter::Waiter;
  };
  struct AtOnce {};
  Event* event;
  bool try_now(auto&) noexcept { return event->is_set(); }
  void arm(Place& place) noexcept { event->arm(place); }
  void disarm(Place& place) noexcept { event->disarm(place); }
  bool retry(Place&) noexcept { return false; }
  void result(auto&) noexcept {}
};

}  // namespace cohort::inline v0::detail
