// SPDX-License-Identifier: BSL-1.0

// The semaphore on its gate, in the model checker.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cohort/core/gate.hpp"                    // what is tested
#include "cohort/core/waiter.hpp"                  // what is tested
#include "cohort/sync/detail/basic_semaphore.hpp"  // what is tested
#include "faults.hpp"                              // Fault, Policy
#include "model.hpp"                               // explore, Data
#include "waiting.hpp"                             // Waiting

namespace {

namespace model = cohort::model;
using namespace cohort::model;
using cohort::detail::BasicGate;
using cohort::detail::BasicSemaphore;

using namespace std::chrono_literals;

using Semaphore = BasicSemaphore<BasicGate<Policy>>;

constexpr std::uint64_t no_limit = 1'000;
constexpr cohort::TimePoint start{1s};

// One letter an operation: a acquires, works and releases; t the same with a deadline; k as a
// coroutine; c may be cancelled; x cancels it; ! lets a millisecond go by; r releases, b acquires
// without waiting and keeps the permit; g acquires and keeps the permit.
struct Room {
  explicit Room(std::uint64_t n) : permits(n), semaphore(n) {}
  const std::uint64_t permits;
  Semaphore semaphore;
  model::Data<int> count;
  Weakened<int> work{0};
  std::uint64_t inside = 0;
  Waiting<Semaphore> cancelled{semaphore};

  void act(std::string_view program) {
    for (const char c : program) {
      if (c == 'a') visit(acquire_as(Kind::thread), true);
      if (c == 'k') visit(acquire_as(Kind::coroutine), true);
      if (c == 't') visit(acquire_as(Kind::timed), false);
      if (c == 'c') visit(semaphore.try_acquire() || cancelled.wait(), false);
      if (c == 'x') cancelled.stop();
      if (c == '!') Policy::set_now(Policy::now() + 1ms);
    }
  }
  bool acquire_as(Kind kind) {
    if (semaphore.try_acquire()) return true;
    Waiting<Semaphore> waiting(semaphore, kind);
    return waiting.wait();
  }
  void visit(bool granted, bool always) {
    require(granted || !always, "it waits for ever");
    if (!granted) return;
    require(++inside <= permits, "there are no more inside than permits");
    if (permits == 1) count.set(count.get() + 1);
    work.load(relaxed);  // others may run
    --inside;
    require(semaphore.release(1, no_limit), "it is below the limit");
  }
};

Outcome visit(std::uint64_t permits, const std::vector<std::string_view>& programs,
              const Options& options, Fault planted = {}) {
  return explore(planted, options, [&](Execution& ex) {
    Policy::set_now(start);
    auto& room = ex.make<Room>(permits);
    for (const auto program : programs) ex.thread([&room, program] { room.act(program); });
    ex.finally([&room, permits] {
      require(room.semaphore.value() == permits, "no permit is lost");
      for (auto left = permits; left > 0; --left) {
        require(room.semaphore.try_acquire(), "nobody is left in line");
      }
    });
  });
}

TEST(SemaphoreInTheModel, ExcludesAndServesTwoWhateverTheyDo) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    const Options options{.memory = memory, .executions = 8'000, .random = 1'000, .steps = 2'000};
    for (const auto* const one : {"aaa", "kkk", "ata"}) {
      for (const auto* const other : {"aaa", "tkt", "a!a"}) {
        expect_passed(visit(1, {one, other}, options), std::string(one) + " " + other);
      }
    }
  }
}

TEST(SemaphoreInTheModel, ExcludesAndServesThree) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    const Options options{.memory = memory, .executions = 10'000, .random = 1'000, .steps = 2'000};
    expect_passed(visit(1, {"a", "a", "a"}, options));
    expect_passed(visit(1, {"k", "a", "t"}, options));
    expect_passed(visit(1, {"aa", "k", "!a"}, options));
    expect_passed(visit(1, {"a", "c", "x", "k"}, options));
    expect_passed(visit(1, {"aa", "c", "!x"}, options));
    expect_passed(visit(2, {"aa", "kt", "a"}, options));
  }
}

TEST(SemaphoreInTheModel, IsReleasedWithoutWaitingForTheHolderOfTheGate) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    const Options options{.memory = memory, .deaths = 1, .steps = 2'000};
    const auto outcome = model::explore(options, [](Execution& ex) {
      Policy::set_now(start);
      auto& room = ex.make<Room>(2);
      room.semaphore.try_acquire();
      ex.mortal([&room] { room.act("ak"); });
      ex.thread([&room] {
        room.semaphore.release(1, no_limit);
        if (room.semaphore.try_acquire()) room.semaphore.release(1, no_limit);
      });
    });
    expect_passed(outcome);
  }
}

// One stands in line when the other releases and comes back at once.
Outcome come_back(Kind kind, std::string_view program, int& overtakings, const Options& options) {
  return model::explore(options, [&overtakings, kind, program](Execution& ex) {
    struct State : Room {
      using Room::Room;
      using Waiter = Semaphore::Waiter;
      Weakened<bool> stands{false};
      void arm(Waiter& waiter) {
        semaphore.arm(waiter);
        stands.store(true, release);
      }
      void disarm(Waiter& waiter) { semaphore.disarm(waiter); }
      bool retry(Waiter& waiter) { return semaphore.retry(waiter); }
    };
    Policy::set_now(start);
    auto& s = ex.make<State>(1);
    s.semaphore.try_acquire();
    ex.thread([&s, kind] {
      Waiting<State> waiting(s, kind);
      waiting.wait();  // and keeps the permit
    });
    ex.thread([&s, program, &overtakings] {
      while (!s.stands.load(acquire)) Policy::pause();
      for (const char c : program) {
        if (c == '!') {
          Policy::set_now(Policy::now() + 1ms);
          continue;
        }
        s.semaphore.release(1, no_limit);
        const bool again = s.semaphore.try_acquire();
        if (!again) return;
        require(c == 'r', "after a millisecond nobody overtakes");
        ++overtakings;
      }
      s.semaphore.release(1, no_limit);
    });
  });
}

TEST(SemaphoreInTheModel, LetsARunningOneOvertakeForAMillisecondAndThenHandsOver) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const auto kind : {Kind::thread, Kind::coroutine}) {
      const Options options{
          .memory = memory, .executions = 10'000, .random = 1'000, .steps = 2'000};
      int overtakings = 0;
      expect_passed(come_back(kind, "rr", overtakings, options));
      EXPECT_GT(overtakings, 0);
      overtakings = 0;
      expect_passed(come_back(kind, "!h", overtakings, options));
      EXPECT_EQ(overtakings, 0);
      expect_passed(come_back(kind, "r!h", overtakings, options));
    }
  }
}

TEST(SemaphoreInTheModel, IsSeenToFailWhenAnOrderOfItIsWeakenedOrAWakeIsDropped) {
  const auto fails = [](Fault planted) {
    return visit(1, {"aaa", "ata"}, {.steps = 2'000}, planted).failed;
  };
  EXPECT_TRUE(fails({Op::wake}));
  EXPECT_TRUE(fails({Op::attend}));
  EXPECT_TRUE(fails({Op::change, "try_acquire", acquire, relaxed}));
  EXPECT_TRUE(fails({Op::change, "release", release, relaxed}));
  EXPECT_TRUE(fails({Op::change, "unlock", release, relaxed}));
  EXPECT_TRUE(fails({Op::store, "decide", release, relaxed}));
}

}  // namespace
