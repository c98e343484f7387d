// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::Condition: waiting, with a lock held, until somebody in whatever process says that something
/// has changed.
///
///     ipc::Condition filled;                       // with a lock of its own; pass it to a Process
///     auto held = co_await filled.hold();
///     co_await filled.wait_for([&] { return count.load() > 0; });
///                                                  // elsewhere, with the lock held:
///     filled.notify();

#include <concepts>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>

#include "cohort/core/operation.hpp"              // Operation
#include "cohort/error.hpp"                       // NotOwner, OverRelease, UsageError
#include "cohort/ipc/detail/handle.hpp"           // Handle
#include "cohort/ipc/detail/handle_guard.hpp"     // hold()
#include "cohort/ipc/detail/lock_object.hpp"      // the lock
#include "cohort/ipc/detail/shared_wait.hpp"      // SharedPlace
#include "cohort/ipc/lock.hpp"                    // Lock
#include "cohort/ipc/rlock.hpp"                   // RLock
#include "cohort/sync/detail/condition_wait.hpp"  // the machine

namespace cohort::inline v0::ipc {

namespace detail {

template <class Gate>
struct BasicConditionObject {
  static constexpr Kind kind = Kind::condition;
  using Machine = cohort::detail::BasicConditionLine<Gate>;
  using Waiter = typename Machine::Waiter;

  void bury(Member) noexcept { machine.bury(); }
  void revoke(Waiter& waiter) noexcept { machine.pass_on(waiter); }

  ObjectHead head;
  Machine machine;
};
using ConditionObject = BasicConditionObject<SharedGate>;

/// The lock of a condition, as seen by its waits: what cohort::detail::ConditionLock is there.
template <class Object, class LockObject>
struct SharedConditionLock {
  using Owner = cohort::detail::Owner;
  LockObject* object;
  bool recursive;

  using Line = Object;
  using Place = SharedPlace<typename Object::Machine>;
  static void prepare(Place& place, Line& line) { place.prepare(line.machine, &line); }
  static void arm(Place& place, Line&) noexcept { place.arm(); }
  static bool disarm(Place& place, Line&) noexcept { return place.disarm(); }
  static bool retry(Place& place) noexcept { return place.retry(); }
  static void sleep(Place& place, TimePoint until) noexcept { place.sleep(until); }

  bool held_by(const Owner& me) const noexcept {
    return recursive ? object->lock.held_by(me) : object->semaphore().value() == 0;
  }
  std::uint64_t release_all() const noexcept {
    if (recursive) return object->lock.release_all();
    object->semaphore().release(1, 1);
    return 1;
  }
  template <class Then>
  auto take_again(Then then) const {
    return Operation(AcquireShared<Then, LockObject>{object, {}, then});
  }
  void taken(const Owner& me, std::uint64_t levels) const noexcept {
    if (recursive) object->lock.taken(me, levels);
  }
};

}  // namespace detail

/// A handle: copies are the same condition, over the same lock, which it keeps. Otherwise as
/// cohort::Condition, among the waiters of all processes. Waiters that died are skipped, and nobody
/// waits for them: a notification that one was given and did not come to know goes to the next. If a
/// process ends while it holds the lock, acquiring throws OwnerDied, and so does a wait that would
/// take it again: then without holding.
template <class Object = detail::ConditionObject, class LockObject = detail::LockObject>
class BasicCondition : public detail::Handle<Object> {
  using Base = detail::Handle<Object>;
  using Base::object;
  using Lock = BasicLock<LockObject>;
  using RLock = BasicRLock<LockObject>;

 public:
  /// With an RLock of its own. Throws std::system_error if the shared memory is full.
  BasicCondition() : BasicCondition(RLock()) {}
  /// Over a lock: its verbs and those of the condition are the same.
  explicit BasicCondition(const RLock& lock) : Base(std::in_place), lock_(lock), recursive_(true) {}
  explicit BasicCondition(const Lock& lock) : Base(std::in_place), lock_(lock), recursive_(false) {}
  /// For the library.
  explicit BasicCondition(detail::ByName by_name) noexcept
      : Base(by_name), lock_(AnyLock(Lock(by_name))), recursive_(false) {}

