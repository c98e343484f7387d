// SPDX-License-Identifier: BSL-1.0

// The shared gate and who waits at it, in the model checker, under the lock, the semaphore and the
// event, among processes that die.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string_view>
#include <vector>

#include "cohort/core/detail/basic_event.hpp"      // what is tested
#include "cohort/ipc/detail/owned_permit.hpp"      // what is tested
#include "cohort/ipc/detail/shared_gate.hpp"       // what is tested
#include "cohort/ipc/semaphore.hpp"                // what is tested
#include "cohort/sync/detail/basic_semaphore.hpp"  // what is tested
#include "faults.hpp"                              // Fault, Policy
#include "model.hpp"                               // explore, Data
#include "world.hpp"                               // World, SharedWaits

namespace {

namespace model = cohort::model;
using namespace std::chrono_literals;
using cohort::detail::BasicEvent;
using cohort::detail::BasicSemaphore;
using cohort::ipc::detail::BasicOwnedPermit;
using cohort::ipc::detail::BasicSemaphoreObject;
using cohort::ipc::detail::BasicSharedGate;
using cohort::ipc::detail::Member;
using model::Execution;
using model::expect_passed;
using model::explore;
using model::Family;
using model::Fault;
using model::Memory;
using model::Op;
using model::Options;
using model::Outcome;
using model::people;
using model::Policy;
using model::Programs;
using model::require;
using model::SharedWaits;
using model::ThreadId;
using model::World;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr cohort::TimePoint start{1s};

/// A lock. l acquires and releases, t only for a while, ! lets a millisecond pass.
template <class W>
struct LockRoom {
  using Permit = BasicOwnedPermit<W>;
  using Machine = BasicSemaphore<BasicSharedGate<W>, Permit>;
  using Waiter = typename Machine::Waiter;

  LockRoom(Family& family, std::size_t processes, bool heals) {
    for (std::size_t i = 0; i < processes; ++i) {
      waits.push_back(
          std::make_unique<SharedWaits<Machine>>(machine, static_cast<ThreadId>(i + 1)));
      family.add_waiter(waits.back()->waiter());
    }
    // As BasicLockObject.
    family.add_object([this, heals](Member dead) {
      machine.bury([dead, heals](std::uint64_t word) { return Permit::bury(word, dead, heals); });
    });
  }

  void act(char c, ThreadId self) {
    if (c == '!') return Policy::set_now(Policy::now() + 1ms);
    bool refused = false;
    if (!enter(self, c == 't' || c == 'T', false, refused)) {
      if (!refused) return;
      // Another may be faster.
      if (!enter(self, false, true, refused)) return;
      done.set(begun.get());  // the repair
    }
    require(begun.get() == done.get(), "nobody else is inside, and who died there was followed");
    begun.set(begun.get() + 1);
    work.load(relaxed);
    done.set(begun.get());
    machine.release(1, 1);
  }
  // As AcquireShared.
  bool enter(ThreadId self, bool timed, bool repairs, bool& refused) {
    if (repairs ? machine.try_acquire_as(typename Permit::Claim{true}) : machine.try_acquire()) {
      return true;
    }
    if (!repairs && machine.word() & Permit::died) return refused = true, false;
    auto& wait = *waits[self - 1U];
    wait.waiter().repairs = repairs;
    const bool granted = wait.wait(timed, [&](Waiter& waiter) { refused = waiter.refused; });
    require(granted || timed, "it waits for ever");
    return granted && !refused;
  }
  void check() {
    require(machine.try_acquire() || machine.try_acquire_as(typename Permit::Claim{true}),
            "it is free in the end");
  }

  Machine machine{1};
  model::Data<int> begun;
  model::Data<int> done;
  typename W::template atomic<int> work{0};
  std::vector<std::unique_ptr<SharedWaits<Machine>>> waits;
};

template <class W = World>
Outcome lock(const Programs& programs, const Options& options, Fault planted = {},
             bool heals = false) {
  return explore(planted, options, [&](Execution& ex) {
    Policy::set_now(start);
    auto& family = ex.make<Family>();
    auto& room = ex.make<LockRoom<W>>(family, programs.size(), heals);
    people(ex, room, family, programs);
    ex.finally([&] {
      room.check();
      family.check();
    });
  });
}

/// A semaphore of one permit. h holds it, a acquires a token and releases it, each for a while only
/// as o and b; ! as above.
template <class W>
struct SemaphoreRoom {
  using Object = BasicSemaphoreObject<BasicSharedGate<W>>;
  using Machine = typename Object::Machine;
  using Waiter = typename Machine::Waiter;

  SemaphoreRoom(Family& family, std::size_t processes) {
    for (std::size_t i = 0; i < processes; ++i) {
      waits.push_back(
          std::make_unique<SharedWaits<Machine>>(object.machine, static_cast<ThreadId>(i + 1)));
      family.add_waiter<Waiter>(waits.back()->waiter(),
                                [this](Waiter& waiter) { object.revoke(waiter); });
    }
    family.add_object([this](Member dead) { object.bury(dead); });
  }

