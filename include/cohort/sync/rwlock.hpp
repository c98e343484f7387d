// SPDX-License-Identifier: BSL-1.0
#pragma once

/// RWLock: many readers at once, or one writer.
///
///     RWLock lock;
///     auto reading = co_await lock.hold_read();
///     auto writing = co_await lock.hold_write();      // elsewhere

#include "cohort/core/operation.hpp"            // Operation
#include "cohort/error.hpp"                     // OverRelease
#include "cohort/sync/detail/basic_rwlock.hpp"  // the core
#include "cohort/sync/guard.hpp"                // hold_read()

namespace cohort::inline v0 {

/// First come, first served between the two kinds, too: a reader that comes while a writer waits
/// goes behind it, so neither kind starves, and a task that reads must not wait to read again. Not
/// recursive, owned by nobody: any task or thread may release. A released lock goes to the first in
/// line at once. Neither copies nor moves; must outlive those who wait. Uncontended, acquiring and
/// releasing is one atomic instruction each.
template <class Core = detail::BasicRWLock<detail::Gate>>
class BasicRWLock {
  using Access = detail::Access;
  template <Access access, class Then>
  using Acquire = Operation<detail::AcquireSide<Core, access, Then>>;
  template <Access access>
  using MakeGuard = detail::MakeGuard<detail::RWLockSide<Core, access>>;

 public:
  BasicRWLock() = default;
  BasicRWLock(const BasicRWLock&) = delete;
  BasicRWLock& operator=(const BasicRWLock&) = delete;

  /// Waits until no writer holds the lock or stands before this one. Cancelled or timed out, it
  /// does not have it. Any number of tasks and threads at once, as all that follows.
  auto acquire_read() { return Acquire<Access::read, detail::Nothing>({&core_, {}}); }
  /// The same, yielding a guard that releases.
  auto hold_read() { return Acquire<Access::read, MakeGuard<Access::read>>({&core_, {&read_}}); }
  /// Never waits and overtakes nobody; true if the lock was taken.
  [[nodiscard("false means that the lock was not taken")]] bool try_acquire_read() noexcept {
    return core_.try_acquire(Access::read);
  }
  /// Throws OverRelease if nobody reads.
  void release_read() {
    if (!core_.release(Access::read)) {
      throw OverRelease("RWLock::release_read(): nobody reads; release once per acquire_read()");
    }
  }

  /// Waits until nobody holds the lock or stands before this one. Cancelled or timed out, it does
  /// not have it.
  auto acquire_write() { return Acquire<Access::write, detail::Nothing>({&core_, {}}); }
  /// The same, yielding a guard that releases.
  auto hold_write() {
    return Acquire<Access::write, MakeGuard<Access::write>>({&core_, {&write_}});
  }
  /// Never waits; true if the lock was taken.
  [[nodiscard("false means that the lock was not taken")]] bool try_acquire_write() noexcept {
    return core_.try_acquire(Access::write);
  }
  /// Throws OverRelease if nobody writes.
  void release_write() {
    if (!core_.release(Access::write)) {
      throw OverRelease("RWLock::release_write(): nobody writes; release once per acquire_write()");
    }
  }

  // For std::unique_lock and std::shared_lock, on a thread.
  void lock() { acquire_write().block(); }
  bool try_lock() noexcept { return try_acquire_write(); }
  void unlock() { release_write(); }
  void lock_shared() { acquire_read().block(); }
  bool try_lock_shared() noexcept { return try_acquire_read(); }
  void unlock_shared() { release_read(); }

 private:
  Core core_;
  detail::RWLockSide<Core, Access::read> read_{core_};
  detail::RWLockSide<Core, Access::write> write_{core_};
};
using RWLock = BasicRWLock<>;

}  // namespace cohort::inline v0