  /// Releases the lock with all its levels, waits for a notification, and takes the lock again as it
  /// was; also when it throws Cancelled or its time is up, however long that takes. Under `within`
  /// and `until`: whether a notification came. Throws UsageError if the caller does not hold the
  /// lock, and OwnerDied, then without holding it.
  auto wait() const { return waiting(cohort::detail::UntilNotified{}); }
  /// Waits until `predicate()` is true, which is asked with the lock held: at first, after each
  /// notification, and when the time is up. `within` and `until` yield what it said last.
  template <std::predicate Predicate>
  auto wait_for(Predicate predicate) const {
    return waiting(cohort::detail::UntilTrue<Predicate>{std::move(predicate)});
  }

  /// Wakes the first who wait, one or n; those that come later are not meant. Throws UsageError if
  /// the caller does not hold the lock, std::invalid_argument if n is negative.
  void notify() const { notify(1); }
  template <std::integral Int>
  void notify(Int n) const {
    if (std::cmp_less(n, 0)) throw std::invalid_argument("Condition::notify(n): n is negative");
    wake(static_cast<std::uint64_t>(n));
  }
  /// Wakes all who wait. Throws as `notify`.
  void notify_all() const { wake(std::numeric_limits<std::uint64_t>::max()); }

  /// The lock's verbs.
  auto acquire() const { return acquire(cohort::detail::Nothing{}); }
  auto hold() const { return acquire(detail::MakeHandleGuard<BasicCondition>{*this}); }
  [[nodiscard("false means that the lock was not taken")]] bool try_acquire() const {
    return lock_.try_acquire(recursive_);
  }
  /// Throws NotOwner if the lock is an RLock and another's, OverRelease if a Lock is not held.
  void release() const {
    if (recursive_ && !core().held_by(cohort::detail::this_owner())) {
      throw NotOwner(
          "ipc::Condition::release(): this task, thread or process does not own the lock; release "
          "it where it was acquired, or pass on the guard that hold() yields");
    }
    if (!lock_.give_back(recursive_)) {
      throw OverRelease("Condition::release(): the lock is not held; release once per acquire");
    }
  }

  // For std::scoped_lock and std::unique_lock, on a thread.
  void lock() const { acquire().block(); }
  bool try_lock() const { return try_acquire(); }
  void unlock() const { release(); }

  // For the library: how it travels, and that its guard keeps it.
  void depart(OutArchive& out) const {
    Base::depart(out);
    lock_.depart(out);
    out(recursive_);
  }
  void arrive(InArchive& in) {
    Base::arrive(in);
    lock_.arrive(in);
    in(recursive_);
  }
  void book(detail::Member member) const {
    Base::book(member);
    lock_.book(member);
  }
  static constexpr bool holds_by_handle = true;

 private:
  friend Guard<BasicCondition>;
  using Core = detail::SharedConditionLock<Object, LockObject>;
  /// The lock, recursive or not.
  struct AnyLock : detail::BasicAnyLock<LockObject> {
    using Handle = detail::BasicAnyLock<LockObject>;
    using Handle::object;
    using Handle::refuse_if_owner_died;
    explicit AnyLock(const Handle& lock) : Handle(lock) {}
    LockObject& get() const { return object(); }
    bool try_acquire(bool recursive) const {
      auto& lock = object();
      if (recursive ? lock.lock.try_acquire(cohort::detail::this_owner())
                    : lock.semaphore().try_acquire()) {
        return true;
      }
      refuse_if_owner_died(lock);
      return false;
    }
    bool give_back(bool recursive) const noexcept {
      if (!recursive) return object().semaphore().release(1, 1);
      object().lock.release();
      return true;
    }
  };

  Core core() const { return {&lock_.get(), recursive_}; }
  void give_back() const noexcept { lock_.give_back(recursive_); }

  template <class Then>
  Operation<detail::AcquireShared<Then, LockObject>> acquire(Then then) const {
    return Operation(detail::AcquireShared<Then, LockObject>{
        &lock_.get(), cohort::detail::this_owner(), std::move(then), recursive_});
  }
  template <class Predicate>
  cohort::detail::ConditionWait<Core, Predicate> waiting(Predicate predicate) const {
    return {object(), core(), cohort::detail::this_owner(), std::move(predicate)};
  }
  void wake(std::uint64_t n) const {
    if (!core().held_by(cohort::detail::this_owner())) {
      throw UsageError(
          "Condition::notify(): this task or thread does not hold the lock; write "
          "`auto held = co_await condition.hold();` before");
    }
    object().machine.notify(n);
  }

  AnyLock lock_;
  bool recursive_;
};
using Condition = BasicCondition<>;

}  // namespace cohort::inline v0::ipc
