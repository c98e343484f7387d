// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::Semaphore: a number of permits for the coroutines and threads of several processes.
///
///     ipc::Semaphore rooms{4};                 // pass it to a Process
///     auto room = co_await rooms.hold();

#include <atomic>
#include <concepts>
#include <cstdint>
#include <utility>

#include "cohort/core/operation.hpp"             // Operation
#include "cohort/error.hpp"                      // OverRelease
#include "cohort/ipc/detail/handle.hpp"          // Handle
#include "cohort/ipc/detail/handle_guard.hpp"    // hold()
#include "cohort/ipc/detail/held_permits.hpp"    // BasicHeldPermits
#include "cohort/ipc/detail/shared_gate.hpp"     // SharedGate
#include "cohort/ipc/detail/shared_machine.hpp"  // WaitShared
#include "cohort/sync/semaphore.hpp"             // max, checked counts

namespace cohort::inline v0::ipc {

namespace detail {

template <class Gate>
struct BasicSemaphoreObject {
  static constexpr Kind kind = Kind::semaphore;
  using Permits = BasicHeldPermits<typename Gate::Atomics>;
  using Ledger = typename Permits::Ledger;
  using Machine = cohort::detail::BasicSemaphore<Gate, Permits>;
  using Waiter = typename Machine::Waiter;

  BasicSemaphoreObject(std::uint64_t permits, std::uint64_t most) noexcept
      : machine(permits), limit(most) {}

  bool try_now() noexcept { return machine.try_acquire(); }
  /// What it was granted it does not take up. Once only, also if its process dies meanwhile.
  void put_back(Waiter& waiter) noexcept { revoke(waiter); }

  bool try_hold() noexcept {
    const Member me = Gate::Atomics::self();
    return machine.value() != 0 &&
           machine.take_noted([me](Ledger& ledger) { ledger.note(me, ledger.held(me) + 1); });
  }
  void give_back() noexcept {
    const Member me = Gate::Atomics::self();
    machine.give_noted([me](Ledger& ledger) -> std::uint64_t {
      ledger.note(me, ledger.held(me) - 1);
      return 1;
    });
  }
  void bury(Member dead) noexcept {
    machine.bury([](std::uint64_t word) { return word; });
    machine.give_noted([dead](Ledger& ledger) -> std::uint64_t {
      const auto n = ledger.held(dead);
      ledger.note(dead, 0);
      return n;
    });
  }
  void revoke(Waiter& waiter) noexcept {
    if (waiter.holds) return;  // counted, and given back
    machine.give_noted([&waiter](Ledger& ledger) -> std::uint64_t {
      if (!waiter.is_left()) return 0;
      ledger.note_revoked(waiter);
      return 1;
    });
  }

  ObjectHead head;
  Machine machine;
  const std::uint64_t limit;
};
using SemaphoreObject = BasicSemaphoreObject<SharedGate>;

/// Taking a permit for a guard, as an operation's Spec.
template <class Object, class Then>
struct HoldShared : WaitShared<Object, Then> {
  using Place = typename WaitShared<Object, Then>::Place;
  bool try_now(Place& place) {
    if (this->object->try_hold()) return true;
    if (place.prepare(this->object->machine, this->object)) place.node().holds = true;
    return false;
  }
  void put_back(Place&) noexcept { this->object->give_back(); }
};

}  // namespace detail

/// A handle: copies are the same semaphore. May rise above its start value. Order of service as for
/// ipc::Lock. Permits taken through `hold()` come back when their holder's process ends; those taken
/// by `acquire()` are tokens that belong to nobody. Waiters that died are skipped.
template <class Object = detail::SemaphoreObject>
class BasicSemaphore : public detail::Handle<Object> {
  using Base = detail::Handle<Object>;
  using Base::object;

 public:
  /// For the library.
  explicit BasicSemaphore(detail::ByName by_name) noexcept : Base(by_name) {}
  static constexpr std::uint64_t max = cohort::Semaphore::max;

  BasicSemaphore() : BasicSemaphore(1) {}
  /// `permits`: 0 or more, else std::invalid_argument. Throws std::system_error if the shared memory
  /// is full.
  template <std::integral Int>
  explicit BasicSemaphore(Int permits) : BasicSemaphore(permits, max) {}

  /// Waits for a permit. Cancelled or timed out, it has taken none.
  auto acquire() const { return Operation(detail::WaitShared<Object>{&object()}); }
  /// The same, yielding a guard that gives it back.
  auto hold() const {
    using Then = detail::MakeHandleGuard<BasicSemaphore>;
    return Operation(detail::HoldShared<Object, Then>{{&object(), Then{*this}}});
  }
  /// Never waits; true if there was a permit.
  [[nodiscard("false means that no permit was taken")]] bool try_acquire() const {
    return object().try_now();
  }
  /// Gives back one permit, or n at once. `n`: 1 or more, else std::invalid_argument; throws
  /// OverRelease beyond `max`.
  void release() const { release(1); }
  template <std::integral Int>
  void release(Int n) const {
    const auto count = cohort::detail::checked_permits(n, 1, "Semaphore::release(n): n");
    if (!object().machine.release(count, object().limit)) {
      throw OverRelease("release(): more permits than there may be; release once per acquire");
    }
  }
  /// Free permits, for a moment.
  std::uint64_t value() const { return object().machine.value(); }

  static constexpr bool holds_by_handle = true;

 protected:
  template <std::integral Int>
  BasicSemaphore(Int permits, std::uint64_t limit)
      : Base(std::in_place,
             cohort::detail::checked_permits(permits, 0, "Semaphore: the number of permits"),
             limit) {}

 private:
  friend Guard<BasicSemaphore>;
  void give_back() const noexcept { object().give_back(); }
};
using Semaphore = BasicSemaphore<>;

/// The same, but release() beyond the start value throws OverRelease.
template <class Object = detail::SemaphoreObject>
class BasicBoundedSemaphore : public BasicSemaphore<Object> {
  using Base = BasicSemaphore<Object>;

 public:
  /// For the library.
  explicit BasicBoundedSemaphore(detail::ByName by_name) noexcept : Base(by_name) {}
  BasicBoundedSemaphore() : BasicBoundedSemaphore(1) {}
  template <std::integral Int>
  explicit BasicBoundedSemaphore(Int permits)
      : Base(permits,
             cohort::detail::checked_permits(permits, 0, "Semaphore: the number of permits")) {}
};
using BoundedSemaphore = BasicBoundedSemaphore<>;

}  // namespace cohort::inline v0::ipc
