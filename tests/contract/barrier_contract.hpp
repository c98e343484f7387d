// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Barrier: rounds, the action, and all the ways to break it.

#include <algorithm>
#include <memory>
#include <numeric>
#include <stdexcept>

#include "support/flavours.hpp"  // Crew

namespace cohort::test {

class BarrierContract : public testing::TestWithParam<Flavour> {
 protected:
  /// Starts `n` parties that wait once; `passed` and `broken` say how that ended.
  void wait_once(Crew& crew, Barrier& barrier, int n) {
    for (int i = 0; i < n; ++i) {
      crew.start([&](auto how) -> Script<decltype(how)> {
        try {
          const auto index = co_await barrier.wait();
          indices.add(index);
          ++passed;
        } catch (const BrokenBarrier&) {
          ++broken;
        }
      });
    }
  }
  static void wait_until_in_line(const Barrier& barrier, std::uint64_t n) {
    ASSERT_TRUE(eventually([&] { return barrier.n_waiting() == n; }));
  }

  std::atomic<int> passed{0}, broken{0};
  std::atomic<bool> was_reset{false};
  Log<std::uint64_t> indices;
};

INSTANTIATE_TEST_SUITE_P(Everybody, BarrierContract, testing::ValuesIn(all_flavours), flavour_name);

// C102
TEST_P(BarrierContract, NobodyPassesBeforeTheLastAndEachHasItsIndex) {
  Barrier barrier(5);
  EXPECT_EQ(barrier.parties(), 5u);
  EXPECT_EQ(barrier.n_waiting(), 0u);
  Crew crew(GetParam());
  for (std::uint64_t i = 1; i <= 4; ++i) {
    wait_once(crew, barrier, 1);
    wait_until_in_line(barrier, i);
  }
  EXPECT_EQ(passed, 0);
  wait_once(crew, barrier, 1);
  crew.join();
  auto all = indices.entries();
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (std::vector<std::uint64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(barrier.n_waiting(), 0u);
  EXPECT_FALSE(barrier.broken());
}

// C102: indices are those of arrival.
TEST_P(BarrierContract, TheIndexIsThatOfArrival) {
  Barrier barrier(4);
  Log<std::pair<int, std::uint64_t>> log;
  Crew crew(GetParam());
  for (int i = 0; i < 4; ++i) {
    crew.start([&, i](auto how) -> Script<decltype(how)> {
      const auto index = co_await barrier.wait();
      log.add({i, index});
    });
    if (i < 3) wait_until_in_line(barrier, static_cast<std::uint64_t>(i + 1));
  }
  crew.join();
  for (const auto& [party, index] : log.entries()) {
    EXPECT_EQ(static_cast<std::uint64_t>(party), index);
  }
}

// C102 C103
TEST_P(BarrierContract, RoundsGoInLockStepAndTheActionRunsOnceInEach) {
  constexpr int parties = 4;
  constexpr int rounds = 1000;
  static int turns[parties];  // ThreadSanitizer watches them
  static int actions;
  for (int& turn : turns) turn = 0;
  actions = 0;
  std::atomic<std::uint64_t> sum{0};
  Barrier barrier(parties, [] {
    ++actions;
    for (const int turn : turns) EXPECT_EQ(turn, actions);
  });
  {
    Crew crew(GetParam());
    for (int i = 0; i < parties; ++i) {
      crew.start([&, i](auto how) -> Script<decltype(how)> {
        for (int round = 1; round <= rounds; ++round) {
          ++turns[i];
          const auto index = co_await barrier.wait();
          sum += index;
          EXPECT_EQ(actions, round);  // the next needs this party
        }
      });
    }
  }
  EXPECT_EQ(actions, rounds);
  EXPECT_EQ(sum, 6u * rounds);
}

// C104
TEST_P(BarrierContract, AnActionThatThrowsBreaksTheBarrierAndItsPartyGetsTheError) {
  static bool fails;
  fails = true;
  Barrier barrier(3, [] {
    if (fails) throw std::runtime_error("action");
  });
  std::atomic<int> failed{0};
  Crew crew(GetParam());
  const auto party = [&](auto how) -> Script<decltype(how)> {
    try {
      co_await barrier.wait();
      ++passed;
    } catch (const BrokenBarrier&) {
      ++broken;
    } catch (const std::runtime_error&) {
      ++failed;
    }
  };
  for (int i = 0; i < 3; ++i) crew.start(party);
  crew.join();
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(broken, 2);
  EXPECT_TRUE(barrier.broken());
  fails = false;
  barrier.reset();
  for (int i = 0; i < 3; ++i) crew.start(party);
  crew.join();
  EXPECT_EQ(passed, 3);
}

// C105
TEST_P(BarrierContract, APartyThatTimesOutBreaksItForAllWhoWaitAndAllWhoCome) {
  Barrier barrier(4);
  Crew crew(GetParam());
  wait_once(crew, barrier, 2);
  wait_until_in_line(barrier, 2);
  Party& late = crew.start([&](auto how) -> Script<decltype(how)> {
    const auto start = Clock::now();
    const auto index = co_await barrier.wait().within(5ms);
    EXPECT_FALSE(index);
    EXPECT_GE(Clock::now() - start, 5ms);
  });
  EXPECT_EQ(late.end(), Ending::finished);
  crew.join();
  EXPECT_EQ(broken, 2);
  EXPECT_TRUE(barrier.broken());
  EXPECT_EQ(barrier.n_waiting(), 0u);
  wait_once(crew, barrier, 1);
  crew.join();
  EXPECT_EQ(broken, 3);
  EXPECT_THROW(static_cast<void>(barrier.wait().within(1h).block()), BrokenBarrier);
  EXPECT_TRUE(barrier.broken());
}

// C003 C105
TEST_P(BarrierContract, ATryThatFindsTooFewBreaksItAndTheLastMayTry) {
  Barrier barrier(2);
  Crew crew(GetParam());
  Party& last = crew.start([&](auto how) -> Script<decltype(how)> {
    const auto refused = co_await barrier.wait().within(0s);
    EXPECT_FALSE(refused);
    EXPECT_TRUE(barrier.broken());
    barrier.reset();
    was_reset = true;
    while (barrier.n_waiting() == 0) co_await yield_now();
    const auto index = co_await barrier.wait().within(0s);
    EXPECT_EQ(index, std::optional<std::uint64_t>(1));
  });
  ASSERT_TRUE(eventually([&] { return was_reset.load(); }));
  EXPECT_EQ(barrier.wait().block(), 0u);
  EXPECT_EQ(last.end(), Ending::finished);
}

// C106
TEST_P(BarrierContract, ItsOwnTimeOutIsForWaitsThatHaveNone) {
  Barrier barrier(2, nullptr, 5ms);
  Crew crew(GetParam());
  wait_once(crew, barrier, 1);
  crew.join();
  EXPECT_EQ(broken, 1);
  EXPECT_TRUE(barrier.broken());
  barrier.reset();
  // One that has a limit of its own keeps to that, shorter or longer.
  Party& patient = crew.start([&](auto how) -> Script<decltype(how)> {
    const auto index = co_await barrier.wait().within(1h);
    EXPECT_TRUE(index);
  });
  wait_until_in_line(barrier, 1);
  const auto over = Clock::now() + 10ms;
  ASSERT_TRUE(eventually([&] { return Clock::now() > over; }));
  EXPECT_FALSE(patient.ended());
  EXPECT_EQ(barrier.wait().block(), 1u);
}

// C107
TEST_P(BarrierContract, ResetSendsThoseWhoWaitAwayAndItIsAsNew) {
  Barrier barrier(3);
  Crew crew(GetParam());
  wait_once(crew, barrier, 2);
  wait_until_in_line(barrier, 2);
  barrier.reset();
  EXPECT_FALSE(barrier.broken());
  EXPECT_EQ(barrier.n_waiting(), 0u);
  crew.join();
  EXPECT_EQ(broken, 2);
  wait_once(crew, barrier, 3);
  crew.join();
  EXPECT_EQ(passed, 3);
}

// C108
TEST_P(BarrierContract, AbortBreaksItUntilItIsReset) {
  Barrier barrier(3);
  Crew crew(GetParam());
  wait_once(crew, barrier, 2);
  wait_until_in_line(barrier, 2);
  barrier.abort();
  EXPECT_TRUE(barrier.broken());
  crew.join();
  EXPECT_EQ(broken, 2);
  wait_once(crew, barrier, 1);
  crew.join();
  EXPECT_EQ(broken, 3);
  EXPECT_TRUE(barrier.broken());
  barrier.reset();
  EXPECT_FALSE(barrier.broken());
  wait_once(crew, barrier, 3);
  crew.join();
  EXPECT_EQ(passed, 3);
}

// C109
TEST_P(BarrierContract, ASinglePartyPassesAtOnceAndFewerThereCannotBe) {
  static int actions;
  actions = 0;
  Barrier barrier(1, [] { ++actions; });
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    for (int i = 0; i < 3; ++i) {
      const auto index = co_await barrier.wait();
      EXPECT_EQ(index, 0u);
    }
  });
  EXPECT_EQ(party.end(), Ending::finished);
  EXPECT_EQ(actions, 3);
  EXPECT_THROW(Barrier(0), std::invalid_argument);
  EXPECT_THROW(Barrier(-1), std::invalid_argument);
}

