// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Semaphore: a number of permits for coroutines and threads alike.
///
///     Semaphore rooms{4};
///     auto room = co_await rooms.hold();

#include <concepts>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "cohort/core/operation.hpp"               // Operation
#include "cohort/error.hpp"                        // OverRelease
#include "cohort/sync/detail/basic_semaphore.hpp"  // the core
#include "cohort/sync/guard.hpp"                   // hold()

namespace cohort::inline v0 {

namespace detail {
inline constexpr std::uint64_t most_permits = std::numeric_limits<std::int64_t>::max() / 8;

/// `n`, if it is `least` at least; else throws std::invalid_argument about `what`.
template <std::integral Int>
std::uint64_t checked_permits(Int n, int least, const char* what) {
  if (std::cmp_less(n, least) || std::cmp_greater(n, most_permits)) {
    throw std::invalid_argument(std::string(what) + " is " + std::to_string(n) +
                                ", must be at least " + std::to_string(least));
  }
  return static_cast<std::uint64_t>(n);
}
}  // namespace detail

/// May rise above its start value. Order of service as for Lock. Neither copies nor moves.
template <class Core = detail::BasicSemaphore<detail::Gate>>
class BasicSemaphore {
 public:
  /// At most this many permits.
  static constexpr std::uint64_t max = detail::most_permits;

  BasicSemaphore() : BasicSemaphore(1) {}
  /// `permits`: 0 or more, else std::invalid_argument.
  template <std::integral Int>
  explicit BasicSemaphore(Int permits) : BasicSemaphore(permits, max) {}
  BasicSemaphore(const BasicSemaphore&) = delete;
  BasicSemaphore& operator=(const BasicSemaphore&) = delete;

  /// Waits for a permit. Cancelled or timed out, it has taken none.
  auto acquire() { return Operation(detail::AcquirePermit<Core, detail::Nothing>{&core_, {}}); }
  /// The same, yielding a guard that gives it back.
  auto hold() {
    return Operation(
        detail::AcquirePermit<Core, detail::MakeGuard<BasicSemaphore>>{&core_, {this}});
  }
  /// Never waits; true if there was a permit.
  [[nodiscard("false means that no permit was taken")]] bool try_acquire() noexcept {
    return core_.try_acquire();
  }
  /// Gives back one permit, or n at once. `n`: 1 or more, else std::invalid_argument; throws
  /// OverRelease beyond `max`.
  void release() { release(1); }
  template <std::integral Int>
  void release(Int n) {
    if (!core_.release(detail::checked_permits(n, 1, "Semaphore::release(n): n"), limit_)) {
      throw OverRelease("release(): more permits than there may be; release once per acquire");
    }
  }
  /// Free permits, for a moment.
  std::uint64_t value() const noexcept { return core_.value(); }

 protected:
  template <std::integral Int>
  BasicSemaphore(Int permits, std::uint64_t limit)
      : core_(detail::checked_permits(permits, 0, "Semaphore: the number of permits")),
        limit_(limit) {}

 private:
  Core core_;
  const std::uint64_t limit_;
};
using Semaphore = BasicSemaphore<>;

}  // namespace cohort::inline v0
