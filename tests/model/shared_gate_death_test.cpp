// SPDX-License-Identifier: BSL-1.0

// The shared gate and who waits at it, in the model checker, under the lock, the semaphore and the
// event, among processes that die.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cohort/core/detail/basic_event.hpp"      // what is tested
#include "cohort/ipc/detail/held_permits.hpp"      // what is tested
#include "cohort/ipc/detail/owned_permit.hpp"      // what is tested
#include "cohort/ipc/detail/shared_gate.hpp"       // what is tested
#include "cohort/ipc/semaphore.hpp"                // what is tested
#include "cohort/sync/detail/basic_semaphore.hpp"  // what is tested
#include "faults.hpp"                              // Fault, Policy
#include "model.hpp"                               // explore, Data
#include "world.hpp"                               // World, SharedWaits

// Faults, one step left out or done too late:
namespace {
// who takes the lock over does not look what was being removed;
struct Forgetful : cohort::model::World {};
// a grant is noted after the line was changed;
struct LateNote : cohort::model::World {};
// a waiter that has calmed meanwhile is not known again;
struct Literal : cohort::model::World {};
// a claim is not undone,
struct NoReturn : cohort::model::World {};
// and the end of the line is not looked for;
struct NoEnd : cohort::model::World {};
// nobody tells those again whom a dead one was about to tell;
struct Mute : cohort::model::World {};
// one who was cancelled is taken out without a note;
struct Hasty : cohort::model::World {};
// what is done again when a permit has changed hands counts twice;
struct Counting : cohort::model::World {};
// what a dead one was granted is taken back without a note.
struct Greedy : cohort::model::World {};
}  // namespace

namespace cohort::ipc::detail {
template <>
void BasicSharedLine<Forgetful>::finish_removal() noexcept {}

template <>
void BasicSharedLine<LateNote>::grant_front() noexcept {
  const Offset offset = first();
  Waiter& waiter = at(offset);
  deliveries_[count_++] = waiter.delivery();
  gate_.first_.store(waiter.next_.load(std::memory_order_acquire), std::memory_order_release);
  begin_to_remove(offset);
  waiter.finish_grant();
  end_removal();
}

template <>
bool BasicSharedWaiter<Literal>::is_still(std::uint64_t word) const noexcept {
  return word_.load(std::memory_order_acquire) == word;
}

template <>
void BasicSharedLine<NoReturn>::recover() noexcept {
  Offset last = 0;
  each([&](Waiter& waiter) {
    last = NoReturn::offset_of(&waiter);
    return true;
  });
  gate_.last_.store(last, std::memory_order_relaxed);
}

template <>
void BasicSharedLine<NoEnd>::recover() noexcept {
  each([](Waiter& waiter) { return waiter.unclaim(), true; });
}

template <>
void BasicSharedWaiter<Mute>::tell_again() noexcept {}

template <>
void BasicSharedLine<Hasty>::drop(Offset before) noexcept {
  auto& link = before ? at(before).next_ : gate_.first_;
  Waiter& waiter = at(link.load(std::memory_order_acquire));
  const Offset next = waiter.next_.load(std::memory_order_acquire);
  if (before && !next) gate_.last_.store(before, std::memory_order_relaxed);
  link.store(next, std::memory_order_release);
  if (!Hasty::is_dead(waiter.member())) waiter.leave_line();
}

template <>
void BasicHeldPermits<Counting>::Ledger::finish() noexcept {
  if (const auto slot = slot_.load(std::memory_order_relaxed)) {
    const auto more = count_.load(std::memory_order_relaxed) != 0;
    held_[slot].fetch_add(more ? 1U : ~0U, std::memory_order_relaxed);
  }
}

template <>
void BasicHeldPermits<Greedy>::Ledger::note_revoked(BasicSharedWaiter<Greedy>& waiter) noexcept {
  slot_.store(0, std::memory_order_relaxed);
  revoked_.store(0, std::memory_order_relaxed);
  waiter.revoke();
}
}  // namespace cohort::ipc::detail

namespace {

namespace model = cohort::model;
using namespace cohort::model;
using namespace std::chrono_literals;
using cohort::detail::BasicEvent;
using cohort::detail::BasicSemaphore;
using cohort::ipc::detail::BasicOwnedPermit;
using cohort::ipc::detail::BasicSemaphoreObject;
using cohort::ipc::detail::BasicSharedGate;
using cohort::ipc::detail::Member;

constexpr cohort::TimePoint start{1s};

/// A lock. l acquires and releases, t only for a while, ! lets a millisecond pass.
template <class W>
struct LockRoom {
  using Permit = BasicOwnedPermit<W>;
  using Machine = BasicSemaphore<BasicSharedGate<W>, Permit>;
  using Waiter = typename Machine::Waiter;