// C006 C110
TEST_P(BarrierContract, APartyThatIsStoppedBreaksItAndNobodyHangs) {
  Barrier barrier(4);
  Crew crew(GetParam());
  wait_once(crew, barrier, 3);
  wait_until_in_line(barrier, 3);
  crew.parties()[1].cancel();
  EXPECT_TRUE(barrier.broken());  // it has left when cancel() returns
  EXPECT_EQ(crew.parties()[1].end(), Ending::cancelled);
  crew.join();
  EXPECT_EQ(broken, 2);
}

// C102: whoever comes while a round is complete but its action still runs is in the next one.
TEST_P(BarrierContract, MoreThanThePartiesFormTheNextRounds) {
  static std::atomic<int> actions;
  actions = 0;
  Barrier barrier(2, [] { ++actions; });
  {
    Crew crew(GetParam());
    wait_once(crew, barrier, 12);
  }
  EXPECT_EQ(passed, 12);
  EXPECT_EQ(actions, 6);
  auto all = indices.entries();
  EXPECT_EQ(std::accumulate(all.begin(), all.end(), std::uint64_t{0}), 6u);
}

// C105: all of a round pass, or none.
TEST_P(BarrierContract, ARoundIsPassedByAllOrNoneWhenItMeetsATimeOutAndAStop) {
  for (int round = 0; round < 30; ++round) {
    Barrier barrier(4);
    std::atomic<int> through{0}, sent_away{0}, late{0};
    Crew crew(GetParam());
    for (int i = 0; i < 4; ++i) {
      crew.start([&, i](auto how) -> Script<decltype(how)> {
        const auto limit = i == 0 ? std::chrono::microseconds(50 * (round % 10) + 20)
                                  : std::chrono::microseconds(1h);
        try {
          const auto index = co_await barrier.wait().within(limit);
          ++(index ? through : late);
        } catch (const BrokenBarrier&) {
          ++sent_away;
        }
      });
    }
    if (round % 3 == 0) crew.parties()[1].cancel();
    // One that was stopped before it began has not broken it, but will not come either.
    const auto will_not_come = [&] {
      const Party& stopped = crew.parties()[1];
      return stopped.ended() && stopped.end() == Ending::cancelled;
    };
    ASSERT_TRUE(eventually([&] { return through == 4 || barrier.broken() || will_not_come(); }));
    if (will_not_come()) barrier.abort();
    crew.join();
    EXPECT_TRUE(through == 4 || through == 0) << through;
    EXPECT_EQ(barrier.broken(), through == 0);
  }
}

// C006: nothing is left of those who waited when their loop has ended.
TEST(BarrierEnd, ItMayGoWhenNobodyWaits) {
  auto barrier = std::make_unique<Barrier>(9);
  {
    EventLoop loop;
    const auto wait = [&]() -> Task<> {
      try {
        co_await barrier->wait();
      } catch (const BrokenBarrier&) {  // all but the first that is stopped
      }
    };
    for (int i = 0; i < 8; ++i) spawn(loop, wait);
    loop.run_ready();
    EXPECT_EQ(barrier->n_waiting(), 8u);
  }
  EXPECT_TRUE(barrier->broken());
  barrier.reset();
}

}  // namespace cohort::test
