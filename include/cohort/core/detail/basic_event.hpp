// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The event: a count of what is missing, and a gate. It is set while nothing is. Of most, one
/// thing at most is ever missing: those are a flag.

#include <cstdint>

#include "cohort/config.hpp"     // COHORT_HOT
#include "cohort/core/gate.hpp"  // the gate, and what serve means

namespace cohort::inline v0::detail {

/// How the word's count tells what is missing: it is what is missing.
struct CountsMissing {
  static constexpr unsigned arrival_bits = 0;
  template <class Word>
  static Word missing(Word count) noexcept {
    return count;
  }
  template <class Word>
  static Word less(Word word, Word n) noexcept {
    return word - n;
  }
};

/// The word is `one` × the count, and three bits: `waited`: somebody stands at the gate, so whoever
/// sets it must serve; `pulse`: it was set, and the news is on its way to those who stand there now,
/// whatever is missing since; `adding`: the last `begin_to_add` has not been settled yet.
template <class G, class Word = std::uint32_t, class Count = CountsMissing>
class BasicEvent {
 public:
  using Line = typename G::Line;
  using Waiter = typename G::Waiter;

  explicit BasicEvent(bool initially = false) noexcept : word_(initially ? 0 : one) {}
  explicit BasicEvent(Count count) noexcept : word_(0), count_(count) {}

  bool is_set() const noexcept { return missing() == 0; }

  /// How many things are missing.
  Word missing() const noexcept { return missing(word_.load(std::memory_order_acquire)); }

  void set() noexcept { subtract(static_cast<Word>(-1)); }
  /// Of one that is a flag.
  void clear() noexcept { word_.fetch_or(one, std::memory_order_acq_rel); }

  /// One thing more is missing. The caller has yet to publish it.
  void add() noexcept { word_.fetch_add(one, std::memory_order_relaxed); }
  /// The same by one who may die before it is published, and then somebody settles it for him. One at
  /// a time.
  void begin_to_add() noexcept { word_.fetch_add(one | adding, std::memory_order_acq_rel); }
  void settle_add(bool published) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    while (word & adding) {
      const Word left = word - adding - (published || word < one + adding ? 0 : one);
      const bool tell = left < one && left & waited;
      if (word_.compare_exchange_weak(word, left | (tell ? pulse : 0), std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
        if (tell) gate_.serve(*this);
        return;
      }
    }
  }
  /// Takes off n, or as many as are missing; yields how many.
  COHORT_HOT Word subtract(Word n) noexcept {
    auto word = word_.load(std::memory_order_acquire);
    for (;;) {
      const Word before = missing(word);
      const Word taken = n < before ? n : before;
      const bool tell = taken == before && word & waited;
      const Word wanted = Count::less(word, taken * one) | (tell ? pulse : 0);
      // Release: what happened before is seen by those it wakes. Acquire: see their arrival.
      if (word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
        if (tell) gate_.serve(*this);
        return taken;
      }
    }
  }

  void arm(Waiter& waiter) noexcept {
    if constexpr (Count::arrival_bits != 0) arrive();
    // News that is on its way is for those who stand there already.
    if (word_.load(std::memory_order_acquire) & pulse) gate_.serve(*this);
    gate_.arm(*this, waiter);
  }
  auto disarm(Waiter& waiter) noexcept { return gate_.disarm(*this, waiter); }
  void serve_now() noexcept { gate_.serve(*this); }
  bool retry(Waiter&) noexcept { return false; }
  /// Some who waited have died.
  void bury() noexcept requires G::outlives_its_users {
    gate_.bury(*this, [](Line&) {});
  }

  /// For a body that must see the event's line; see Future's callbacks.
  G& gate() noexcept { return gate_; }

 private:
  friend G;
  static constexpr Word waited = 1;
  static constexpr Word pulse = 2;
  static constexpr Word adding = 4;
  static constexpr Word one_arrival = 8;
  static constexpr Word one = one_arrival << Count::arrival_bits;

  Word missing(Word word) const noexcept { return count_.missing(word / one); }

  // A `subtract` that has counted before must count again: what this waiter waits for may be missing
  // since, and the word does not show it.
  void arrive() noexcept {
    constexpr Word arrivals = one - one_arrival;
    auto word = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(word,
                                        (word & ~arrivals) | ((word + one_arrival) & arrivals),
                                        std::memory_order_acq_rel, std::memory_order_relaxed)) {}
  }

  // Whoever has died in `serve` has left the bits that make the next one finish it.
  void recover(Line&) noexcept {}
  void serve(Line& line) noexcept {
    auto word = word_.load(std::memory_order_acquire);
    for (;;) {
      if (missing(word) == 0 || word & pulse) {
        while (line.claim_front()) line.grant_front();
        word_.fetch_and(~(waited | pulse), std::memory_order_acq_rel);
        return;
      }
      const Word wanted = line.empty() ? word & ~waited : word | waited;
      if (wanted == word) return;  // it changes under the gate's lock only: a set() sees it
      if (word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
        return;
      }
    }
  }

  typename G::Atomics::template atomic<Word> word_;
  [[no_unique_address]] Count count_;
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
