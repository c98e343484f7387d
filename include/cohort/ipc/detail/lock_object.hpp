// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A lock in shared memory, recursive or not, and acquiring it as an operation.

#include <type_traits>
#include <utility>

#include "cohort/core/operation.hpp"              // Operation
#include "cohort/error.hpp"                       // OwnerDied
#include "cohort/ipc/detail/handle.hpp"           // ObjectHead, Handle
#include "cohort/ipc/detail/handle_guard.hpp"     // hold()
#include "cohort/ipc/detail/owned_permit.hpp"     // OwnedPermit
#include "cohort/ipc/detail/shared_gate.hpp"      // SharedGate
#include "cohort/ipc/detail/shared_wait.hpp"      // SharedPlace
#include "cohort/sync/detail/recursive_lock.hpp"  // the machine

namespace cohort::inline v0::ipc {

/// What becomes of a lock whose owner's process ends with it.
enum class OnOwnerDied : bool {
  fail,     ///< acquiring throws OwnerDied until somebody has repaired what it protects
  recover,  ///< nothing: it is free again
};

namespace detail {

template <class Gate>
struct BasicLockObject {
  using OwnedSemaphore = cohort::detail::BasicSemaphore<Gate, OwnedPermit>;
  static constexpr Kind kind = Kind::lock;

  explicit BasicLockObject(OnOwnerDied policy) noexcept : heals(policy == OnOwnerDied::recover) {}

  OwnedSemaphore& semaphore() noexcept { return lock.semaphore(); }
  bool owner_died() noexcept { return semaphore().word() & OwnedPermit::died; }
  void bury(Member dead) noexcept {
    semaphore().bury([&](std::uint64_t word) {
      if (OwnedPermit::owner(word) == dead) lock.forget_owner();
      return OwnedPermit::bury(word, dead, heals);
    });
  }
  /// Whoever finds the lock taken and has time looks whether its owner is still there.
  void look_for_owner() noexcept {
    const Member owner = OwnedPermit::owner(semaphore().word());
    if (owner && has_ended(owner)) see_death(owner);
  }

  ObjectHead head;
  cohort::detail::BasicRecursiveLock<OwnedSemaphore> lock;
  const bool heals;
};
using LockObject = BasicLockObject<SharedGate>;

template <class Exception = OwnerDied>
[[noreturn]] void throw_owner_died() {
  throw Exception(
      "the process that held this lock has ended: what the lock protects may be half changed; "
      "`auto held = lock.recover().block();`, repair it, and release");
}

/// Acquiring one, as an operation's Spec. `Then` makes the result.
template <class Then, class Object = LockObject>
struct AcquireShared {
  using Result = decltype(std::declval<Then&>()());
  struct Place : SharedPlace<typename Object::OwnedSemaphore> {
    using SharedPlace<typename Object::OwnedSemaphore>::SharedPlace;
    bool again = false;
    bool refused = false;
  };
  Object* object;
  cohort::detail::Owner me;  // who made the operation, if `recursive`
  Then then;
  bool recursive = false;  // else it belongs to nobody in the process
  bool repairs = false;

  bool try_now(Place& place) {
    if (recursive && object->lock.enter_again(me)) return place.again = true;
    if (repairs) {
      if (object->semaphore().try_acquire_as(OwnedPermit::Claim{true})) return true;
    } else {
      if (object->semaphore().try_acquire()) return true;
      if (object->owner_died()) return place.refused = true;
    }
    if (place.prepare(object->semaphore(), object)) {
      place.node().repairs = repairs;
      object->look_for_owner();
    }
    return false;
  }
  void arm(Place& place) noexcept { place.arm(); }
  bool disarm(Place& place) noexcept { return place.disarm(); }
  bool retry(Place& place) noexcept { return place.retry(); }
  void sleep(Place& place, TimePoint until) noexcept { place.sleep(until); }
  void put_back(Place& place) noexcept {
    if (!place.node().refused) object->semaphore().release(1, 1);
  }
  Result result(Place& place) {
    if (place.refused || (place.was_granted() && place.node().refused)) throw_owner_died();
    if (recursive && !place.again) object->lock.taken(me, 1);
    return then();
  }
};

/// A handle to either.
template <class Object>
class BasicAnyLock : public Handle<Object> {
 protected:
  using Handle<Object>::object;
  explicit BasicAnyLock(OnOwnerDied policy) : Handle<Object>(std::in_place, policy) {}
  explicit BasicAnyLock(ByName by_name) noexcept : Handle<Object>(by_name) {}

  // What hold() and recover() are.
  template <bool recursive, bool repairs, class L>
  static auto guarded(const L& lock) {
    using Then = MakeHandleGuard<L>;
    const auto me = recursive ? cohort::detail::this_owner() : cohort::detail::Owner{};
    return Operation(AcquireShared<Then, Object>{&static_cast<const BasicAnyLock&>(lock).object(),
                                                 me, Then{lock}, recursive, repairs});
  }

  // For try_acquire, which must not wait, but may look now and then.
  static bool may_look() noexcept {
    static std::atomic<Clock::rep> looked{0};
    const auto now = Clock::now().time_since_epoch().count();
    auto last = looked.load(std::memory_order_relaxed);
    return now - last > 10'000'000 &&
           looked.compare_exchange_strong(last, now, std::memory_order_relaxed);
  }
  static void refuse_if_owner_died(Object& object) {
    if (may_look()) object.look_for_owner();
    if (object.owner_died()) throw_owner_died();
  }
};

}  // namespace detail
}  // namespace cohort::inline v0::ipc
