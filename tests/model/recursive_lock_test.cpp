// SPDX-License-Identifier: BSL-1.0

// The recursive lock, in the model checker.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "cohort/core/gate.hpp"                   // what is tested
#include "cohort/sync/detail/recursive_lock.hpp"  // what is tested
#include "faults.hpp"                             // Fault, Policy
#include "model.hpp"                              // explore, Data
#include "waiting.hpp"                            // Waiting

namespace {

namespace model = cohort::model;
using cohort::detail::BasicGate;
using cohort::detail::BasicRecursiveLock;
using cohort::detail::BasicSemaphore;
using cohort::detail::LeveledPermit;
using cohort::detail::Owner;
using model::Execution;
using model::expect_passed;
using model::explore;
using model::Fault;
using model::Memory;
using model::Op;
using model::Options;
using model::Outcome;
using model::Policy;
using model::require;
using model::Waiting;
using model::Weakened;

using Semaphore = BasicSemaphore<BasicGate<Policy>, LeveledPermit>;
using Lock = BasicRecursiveLock<Semaphore>;

constexpr cohort::TimePoint start{std::chrono::seconds(1)};

// Tasks under one stop scope: their ids are the same. One letter an operation: a acquires twice,
// works and releases twice; ? asks whether it has it; h acquires, works and leaves the level to a
// guard elsewhere, then takes another if it still has the lock; g is that guard's end.
struct Room {
  Lock lock;
  std::array<char, 3> names{};
  model::Data<int> count;
  Weakened<int> work{0};
  Weakened<bool> handed{false};
  int inside = 0;

  void act(std::size_t actor, std::string_view program) {
    const Owner me{&names[actor], 7};
    for (const char c : program) {
      if (c == 'a') visit(me);
      if (c == '?') {
        require(!lock.held_by(me), "it has it not");
        require(!lock.enter_again(me), "nor may it enter again");
      }
      if (c == 'h') hand_over(me);
      if (c == 'g') {
        while (!handed.load(std::memory_order_acquire)) Policy::pause();
        lock.release();
      }
    }
  }
  void enter(const Owner& me) {
    if (lock.try_acquire(me)) return;
    Waiting<Semaphore> waiting(lock.semaphore());
    require(waiting.wait(), "it is served");
    lock.taken(me, 1);
  }
  void visit(const Owner& me) {
    enter(me);
    require(lock.held_by(me), "it has it");
    require(lock.enter_again(me), "it may enter again");
    be_inside();
    lock.release();
    require(lock.held_by(me), "a level is left");
    lock.release();
    require(!lock.held_by(me), "none is left");
  }
  void hand_over(const Owner& me) {
    enter(me);
    be_inside();
    handed.store(true, std::memory_order_release);
    if (!lock.enter_again(me)) return;
    be_inside();
    require(lock.held_by(me), "it has it");
    lock.release();
  }
  void be_inside() {
    require(++inside == 1, "one is inside");
    count.set(count.get() + 1);
    work.load(std::memory_order_relaxed);  // others may run
    --inside;
  }
};

Outcome visit(const std::vector<std::string_view>& programs, const Options& options,
              Fault planted = {}) {
  return explore(planted, options, [&](Execution& ex) {
    Policy::set_now(start);
    auto& room = ex.make<Room>();
    for (std::size_t i = 0; i < programs.size(); ++i) {
      ex.thread([&room, &programs, i] { room.act(i, programs[i]); });
    }
    ex.finally([&room] {
      require(room.lock.levels() == 0, "no level is left");
      require(room.lock.semaphore().try_acquire(), "nobody is left in line");
    });
  });
}

TEST(RecursiveLockInTheModel, TellsItsOwnerFromOthersUnderTheSameScope) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    const Options options{.memory = memory, .executions = 2'000, .random = 500, .steps = 2'000};
    expect_passed(visit({"a?", "a?"}, options));
    expect_passed(visit({"aa", "?a?"}, options));
    expect_passed(visit({"a", "a?", "?a"}, options));
  }
}

TEST(RecursiveLockInTheModel, LosesAndGainsNoLevelWhenAGuardGivesOneBackElsewhere) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    const Options options{.memory = memory, .executions = 2'000, .random = 500, .steps = 2'000};
    expect_passed(visit({"h", "g"}, options));
    expect_passed(visit({"h", "g?", "a?"}, options));
  }
}

TEST(RecursiveLockInTheModel, IsSeenToFailWhenAnOrderOfItIsWeakened) {
  constexpr auto relaxed = std::memory_order_relaxed;
  const auto fails = [](Fault planted) {
    return visit({"a?", "a"}, {.memory = Memory::weak, .steps = 2'000}, planted).failed;
  };
  EXPECT_TRUE(fails({Op::change, "change", std::memory_order_acq_rel, relaxed}));
  EXPECT_TRUE(fails({Op::load, "is_of", std::memory_order_acquire, relaxed}));
  EXPECT_TRUE(fails({Op::store, "taken", std::memory_order_release, relaxed}));
}

}  // namespace
