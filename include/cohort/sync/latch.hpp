// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Latch: a count that goes down to zero, once.
///
///     Latch ready{workers};
///     ready.count_down();          // each worker
///     co_await ready.wait();       // whoever needs all of them

#include <atomic>
#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "cohort/core/detail/basic_event.hpp"  // what those who wait stand at
#include "cohort/core/operation.hpp"           // Operation
#include "cohort/error.hpp"                    // OverRelease

namespace cohort::inline v0 {

/// As the latch of the standard, for coroutines too. All that happened before the counts is seen by
/// those who passed. Neither copies nor moves; must outlive those who wait.
template <class = void>
class BasicLatch {
  using Event = detail::BasicEvent<detail::Gate>;

 public:
  /// `count`: 0 or more, else std::invalid_argument.
  template <std::integral Int>
  explicit BasicLatch(Int count) : count_(checked(count)), zero_(count == 0) {}
  BasicLatch(const BasicLatch&) = delete;
  BasicLatch& operator=(const BasicLatch&) = delete;

  /// Takes n off the count; at zero all who wait pass. Throws OverRelease if there is less than n
  /// left, and has changed nothing; std::invalid_argument if n is negative. Any number at once.
  void count_down() { subtract(1); }
  template <std::integral Int>
  void count_down(Int n) {
    subtract(checked(n));
  }
  /// Whether the count is zero.
  bool try_wait() const noexcept { return zero_.is_set(); }
  /// Waits until the count is zero. Cancelled or timed out, it has changed nothing.
  auto wait() { return Operation(detail::EventWait<Event>{&zero_}); }
  /// Takes one off, or n, when it is awaited, and waits until the count is zero. Cancelled or timed
  /// out while it waits, it has arrived all the same. Throws as `count_down`.
  auto arrive_and_wait() { return Operation(Arrival{{&zero_}, this, 1}); }
  template <std::integral Int>
  auto arrive_and_wait(Int n) {
    return Operation(Arrival{{&zero_}, this, checked(n)});
  }

 private:
  struct Arrival : detail::EventWait<Event> {
    BasicLatch* latch;
    std::uint64_t n;
    template <class AnyPlace>
    bool try_now(AnyPlace& place) {
      latch->subtract(std::exchange(n, 0));
      return EventWait::try_now(place);
    }
  };

  template <std::integral Int>
  static std::uint64_t checked(Int n) {
    if (std::cmp_less(n, 0)) throw std::invalid_argument("Latch: a count must not be negative");
    return static_cast<std::uint64_t>(n);
  }

  void subtract(std::uint64_t n) {
    if (n == 0) return;
    auto count = count_.load(std::memory_order_relaxed);
    do {
      if (count < n) {
        throw OverRelease("Latch::count_down(): below zero; count down once per party");
      }
      // Release: what this party did. Acquire: the last one passes on what all the others did.
    } while (!count_.compare_exchange_weak(count, count - n, std::memory_order_acq_rel,
                                           std::memory_order_relaxed));
    if (count == n) zero_.set();
  }

  std::atomic<std::uint64_t> count_;
  Event zero_;
};
using Latch = BasicLatch<>;

}  // namespace cohort::inline v0
