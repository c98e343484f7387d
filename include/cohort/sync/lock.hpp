// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Lock: mutual exclusion for coroutines and threads alike.
///
///     Lock lock;
///     auto held = co_await lock.hold();       // a coroutine
///     std::scoped_lock also(lock);            // a thread

#include "cohort/core/operation.hpp"               // Operation
#include "cohort/error.hpp"                        // OverRelease
#include "cohort/sync/detail/basic_semaphore.hpp"  // a lock is a semaphore of one
#include "cohort/sync/guard.hpp"                   // hold()

namespace cohort::inline v0 {

/// Not recursive, owned by nobody in particular: any task or thread may release it. First come,
/// first served among those who wait; a running acquirer may be faster than a sleeping one until
/// the first in line has waited for 1 ms. Neither copies nor moves; must outlive those who wait.
/// Uncontended, acquire and release are one atomic instruction each.
template <class Core = detail::BasicSemaphore<detail::Gate>>
class BasicLock {
 public:
  BasicLock() = default;
  BasicLock(const BasicLock&) = delete;
  BasicLock& operator=(const BasicLock&) = delete;

  /// Waits for the lock. Cancelled or timed out, it does not have it.
  auto acquire() { return Operation(detail::AcquirePermit<Core, detail::Nothing>{&core_, {}}); }
  /// The same, yielding a guard that releases.
  auto hold() {
    return Operation(detail::AcquirePermit<Core, detail::MakeGuard<BasicLock>>{&core_, {this}});
  }
  /// Never waits; true if the lock was free.
  [[nodiscard("false means that the lock was not taken")]] bool try_acquire() noexcept {
    return core_.try_acquire();
  }
  /// Throws OverRelease if the lock is not held.
  void release() {
    if (!core_.release(1, 1)) {
      throw OverRelease("Lock::release(): the lock is not held; release it once per acquire");
    }
  }
  /// Whether anybody holds it now.
  bool locked() const noexcept { return core_.value() == 0; }

  // For std::scoped_lock and std::unique_lock, on a thread.
  void lock() { acquire().block(); }
  bool try_lock() noexcept { return try_acquire(); }
  void unlock() { release(); }

 private:
  Core core_{1};
};
using Lock = BasicLock<>;

}  // namespace cohort::inline v0
