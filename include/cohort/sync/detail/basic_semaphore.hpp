// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The semaphore: a count of permits and a gate. A lock is one with a single permit.
///
/// One word holds the permits and two bits: `waited` (somebody stands at the gate, so a release
/// must see to them) and `nudged` (the first in line has been told to try again and has not yet).
///
/// While others sleep, a released permit is free for whoever runs, until the first in line has
/// waited for a millisecond; then it is handed over and nobody else can have it. Handing over each
/// time would cost a sleep and a wake for every release (a lock convoy); never doing it would
/// starve the line. The idea is that of Go's sync.Mutex and WebKit's ParkingLot.

#include <cstdint>

#include "cohort/config.hpp"     // COHORT_HOT
#include "cohort/core/gate.hpp"  // the gate, and what serve means

namespace cohort::inline v0::detail {

template <class G>
class BasicSemaphore {
 public:
  using Atomics = typename G::Atomics;
  using Line = typename G::Line;
  struct Waiter : G::Waiter {
    using G::Waiter::Waiter;
    // Set when it stands in line.
    TimePoint since;
    std::uint64_t looked;    // at which tick it looked last
    std::uint64_t patience;  // how many ticks it lets pass
  };

  explicit BasicSemaphore(std::uint64_t permits) noexcept : word_(permits * one) {}

  std::uint64_t value() const noexcept { return word_.load(std::memory_order_relaxed) / one; }

  bool try_acquire() noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    while (word >= one && !(word & waited && is_due())) {
      // Acquire: pairs with the release of whoever gave the permit.
      if (word_.compare_exchange_weak(word, word - one, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  /// Adds permits unless there would be more than `limit`; then false and nothing has changed.
  COHORT_HOT bool release(std::uint64_t n, std::uint64_t limit) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    for (;;) {
      if (word / one + n > limit) return false;
      // While the nudged one is on its way, a first free permit is for whoever comes first.
      if (word & waited && !(word & nudged && word < one)) break;
      if (word_.compare_exchange_weak(word, word + n * one, std::memory_order_release,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    release_to_line(n);
    return true;
  }

  void arm(Waiter& waiter) noexcept {
    waiter.since = Atomics::now();
    waiter.looked = 0;
    waiter.patience = 1024;
    gate_.arm(*this, waiter);
  }
  void disarm(Waiter& waiter) noexcept { gate_.disarm(*this, waiter); }
  /// The nudged one's turn. True: it shall come again soon. While it keeps coming, releases need not
  /// nudge; after its millisecond it sleeps, and the next release hands over. It looks ever less
  /// often: each look takes the word from the processor of whoever uses it.
  bool retry(Waiter& waiter) noexcept {
    const auto ticks = Atomics::ticks();
    if (ticks - waiter.looked >= waiter.patience) {
      const auto word = word_.load(std::memory_order_relaxed);
      if (word >= one || !(word & nudged) || Atomics::now() >= due_time(waiter)) {
        gate_.serve(*this);
        return false;
      }
      waiter.looked = ticks;
      if (waiter.patience < 128 * 1024) waiter.patience *= 2;
    }
    for (int i = 0; i < 16; ++i) Atomics::pause();
    return true;
  }

 private:
  friend G;
  static constexpr std::uint64_t waited = 1;
  static constexpr std::uint64_t nudged = 2;
  static constexpr std::uint64_t one = 4;

  // Whether the first in line must be served. Looks at the clock every few microseconds only: a
  // running acquirer may come here fifty times in one.
  COHORT_NOINLINE bool is_due() noexcept {
    const auto ticks = Atomics::ticks();
    if (ticks - looked_.load(std::memory_order_relaxed) < 8192) return false;
    if (Atomics::now().time_since_epoch().count() >= due_.load(std::memory_order_relaxed)) {
      return true;
    }
    looked_.store(ticks, std::memory_order_relaxed);
    return false;
  }

  COHORT_NOINLINE void release_to_line(std::uint64_t n) noexcept {
    const bool mine = gate_.try_with(*this, [&](Line& line) {
      auto* const first = line.empty() ? nullptr : &static_cast<Waiter&>(line.front());
      const bool hand_over = first && Atomics::now() >= due_time(*first);
      if (hand_over) {
        while (n > 0 && line.claim_front()) {
          line.grant_front();
          --n;
        }
      }
      const auto before = word_.fetch_add(n * one, std::memory_order_release);
      const bool one_free = before < one && n == 1;
      if (!first || hand_over || !one_free || !nudge(line)) serve(line);
    });
    if (mine) return;
    word_.fetch_add(n * one, std::memory_order_release);
    gate_.serve(*this);
  }

  static TimePoint due_time(const Waiter& waiter) noexcept {
    return waiter.since + std::chrono::milliseconds(1);
  }

  // Tells the first in line to try again; false if it is awake and may have looked already.
  bool nudge(Line& line) noexcept {
    auto& first = static_cast<Waiter&>(line.front());
    const Wakeup wakeup = first.wait().nudge();
    if (!wakeup.call) return false;
    due_.store(due_time(first).time_since_epoch().count(), std::memory_order_relaxed);
    word_.fetch_or(nudged, std::memory_order_relaxed);
    line.wake_later(wakeup);
    return true;
  }

  // Gives free permits to those in line. Ends with no permit free or nobody in line, and the bits
  // say which in the same instruction, so that no release is missed.
  void serve(Line& line) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    for (;;) {
      if (word >= one && !line.empty()) {
        if (!word_.compare_exchange_weak(word, word - one, std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
          continue;
        }
        if (line.claim_front()) {
          line.grant_front();
        } else {
          word_.fetch_add(one, std::memory_order_release);
        }
        word = word_.load(std::memory_order_relaxed);
      } else {
        const auto wanted = (word & ~(waited | nudged)) | (line.empty() ? 0 : waited);
        // The bits change under the gate's lock only, so a release sees them.
        if (wanted == word) return;
        if (word_.compare_exchange_weak(word, wanted, std::memory_order_relaxed)) return;
      }
    }
  }

  typename Atomics::template atomic<std::uint64_t> word_;
  typename Atomics::template atomic<Clock::rep> due_{0};  // when the nudged one must be served
  typename Atomics::template atomic<std::uint64_t> looked_{0};  // when it was not due yet
  G gate_;
};

/// Acquiring one permit, as an operation's Spec. `Then` makes the result: a guard, or nothing.
template <class Semaphore, class Then>
struct AcquirePermit {
  using Result = decltype(std::declval<Then&>()());
  using Place = typename Semaphore::Waiter;
  struct AtOnce {};
  Semaphore* semaphore;
  Then then;

  COHORT_HOT bool try_now(auto&) noexcept { return semaphore->try_acquire(); }
  void arm(Place& place) noexcept { semaphore->arm(place); }
  void disarm(Place& place) noexcept { semaphore->disarm(place); }
  bool retry(Place& place) noexcept { return semaphore->retry(place); }
  COHORT_HOT Result result(auto&) noexcept { return then(); }
};

struct Nothing {
  void operator()() const noexcept {}
};

}  // namespace cohort::inline v0::detail
