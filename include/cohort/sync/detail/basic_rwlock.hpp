// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The readers-writer lock: a word and a gate.

#include <cstdint>
#include <utility>

#include "cohort/core/gate.hpp"                    // the gate, and what serve means
#include "cohort/sync/detail/basic_semaphore.hpp"  // Nothing

namespace cohort::inline v0::detail {

enum class Access : bool { read, write };

/// The word counts the readers; beside them two bits: `writing`, and `waited`: somebody stands at
/// the gate. While that is set nobody takes the lock but through the gate, in order of arrival, and
/// it is released under the gate's lock.
template <class G>
class BasicRWLock {
 public:
  using Line = typename G::Line;
  struct Waiter : G::Waiter {
    using G::Waiter::Waiter;
    Access access{};
  };

  bool try_acquire(Access access) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    while (!(word & waited) && is_free(word, access)) {
      // Acquire: pairs with the release of whoever held the lock.
      if (word_.compare_exchange_weak(word, word + share(access), std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  /// False, and nothing has changed, if nobody has that access.
  bool release(Access access) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    while (!(word & waited)) {
      if (!is_held(word, access)) return false;
      if (word_.compare_exchange_weak(word, word - share(access), std::memory_order_release,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    bool released = false;
    gate_.with(*this, [&](Line& line) {
      // Others may release and, if nobody waits any more, acquire at the same time.
      word = word_.load(std::memory_order_relaxed);
      do {
        released = is_held(word, access);
      } while (released &&
               !word_.compare_exchange_weak(word, word - share(access), std::memory_order_release,
                                            std::memory_order_relaxed));
      if (released) serve(line);
    });
    return released;
  }

  void arm(Waiter& waiter) noexcept { gate_.arm(*this, waiter); }
  void disarm(Waiter& waiter) noexcept { gate_.disarm(*this, waiter); }

 private:
  friend G;
  static constexpr std::uint64_t waited = 1;
  static constexpr std::uint64_t writing = 2;
  static constexpr std::uint64_t reader = 4;

  static std::uint64_t share(Access access) noexcept {
    return access == Access::write ? writing : reader;
  }
  static bool is_free(std::uint64_t word, Access access) noexcept {
    return access == Access::write ? (word & ~waited) == 0 : !(word & writing);
  }
  static bool is_held(std::uint64_t word, Access access) noexcept {
    return access == Access::write ? word & writing : word >= reader;
  }

  // Grants until the first in line cannot have the lock, or nobody is left; the bit says which in
  // the same instruction that sees it, so that no release is missed.
  void serve(Line& line) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    for (;;) {
      auto* const first = static_cast<Waiter*>(line.claim_front());
      if (first && is_free(word, first->access)) {
        if (word_.compare_exchange_weak(word, word + share(first->access),
                                        std::memory_order_acquire, std::memory_order_relaxed)) {
          word += share(first->access);
          line.grant_front();
          continue;
        }
      } else if (word_.compare_exchange_weak(word, first ? word | waited : word & ~waited,
                                             std::memory_order_relaxed)) {
        if (first) first->wait().unclaim();
        return;
      }
      if (first) first->wait().unclaim();
    }
  }

  typename G::Atomics::template atomic<std::uint64_t> word_{0};
  G gate_;
};

/// What a guard of one kind refers to.
template <class Core, Access access>
class RWLockSide {
 public:
  explicit RWLockSide(Core& core) noexcept : core_(core) {}
  void release() noexcept { core_.release(access); }

 private:
  Core& core_;
};

/// Acquiring one kind of access, as an operation's Spec. `Then` makes the result.
template <class Core, Access access, class Then>
struct AcquireSide {
  using Result = decltype(std::declval<Then&>()());
  using Place = typename Core::Waiter;
  Core* core;
  Then then;

  bool try_now(Place&) noexcept { return core->try_acquire(access); }
  void arm(Place& place) noexcept {
    place.access = access;
    core->arm(place);
  }
  void disarm(Place& place) noexcept { core->disarm(place); }
  bool retry(Place&) noexcept { return false; }
  Result result(Place&) noexcept { return then(); }
};

}  // namespace cohort::inline v0::detail
