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
#include "cohort/ipc/detail/shared_gate.hpp"     // SharedGate
#include "cohort/ipc/detail/shared_machine.hpp"  // WaitShared
#include "cohort/sync/semaphore.hpp"             // max, checked counts

namespace cohort::inline v0::ipc {

namespace detail {

/// Permits that were taken by `hold()` are counted for each process, to be given back at its death.
struct SemaphoreObject {
  static constexpr Kind kind = Kind::semaphore;
  using Machine = cohort::detail::BasicSemaphore<SharedGate>;
  using Waiter = Machine::Waiter;

  SemaphoreObject(std::uint64_t permits, std::uint64_t most) noexcept
      : machine(permits), limit(most) {}

  bool try_now() noexcept { return machine.try_acquire(); }
  void put_back() noexcept { machine.release(1, limit); }

  void hold() noexcept { held[self().slot()].fetch_add(1, std::memory_order_relaxed); }
  void give_back() noexcept {
    held[self().slot()].fetch_sub(1, std::memory_order_relaxed);
    machine.release(1, limit);
  }
  void bury(Member dead) noexcept {
    machine.bury([](std::uint64_t word) { return word; });
    const auto n = held[dead.slot()].exchange(0, std::memory_order_acq_rel);
    if (n != 0) machine.release(n, limit);
  }
  void revoke(Waiter&) noexcept { machine.release(1, limit); }

  ObjectHead head;
  Machine machine;
  const std::uint64_t limit;
  std::atomic<std::uint32_t> held[max_members]{};
};

}  // namespace detail

/// A handle: copies are the same semaphore. May rise above its start value. Order of service as for
/// ipc::Lock. Permits taken through `hold()` come back when their holder's process ends; those taken
/// by `acquire()` are tokens that belong to nobody. Waiters that died are skipped.
class Semaphore : public detail::Handle<detail::SemaphoreObject> {
 public:
  /// For the library.
  explicit Semaphore(ByName by_name) noexcept : Handle(by_name) {}
  static constexpr std::uint64_t max = cohort::Semaphore::max;

  Semaphore() : Semaphore(1) {}
  /// `permits`: 0 or more, else std::invalid_argument. Throws std::system_error if the shared memory
  /// is full.
  template <std::integral Int>
  explicit Semaphore(Int permits) : Semaphore(permits, max) {}

  /// Waits for a permit. Cancelled or timed out, it has taken none.
  auto acquire() const { return Operation(detail::WaitShared<detail::SemaphoreObject>{&object()}); }
  /// The same, yielding a guard that gives it back.
  auto hold() const {
    using Then = detail::MakeHandleGuard<Semaphore>;
    return Operation(detail::WaitShared<detail::SemaphoreObject, Then>{&object(), Then{*this}});
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
  Semaphore(Int permits, std::uint64_t limit)
      : Handle(std::in_place,
               cohort::detail::checked_permits(permits, 0, "Semaphore: the number of permits"),
               limit) {}

 private:
  friend Guard<Semaphore>;
  void begin_hold() const noexcept { object().hold(); }
  void give_back() const noexcept { object().give_back(); }
};

/// The same, but release() beyond the start value throws OverRelease.
class BoundedSemaphore : public Semaphore {
 public:
  /// For the library.
  explicit BoundedSemaphore(ByName by_name) noexcept : Semaphore(by_name) {}
  BoundedSemaphore() : BoundedSemaphore(1) {}
  template <std::integral Int>
  explicit BoundedSemaphore(Int permits)
      : Semaphore(permits,
                  cohort::detail::checked_permits(permits, 0, "Semaphore: the number of permits")) {
  }
};

}  // namespace cohort::inline v0::ipc
