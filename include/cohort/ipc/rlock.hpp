// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::RLock: a lock between processes that its owner may acquire again.
///
///     ipc::RLock lock;
///     auto held = co_await lock.hold();
///     auto again = co_await lock.hold();      // the same task: at once

#include "cohort/ipc/detail/lock_object.hpp"  // the lock itself

namespace cohort::inline v0::ipc {

/// A handle: copies are the same lock. Owned by the task that acquires it, or by the thread outside
/// tasks, in one process; a forked child is no owner. Otherwise as ipc::Lock, also when its owner's
/// process ends.
template <class Object = detail::LockObject>
class BasicRLock : public detail::BasicAnyLock<Object> {
  using Base = detail::BasicAnyLock<Object>;
  using Base::object;
  using Base::refuse_if_owner_died;

 public:
  /// For the library.
  explicit BasicRLock(detail::ByName by_name) noexcept : Base(by_name) {}
  /// Throws std::system_error if the shared memory is full.
  explicit BasicRLock(OnOwnerDied policy = OnOwnerDied::fail) : Base(policy) {}

  /// Waits for the lock; at once if the caller owns it. Cancelled or timed out, it has not one
  /// level more than before. Who calls this becomes the owner. Throws OwnerDied.
  auto acquire() const {
    return Operation(detail::AcquireShared<cohort::detail::Nothing, Object>{
        &object(), cohort::detail::this_owner(), {}, true});
  }
  /// The same, yielding a guard that releases one level.
  auto hold() const { return Base::template guarded<true, false>(*this); }
  /// As hold(), also when an owner has died; see ipc::Lock.
  auto recover() const { return Base::template guarded<true, true>(*this); }
  /// Never waits; true if the lock was free or the caller's. Throws OwnerDied.
  [[nodiscard("false means that the lock was not taken")]] bool try_acquire() const {
    if (object().lock.try_acquire(cohort::detail::this_owner())) return true;
    refuse_if_owner_died(object());
    return false;
  }
  /// Gives back one level. Throws NotOwner if the caller does not own the lock; nothing has changed.
  void release() const {
    if (!object().lock.held_by(cohort::detail::this_owner())) {
      throw NotOwner(
          "ipc::RLock::release(): this task, thread or process does not own the lock; release it "
          "where it was acquired, or pass on the guard that hold() yields");
    }
    object().lock.release();
  }
  /// Whether anybody holds it now.
  bool locked() const { return object().semaphore().value() == 0; }

  // For std::scoped_lock and std::unique_lock, on a thread.
  void lock() const { acquire().block(); }
  bool try_lock() const { return try_acquire(); }
  void unlock() const { release(); }

  static constexpr bool holds_by_handle = true;

 private:
  friend Guard<BasicRLock>;
  void give_back() const noexcept { object().lock.release(); }
};
using RLock = BasicRLock<>;

}  // namespace cohort::inline v0::ipc