  LockRoom(Family& family, std::size_t processes, bool does_heal) : heals(does_heal) {
    for (std::size_t i = 0; i < processes; ++i) {
      waits.push_back(
          std::make_unique<SharedWaits<Machine>>(machine, static_cast<ThreadId>(i + 1)));
      family.add_waiter(waits.back()->waiter());
    }
    // As BasicLockObject.
    family.add_object([this](Member dead) {
      machine.bury([&](std::uint64_t word) { return Permit::bury(word, dead, heals); });
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
    if (heals) done.set(begun.get());
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

  const bool heals;
  Machine machine{1};
  model::Data<int> begun;
  model::Data<int> done;
  typename W::template atomic<int> work{0};
  std::vector<std::unique_ptr<SharedWaits<Machine>>> waits;
};

template <class W = World>
Outcome run_lock(const Programs& programs, const Options& options, Fault planted = {},
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
      object.machine.release(1, object.limit);
      took[self] = false;
    }
  }
  // As HoldShared and WaitShared.
  bool enter(ThreadId self, bool holds, bool timed) {
    if (holds ? object.try_hold() : object.try_now()) {
      took[self] = !holds;
      return true;
    }
    auto& wait = *waits[self - 1U];
    wait.waiter().holds = holds;
    const bool granted = wait.wait(timed, [&](Waiter&) { took[self] = !holds; });
    require(granted || timed, "it waits for ever");
    return granted;
  }
  void check() {
    bool tokens = false;  // those of the dead do not come back
    for (ThreadId i = 1; i <= waits.size(); ++i) tokens |= took[i] && model::was_killed(i);
    require(object.machine.value() <= 1, "no permit is doubled");
    require(object.machine.value() == 1 || tokens, "no permit is lost");
  }

  Object object{1, 1};
  ThreadId inside = 0;
  bool took[model::max_threads]{};  // a token
  typename W::template atomic<int> work{0};
  std::vector<std::unique_ptr<SharedWaits<Machine>>> waits;
};

template <class W = World>
Outcome run_semaphore(const Programs& programs, const Options& options, Fault planted = {}) {
  return explore(planted, options, [&](Execution& ex) {
    Policy::set_now(start);
    auto& family = ex.make<Family>();
    auto& room = ex.make<SemaphoreRoom<W>>(family, programs.size());
    people(ex, room, family, programs);
    ex.finally([&] {
      room.check();
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
Outcome run_event(const Programs& programs, const Options& options, Fault planted = {}) {
  return explore(planted, options, [&](Execution& ex) {
    auto& family = ex.make<Family>();
    auto& room = ex.make<EventRoom<W>>(family, programs.size());
    people(ex, room, family, programs);
    ex.finally([&] { family.check(); });
  });
}

const Options one_death{
    .preemptions = 1, .surprises = 0, .deaths = 1, .random = 300, .steps = 3'000};
const Options one_death_more_switches{
    .preemptions = 2, .surprises = 0, .deaths = 1, .random = 300, .steps = 3'000};
const Options two_deaths{
    .preemptions = 1, .surprises = 0, .deaths = 2, .random = 300, .steps = 3'000};
const Options two_deaths_alone{
    .preemptions = 0, .surprises = 0, .deaths = 2, .random = 300, .steps = 3'000};

// All of them, and then some at random under weak memory.
template <class Run>
void expect_all_pass(Run run, Options options, const std::vector<Programs>& all) {
  for (const Programs& programs : all) {
    std::string what;
    for (const auto program : programs) what += std::string(program) + " ";
    expect_exhausted(run(programs, options), what);
    Options weak = options;
    weak.memory = Memory::weak;
    weak.executions = 0;
    expect_passed(run(programs, weak), what);
  }
}

TEST(DeathInTheModel, OfALocksOwnerOrWaiter) {
  const auto run = [](const Programs& programs, const Options& options) {
    return run_lock(programs, options);
  };
  expect_all_pass(run, one_death, {{"L", "L", "*l"}, {"L", "T", "*l"}, {"L!L", "l", "*"}});
  expect_all_pass(run, one_death_more_switches, {{"L", "t", "*"}});
  expect_all_pass(run, two_deaths, {{"L", "L", "*l"}, {"L", "%", "*l"}});
}

TEST(DeathInTheModel, OfTheOwnerOfALockThatHeals) {
  const auto run = [](const Programs& programs, const Options& options) {
    return run_lock(programs, options, {}, true);
  };
  expect_all_pass(run, one_death, {{"L", "L", "*l"}});
}

TEST(DeathInTheModel, OfASemaphoresHolderOrWaiter) {
  const auto run = [](const Programs& programs, const Options& options) {
    return run_semaphore(programs, options);
  };
  expect_all_pass(run, one_death, {{"H", "*h"}, {"H", "h", "*"}, {"A", "o", "*"}});
  expect_all_pass(run, two_deaths_alone, {{"H", "H", "*"}, {"H", "%", "*h"}});
}

TEST(DeathInTheModel, OfAnEventsWaiterOrSetter) {
  const auto run = [](const Programs& programs, const Options& options) {
    return run_event(programs, options);
  };
  expect_all_pass(run, one_death, {{"W", "s", "*w"}, {"w", "S", "*s"}, {"t", "Szs", "*s"}});
}

TEST(SharedGateInTheModel, KeepsNobodyWhoseTimeIsUp) {
  const Options options{.preemptions = 2, .surprises = 0, .random = 300, .steps = 3'000};
  expect_exhausted(run_event({"t", "t"}, options));
}

TEST(DeathInTheModel, IsSeenToBreakAFaultyGate) {
  const auto breaks_lock = []<class W>(W) {
    return run_lock<W>({"L", "L", "*l"}, one_death).failed ||
           run_lock<W>({"L!L", "l", "*"}, one_death).failed ||
           run_lock<W>({"L", "T", "*l"}, one_death).failed;
  };
  EXPECT_TRUE(breaks_lock(Forgetful()));
  EXPECT_TRUE(breaks_lock(LateNote()));
  EXPECT_TRUE(breaks_lock(Literal()));
  EXPECT_TRUE(breaks_lock(NoReturn()));
  EXPECT_TRUE(breaks_lock(Mute()));
  EXPECT_TRUE(run_lock<NoEnd>({"l", "L", "l", "*"}, one_death).failed);
  EXPECT_TRUE(run_lock<Hasty>({"L", "t", "*"}, one_death_more_switches).failed);
  EXPECT_TRUE(run_semaphore<Counting>({"H", "h", "*"}, one_death).failed);
  EXPECT_TRUE(run_semaphore<Greedy>({"h", "A", "%", "*"}, two_deaths).failed);
}

}  // namespace
