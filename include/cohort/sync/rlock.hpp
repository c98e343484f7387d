// SPDX-License-Identifier: BSL-1.0
#pragma once

/// RLock: a lock that its owner may acquire again.
///
///     RLock lock;
///     auto held = co_await lock.hold();
///     auto twice = co_await lock.hold();      // at once: this task has it

#include "cohort/core/operation.hpp"              // Operation
#include "cohort/error.hpp"                       // NotOwner
#include "cohort/sync/detail/recursive_lock.hpp"  // the core
#include "cohort/sync/guard.hpp"                  // hold()

namespace cohort::inline v0 {

template <class>
class BasicCondition;
template <class>
class BasicRLock;

/// Releases in the name of the lock's owner, wherever it is destroyed.
template <class Core>
class [[nodiscard(
    "a dropped guard releases at once: keep it in a variable")]] Guard<BasicRLock<Core>>
    : public Guard<Core>{
      public :
          /// For the library: adopts one level.
          explicit Guard(BasicRLock<Core> & lock) noexcept : Guard<Core>(lock.core_){}
    };

/// Owned by the task that acquires it, on whatever thread that runs, or by the thread outside
/// tasks; free for others after as many releases as acquires. A plain function on a pool and every
/// Task awaited directly belong to their task; each leg of `when_all` is a task of its own. Order
/// of service as for Lock. Neither copies nor moves; must outlive those who wait.
template <class Core = detail::RecursiveLock>
class BasicRLock {
 public:
  BasicRLock() = default;
  BasicRLock(const BasicRLock&) = delete;
  BasicRLock& operator=(const BasicRLock&) = delete;

  /// Waits for the lock; at once if the caller owns it. Cancelled or timed out, it has not one
  /// level more than before. Who calls this becomes the owner, even if another awaits the result.
  auto acquire() {
    return Operation(detail::AcquireOwned<Core, detail::Nothing>{&core_, detail::this_owner(), {}});
  }
  /// The same, yielding a guard that releases one level.
  auto hold() {
    return Operation(detail::AcquireOwned<Core, detail::MakeGuard<BasicRLock>>{
        &core_, detail::this_owner(), {this}});
  }
  /// Never waits; true if the lock was free or the caller's.
  [[nodiscard("false means that the lock was not taken")]] bool try_acquire() noexcept {
    return core_.try_acquire(detail::this_owner());
  }
  /// Gives back one level. Throws NotOwner if the caller does not own the lock; nothing has changed.
  void release() {
    if (!core_.held_by(detail::this_owner())) {
      throw NotOwner(
          "RLock::release(): this task or thread does not own the lock; release it where it was "
          "acquired, or pass on the guard that hold() yields, which may be destroyed anywhere");
    }
    core_.release();
  }
  /// Whether anybody holds it now.
  bool locked() const noexcept { return core_.levels() != 0; }

  // For std::scoped_lock and std::unique_lock, on a thread.
  void lock() { acquire().block(); }
  bool try_lock() noexcept { return try_acquire(); }
  void unlock() { release(); }

 private:
  template <class>
  friend class BasicCondition;
  friend Guard<BasicRLock>;
  Core core_;
};
using RLock = BasicRLock<>;

}  // namespace cohort::inline v0