  void act(char c, ThreadId self) {
    if (c == '!') return Policy::set_now(Policy::now() + 1ms);
    c = static_cast<char>(c | 0x20);
    const bool holds = c == 'h' || c == 'o';
    if (!enter(self, holds, c == 'o' || c == 'b')) return;
    require(inside == 0 || model::was_killed(inside), "there are no more inside than permits");
    inside = self;
    work.load(relaxed);
    inside = 0;
    if (holds) {
      object.give_back();
    } else {
      object.put_back();
    }
  }
  // As HoldShared and WaitShared.
  bool enter(ThreadId self, bool holds, bool timed) {
    if (holds ? object.try_hold() : object.try_now()) return true;
    auto& wait = *waits[self - 1U];
    wait.waiter().holds = holds;
    const bool granted = wait.wait(timed);
    require(granted || timed, "it waits for ever");
    return granted;
  }
  void check(bool tokens) {
    require(object.machine.value() <= 1, "no permit is doubled");
    require(object.machine.value() == 1 || tokens, "no permit is lost");
  }

  Object object{1, 1};
  ThreadId inside = 0;
  typename W::template atomic<int> work{0};
  std::vector<std::unique_ptr<SharedWaits<Machine>>> waits;
};

template <class W = World>
Outcome hold(const Programs& programs, const Options& options, Fault planted = {}) {
  return explore(planted, options, [&](Execution& ex) {
    Policy::set_now(start);
    auto& family = ex.make<Family>();
    auto& room = ex.make<SemaphoreRoom<W>>(family, programs.size());
    people(ex, room, family, programs);
    ex.finally([&] {
      bool tokens = false;  // those of the dead do not come back
      for (std::size_t i = 0; i < programs.size(); ++i) {
        const bool takes = programs[i].find('A') != programs[i].npos;
        tokens |= takes && model::was_killed(static_cast<ThreadId>(i + 1));
      }
      room.check(tokens);
      family.check();
    });
  });
}

/// An event. w waits, t for a while, s sets, z clears.
template <class W>
struct EventRoom {
  using Machine = BasicEvent<BasicSharedGate<W>>;

  EventRoom(Family& family, std::size_t processes) {
    for (std::size_t i = 0; i < processes; ++i) {
      waits.push_back(std::make_unique<SharedWaits<Machine>>(event, static_cast<ThreadId>(i + 1)));
      family.add_waiter(waits.back()->waiter());
    }
    family.add_object([this](Member) { event.bury(); });
  }
  void act(char c, ThreadId self) {
    c = static_cast<char>(c | 0x20);
    if (c == 's') event.set();
    if (c == 'z') event.clear();
    if ((c == 'w' || c == 't') && !event.is_set()) waits[self - 1U]->wait(c == 't');
  }

  Machine event;
  std::vector<std::unique_ptr<SharedWaits<Machine>>> waits;
};

template <class W = World>
Outcome wait(const Programs& programs, const Options& options, Fault planted = {}) {
  return explore(planted, options, [&](Execution& ex) {
    auto& family = ex.make<Family>();
    auto& room = ex.make<EventRoom<W>>(family, programs.size());
    people(ex, room, family, programs);
    ex.finally([&] { family.check(); });
  });
}

constexpr Options one_death{
    .preemptions = 1, .surprises = 0, .deaths = 1, .random = 1'000, .steps = 3'000};

TEST(DeathInTheModel, OfALocksOwnerOrWaiter) {
  for (const Programs& programs :
       {Programs{"L", "L", "*l"}, Programs{"LL", "T", "*l"}, Programs{"L!L", "L", "*l"}}) {
    const auto outcome = lock(programs, one_death);
    expect_passed(outcome, programs[0]);
    std::cout << outcome << "\n";
  }
}

TEST(DeathInTheModel, OfASemaphoresHolderOrWaiter) {
  for (const Programs& programs :
       {Programs{"H", "H", "*h"}, Programs{"HH", "O", "*h"}, Programs{"A", "O", "*b"},
        Programs{"O!O", "A", "*b"}, Programs{"H", "h", "O", "*o"}}) {
    const auto outcome = hold(programs, one_death);
    expect_passed(outcome, programs[0]);
    std::cout << outcome << "\n";
  }
}
TEST(DeathInTheModel, OfAnEventsWaiterOrSetter) {
  for (const Programs& programs : {Programs{"W", "s", "*w"}, Programs{"w", "S", "*s"},
                                   Programs{"W", "T", "s", "*t"}, Programs{"t", "Szs", "*s"}}) {
    const auto outcome = wait(programs, one_death);
    expect_passed(outcome, programs[0]);
    std::cout << outcome << "\n";
  }
}

}  // namespace
