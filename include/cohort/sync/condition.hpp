// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Condition: waiting, with a lock held, until somebody says that something has changed.
///
///     Condition filled;                            // with a lock of its own
///     auto held = co_await filled.hold();
///     co_await filled.wait_for([&] { return !items.empty(); });
///                                                  // elsewhere, with the lock held:
///     items.push_back(x);
///     filled.notify();

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include "cohort/core/operation.hpp"              // Operation
#include "cohort/error.hpp"                       // NotOwner, OverRelease, UsageError
#include "cohort/sync/detail/condition_wait.hpp"  // the waits
#include "cohort/sync/guard.hpp"                  // hold()
#include "cohort/sync/lock.hpp"                   // Lock
#include "cohort/sync/rlock.hpp"                  // RLock

namespace cohort::inline v0 {

/// All verbs may be called by any number of tasks and threads at once, `wait`, `wait_for` and the
/// notifications only by who holds the lock. First come, first served among those who wait for a
/// notification; none is woken without one, and none is lost: one that was given to nobody because
/// its time was up or it was stopped goes to the next. Neither copies nor moves.
template <class Core = detail::ConditionLock>
class BasicCondition {
 public:
  /// With an RLock of its own.
  BasicCondition() : own_(std::in_place), lock_{nullptr, &*own_} {}
  /// With a lock, which must outlive it; its verbs and those of the condition are the same.
  explicit BasicCondition(RLock& lock) noexcept : lock_{nullptr, &lock.core_} {}
  explicit BasicCondition(Lock& lock)
      : lock_{detail::OperationAccess::take(lock.acquire()).semaphore, nullptr} {}
  BasicCondition(const BasicCondition&) = delete;
  BasicCondition& operator=(const BasicCondition&) = delete;

  /// Releases the lock with all its levels, waits for a notification, and takes the lock again as
  /// it was. It does so too when it throws Cancelled or its time is up, however long that takes;
  /// `within` and `until` yield whether a notification came. Throws UsageError if the caller does
  /// not hold the lock. With an RLock, who calls this is the one who must.
  auto wait() {
    return detail::ConditionWait<Core, detail::UntilNotified>(line_, lock_, detail::this_owner(),
                                                              {});
  }
  /// Waits until `predicate()` is true, which is asked with the lock held: at first, after each
  /// notification, and when the time is up. `within` and `until` yield what it said last. What it
  /// throws comes out with the lock held. The predicate is stored.
  template <std::predicate Predicate>
  auto wait_for(Predicate predicate) {
    return detail::ConditionWait<Core, detail::UntilTrue<Predicate>>(
        line_, lock_, detail::this_owner(), {std::move(predicate)});
  }

  /// Wakes the first who wait, one or n; those that come later are not meant. Throws UsageError if
  /// the caller does not hold the lock, std::invalid_argument if n is negative.
  void notify() { notify(1); }
  template <std::integral Int>
  void notify(Int n) {
    if (std::cmp_less(n, 0)) throw std::invalid_argument("Condition::notify(n): n is negative");
    wake(static_cast<std::uint64_t>(n));
  }
  /// Wakes all who wait. Throws as `notify`.
  void notify_all() { wake(std::numeric_limits<std::uint64_t>::max()); }

  /// The lock's verbs.
  auto acquire() { return acquire(detail::Nothing{}); }
  auto hold() { return acquire(detail::MakeGuard<Core>{&lock_}); }
  [[nodiscard("false means that the lock was not taken")]] bool try_acquire() noexcept {
    return lock_.recursive ? lock_.recursive->try_acquire(detail::this_owner())
                           : lock_.plain->try_acquire();
  }
  /// Throws NotOwner if the lock is an RLock and another's, OverRelease if a Lock is not held.
  void release() {
    if (lock_.recursive && !lock_.held_by(detail::this_owner())) {
      throw NotOwner(
          "Condition::release(): this task or thread does not own the lock; release it where it "
          "was acquired, or pass on the guard that hold() yields");
    }
    if (lock_.recursive) {
      lock_.recursive->release();
    } else if (!lock_.plain->release(1, 1)) {
      throw OverRelease("Condition::release(): the lock is not held; release once per acquire");
    }
  }

  // For std::scoped_lock and std::unique_lock, on a thread.
  void lock() { acquire().block(); }
  bool try_lock() noexcept { return try_acquire(); }
  void unlock() { release(); }

 private:
  template <class Then>
  Operation<detail::AcquireOwned<Core, Then>> acquire(Then then) {
    return Operation(detail::AcquireOwned<Core, Then>{&lock_, detail::this_owner(), then});
  }

  void wake(std::uint64_t n) {
    if (!lock_.held_by(detail::this_owner())) {
      throw UsageError(
          "Condition::notify(): this task or thread does not hold the lock; write "
          "`auto held = co_await condition.hold();` before");
    }
    line_.notify(n);
  }

  typename Core::Line line_;
  std::optional<detail::RecursiveLock> own_;
  Core lock_;
};
using Condition = BasicCondition<>;

}  // namespace cohort::inline v0
