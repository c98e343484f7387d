// SPDX-License-Identifier: BSL-1.0
// Latch: a count that goes down to zero, once.

#include <memory>
#include <stdexcept>

#include "support/flavours.hpp"

namespace cohort::test {

class LatchContract : public testing::TestWithParam<Flavour> {
 protected:
  std::atomic<int> in_line{0};
  std::atomic<int> passed{0};
};

INSTANTIATE_TEST_SUITE_P(Everybody, LatchContract, testing::ValuesIn(all_flavours), flavour_name);

TEST(LatchCount, GoesDownToZeroAndNoFurther) {
  Latch latch(5);
  EXPECT_FALSE(latch.try_wait());
  latch.count_down();
  latch.count_down(0);
  latch.count_down(2u);
  EXPECT_THROW(latch.count_down(3), OverRelease);
  EXPECT_FALSE(latch.try_wait());
  latch.count_down(2);  // what was refused has changed nothing
  EXPECT_TRUE(latch.try_wait());
  EXPECT_THROW(latch.count_down(), UsageError);
  EXPECT_TRUE(latch.try_wait());
  EXPECT_TRUE(Latch(0).try_wait());
}

TEST(LatchCount, MustNotBeNegative) {
  EXPECT_THROW(Latch(-1), std::invalid_argument);
  Latch latch(1);
  EXPECT_THROW(latch.count_down(-1), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(latch.arrive_and_wait(-1)), std::invalid_argument);
  EXPECT_FALSE(latch.try_wait());
}

TEST_P(LatchContract, NobodyPassesBeforeTheLastCountAndEverybodyAfter) {
  Latch latch(3);
  Crew crew(GetParam());
  for (int i = 0; i < 5; ++i) {
    crew.start([&](auto how) -> Script<decltype(how)> {
      co_await watched(latch.wait(), in_line);
      ++passed;
      co_await latch.wait();  // and ever after
    });
  }
  ASSERT_TRUE(eventually([&] { return in_line == 5; }));
  latch.count_down(2);
  EXPECT_EQ(passed, 0);
  latch.count_down();
  crew.join();
  EXPECT_EQ(passed, 5);
}

TEST_P(LatchContract, ThoseWhoArriveWaitForEachOther) {
  Latch latch(8);
  int work[6] = {};  // ThreadSanitizer watches it
  std::atomic<int> sum{0};
  {
    Crew crew(GetParam());
    for (int i = 0; i < 6; ++i) {
      crew.start([&, i](auto how) -> Script<decltype(how)> {
        work[i] = 1;
        co_await watched(latch.arrive_and_wait(), in_line);
        for (const int done : work) sum += done;
      });
    }
    ASSERT_TRUE(eventually([&] { return in_line == 6; }));
    EXPECT_EQ(sum, 0);
    Party& last = crew.start([&](auto how) -> Script<decltype(how)> {
      co_await latch.arrive_and_wait(2);  // at once
    });
    EXPECT_EQ(last.end(), Ending::finished);
  }
  EXPECT_EQ(sum, 36);
}

TEST_P(LatchContract, ArrivingOnceTooOftenThrowsInsteadOfWaiting) {
  Latch latch(1);
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    bool thrown = false;
    try {
      co_await latch.arrive_and_wait(2);
    } catch (const OverRelease&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown && !latch.try_wait());
  });
  EXPECT_EQ(party.end(), Ending::finished);
}

// C001
TEST_P(LatchContract, ATimedWaitIsFalseAfterItsTimeAndWhoArrivedHasArrived) {
  Latch latch(2);
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    const bool zero = co_await latch.wait().within(0s);
    const auto start = Clock::now();
    const bool waited = co_await latch.wait().within(5ms);
    EXPECT_GE(Clock::now() - start, 5ms);
    const bool arrived = co_await latch.arrive_and_wait().within(5ms);
    EXPECT_FALSE(zero || waited || arrived);
    const bool again = co_await latch.arrive_and_wait().within(0s);
    const bool over = co_await latch.wait().within(-1h);
    EXPECT_TRUE(again && over);
  });
  EXPECT_EQ(party.end(), Ending::finished);
}

// C006
TEST_P(LatchContract, AStoppedWaiterKeepsNobodyWaiting) {
  Latch latch(2);
  Crew crew(GetParam());
  for (int i = 0; i < 4; ++i) {
    crew.start([&](auto how) -> Script<decltype(how)> {
      co_await watched(latch.wait(), in_line);
      ++passed;
    });
  }
  ASSERT_TRUE(eventually([&] { return in_line == 4; }));
  crew.parties()[0].cancel();
  crew.parties()[2].cancel();
  EXPECT_EQ(crew.parties()[0].end(), Ending::cancelled);
  EXPECT_EQ(crew.parties()[2].end(), Ending::cancelled);
  // Stopped before it begins: it has not arrived.
  Party& stopped = crew.start([&](auto how) -> Script<decltype(how)> {
    try {
      co_await watched(latch.wait(), in_line);
    } catch (const Cancelled&) {}
    co_await latch.arrive_and_wait();
  });
  ASSERT_TRUE(eventually([&] { return in_line == 5; }));
  stopped.cancel();
  EXPECT_EQ(stopped.end(), Ending::cancelled);
  latch.count_down();
  EXPECT_FALSE(latch.try_wait());
  latch.count_down();
  crew.join();
  EXPECT_EQ(passed, 2);
}

// C006: all counts arrive, whatever becomes of those who made them.
TEST_P(LatchContract, EveryCountIsKeptWhenArrivalTimeOutAndStopMeet) {
  for (int round = 0; round < 10; ++round) {
    Latch latch(6);
    std::atomic<int> waiting{0};
    Crew crew(GetParam());
    for (int i = 0; i < 6; ++i) {
      crew.start([&, i](auto how) -> Script<decltype(how)> {
        if (i % 2 == 0) {
          co_await latch.arrive_and_wait().within(100us);
        } else {
          co_await watched(latch.arrive_and_wait(), waiting);
        }
      });
      // A party stopped before it stands in line would not have arrived.
      if (i == 3) {
        ASSERT_TRUE(eventually([&] { return waiting == 2; }));
        crew.parties()[1].cancel();
      }
    }
    crew.parties()[3].cancel();
    crew.join();
    ASSERT_TRUE(latch.try_wait());
  }
}

TEST(LatchEnd, ItMayGoWhenNobodyWaitsWhateverItsCount) {
  auto latch = std::make_unique<Latch>(3);
  {
    EventLoop loop;
    const auto wait = [&]() -> Task<> { co_await latch->arrive_and_wait(); };
    spawn(loop, wait);
    spawn(loop, wait);
    loop.run_ready();
  }
  EXPECT_FALSE(latch->try_wait());
  latch->count_down();
  EXPECT_TRUE(latch->try_wait());
  latch.reset();
}

}  // namespace cohort::test
