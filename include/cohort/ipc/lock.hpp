// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::Lock: mutual exclusion between processes, for their coroutines and threads alike.
///
///     ipc::Lock lock;                         // pass it to a Process, a task, a queue
///     auto held = co_await lock.hold();       // a coroutine of any of them
///     std::scoped_lock also(lock);            // a thread

#include "cohort/ipc/detail/lock_object.hpp"  // the lock itself

namespace cohort::inline v0::ipc {

/// A handle: copies are the same lock. Not recursive; any task, thread or process may release it.
/// Order of service as for cohort::Lock, among the waiters of all processes. Uncontended, acquire
/// and release are one atomic instruction each.
///
/// If a process ends, in whatever way, while it holds the lock, every acquire, waiting or new,
/// throws OwnerDied, until `recover()` has repaired what the lock protects or somebody releases it.
/// Waiters that died are skipped.
template <class Object = detail::LockObject>
class BasicLock : public detail::BasicAnyLock<Object> {
  using Base = detail::BasicAnyLock<Object>;
  using Base::object;
  using Base::refuse_if_owner_died;

 public:
  /// For the library.
  explicit BasicLock(detail::ByName by_name) noexcept : Base(by_name) {}
  /// Throws std::system_error if the shared memory is full.
  explicit BasicLock(OnOwnerDied policy = OnOwnerDied::fail) : Base(policy) {}

  /// Waits for the lock. Cancelled or timed out, it does not have it. Throws OwnerDied.
  auto acquire() const {
    return Operation(detail::AcquireShared<cohort::detail::Nothing, Object>{&object(), {}, {}});
  }
  /// The same, yielding a guard that releases.
  auto hold() const { return Base::template guarded<false, false>(*this); }
  /// As hold(), also when an owner has died: to repair what the lock protects. Releasing the guard
  /// makes the lock ordinary again; if this process ends before, it is OwnerDied again.
  auto recover() const { return Base::template guarded<false, true>(*this); }
  /// Never waits; true if the lock was free. Throws OwnerDied.
  [[nodiscard("false means that the lock was not taken")]] bool try_acquire() const {
    if (object().semaphore().try_acquire()) return true;
    refuse_if_owner_died(object());
    return false;
  }
  /// Throws OverRelease if the lock is not held.
  void release() const {
    if (!object().semaphore().release(1, 1)) {
      throw OverRelease("ipc::Lock::release(): the lock is not held; release it once per acquire");
    }
  }
  /// Whether anybody holds it now.
  bool locked() const { return object().semaphore().value() == 0; }

  // For std::scoped_lock and std::unique_lock, on a thread.
  void lock() const { acquire().block(); }
  bool try_lock() const { return try_acquire(); }
  void unlock() const { release(); }

  static constexpr bool holds_by_handle = true;

 private:
  friend Guard<BasicLock>;
  void give_back() const noexcept { object().semaphore().release(1, 1); }
};
using Lock = BasicLock<>;

}  // namespace cohort::inline v0::ipc
