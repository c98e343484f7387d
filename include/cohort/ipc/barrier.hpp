// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::Barrier: parties, in whatever processes, that wait for each other, round after round.
///
///     ipc::Barrier meeting{3};                        // pass it to a Process
///     const auto index = co_await meeting.wait();     // 0, 1 or 2, in order of arrival

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "cohort/core/operation.hpp"             // Operation
#include "cohort/core/timed.hpp"                 // Limit
#include "cohort/ipc/detail/handle.hpp"          // Handle
#include "cohort/ipc/detail/shared_wait.hpp"     // SharedPlace
#include "cohort/sync/detail/basic_barrier.hpp"  // the machine

namespace cohort::inline v0::ipc {

namespace detail {

/// A function of the program, in every process of the family: kept as its distance from another.
class SharedAction {
 public:
  SharedAction() = default;
  explicit SharedAction(void (*function)()) noexcept
      : distance_(function ? address(function) - address(anchor) : none) {}

  explicit operator bool() const noexcept { return distance_ != none; }
  void operator()() const {
    reinterpret_cast<void (*)()>(address(anchor) + static_cast<std::uintptr_t>(distance_))();
  }

 private:
  static constexpr std::uintptr_t none = 0;  // the anchor is no action
  static void anchor() {}
  static std::uintptr_t address(void (*function)()) noexcept {
    return reinterpret_cast<std::uintptr_t>(function);
  }
  std::uintptr_t distance_ = none;
};

template <class Gate>
struct BasicBarrierObject {
  static constexpr Kind kind = Kind::barrier;
  using Machine = cohort::detail::BasicBarrier<Gate, SharedAction>;

  BasicBarrierObject(std::uint64_t parties, SharedAction action,
                     cohort::detail::Limit default_limit)
      : machine(parties, action), limit(default_limit) {}
  void bury(Member dead) noexcept { machine.bury(dead.bits); }

  ObjectHead head;
  Machine machine;
  const cohort::detail::Limit limit;
};
using BarrierObject = BasicBarrierObject<SharedGate>;

/// One party's wait, as an operation's Spec.
template <class Object>
struct SharedArrival {
  using Machine = typename Object::Machine;
  using Result = std::uint64_t;
  struct Place : SharedPlace<Machine> {
    using SharedPlace<Machine>::SharedPlace;
    /// Whoever tries and goes away without having stood in line breaks the barrier as well.
    ~Place() {
      if (visited && !(prepared && this->node().stood)) visited->abort();
    }
    typename Machine::Standing& standing() noexcept {
      return this->was_granted() ? this->node() : alone;
    }
    typename Machine::Standing alone;
    Machine* visited = nullptr;
    bool prepared = false;
  };
  Object* barrier;

  bool try_now(Place& place) {
    Machine& machine = barrier->machine;
    place.alone.process = self().bits;
    const bool over = machine.arrive(place.alone);
    place.visited = over ? nullptr : &machine;
    if (over) return true;
    if (place.prepare(machine, barrier)) {
      place.node().process = place.alone.process;
      place.prepared = true;
    }
    return false;
  }
  void arm(Place& place) noexcept { place.arm(); }
  bool disarm(Place& place) noexcept { return place.disarm(); }
  bool retry(Place& place) noexcept { return place.retry(); }
  void sleep(Place& place, TimePoint until) noexcept { place.sleep(until); }
  void put_back(Place& place) noexcept { barrier->machine.decline(place.node()); }
  Result result(Place& place) { return barrier->machine.result(place.standing()); }
};

}  // namespace detail

/// A handle: copies are the same barrier. Otherwise as cohort::Barrier, among the parties of all
/// processes; it breaks, too, when the process of a party dies that waits, or runs the action.
template <class Object = detail::BarrierObject>
class BasicBarrier : public detail::Handle<Object> {
  using Base = detail::Handle<Object>;
  using Base::object;

 public:
  /// For the library.
  explicit BasicBarrier(detail::ByName by_name) noexcept : Base(by_name) {}
  /// `parties`: 1 or more, else std::invalid_argument. Throws std::system_error if the shared memory
  /// is full.
  template <std::integral Int>
  explicit BasicBarrier(Int parties) : BasicBarrier(parties, detail::SharedAction(), {}) {}
  /// `action` runs once a round before anybody passes, in the process of one of the parties: a
  /// function, or a lambda without captures.
  template <std::integral Int, class Action>
  BasicBarrier(Int parties, Action action) : BasicBarrier(parties, shared(action), {}) {}
  /// `timeout`: how long a wait may take that is given no limit of its own.
  template <std::integral Int, class Action, class Rep, class Period>
  BasicBarrier(Int parties, Action action, std::chrono::duration<Rep, Period> timeout)
      : BasicBarrier(parties, shared(action), cohort::detail::Limit::within(timeout)) {}
  template <std::integral Int, class Rep, class Period>
  BasicBarrier(Int parties, std::nullptr_t, std::chrono::duration<Rep, Period> timeout)
      : BasicBarrier(parties, detail::SharedAction(), cohort::detail::Limit::within(timeout)) {}

  /// Waits for the other parties; yields 0 to parties - 1, in order of arrival in this round.
  /// Throws BrokenBarrier, and what the action threw if it ran here. Under `within` and `until` an
  /// own time-out yields nothing; else the barrier's time-out throws BrokenBarrier. Timed out, also
  /// at once, or cancelled it has broken the barrier; cancelled before it began it has not.
  auto wait() const {
    using Wait = cohort::detail::BarrierWait<detail::SharedArrival<Object>>;
    return Operation(Wait{{{&object()}, object().limit}});
  }

  /// Sends all who wait away with BrokenBarrier and makes the barrier as new. A party that runs the
  /// action finishes it, gets BrokenBarrier, and the next round's is not run before.
  void reset() const { object().machine.reset(); }
  /// Breaks it.
  void abort() const { object().machine.abort(); }
  bool broken() const { return object().machine.broken(); }
  /// How many wait in this round, for a moment.
  std::uint64_t n_waiting() const { return object().machine.waiting(); }
  std::uint64_t parties() const { return object().machine.parties(); }

 private:
  template <std::integral Int>
  BasicBarrier(Int parties, detail::SharedAction action, cohort::detail::Limit limit)
      : Base(std::in_place, checked(parties), action, limit) {}
  template <std::integral Int>
  static std::uint64_t checked(Int parties) {
    if (std::cmp_less(parties, 1)) throw std::invalid_argument("Barrier: needs at least 1 party");
    return static_cast<std::uint64_t>(parties);
  }
  template <class Action>
  static detail::SharedAction shared(const Action& action) {
    static_assert(std::is_convertible_v<Action, void (*)()>,
                  "the action of an ipc::Barrier runs in any process of the family: it is a "
                  "function, or a lambda without captures that yields nothing");
    return detail::SharedAction(action);
  }
};
using Barrier = BasicBarrier<>;

}  // namespace cohort::inline v0::ipc
