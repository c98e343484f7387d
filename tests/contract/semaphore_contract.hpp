// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Semaphore: permits, counted.

#include <limits>
#include <numeric>
#include <stdexcept>

#include "support/flavours.hpp"  // Crew

namespace cohort::test {

class SemaphoreContract : public testing::TestWithParam<Flavour> {};

INSTANTIATE_TEST_SUITE_P(Everybody, SemaphoreContract, testing::ValuesIn(all_flavours),
                         flavour_name);

// C001 C075 C076
TEST_P(SemaphoreContract, PermitsAreCountedDownAndUpAndAboveTheStart) {
  Semaphore semaphore(2);
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    Log<std::uint64_t> values;
    values.add(semaphore.value());
    co_await semaphore.acquire();
    values.add(semaphore.value());
    const bool second = co_await semaphore.acquire().within(1h);
    EXPECT_TRUE(second);
    values.add(semaphore.value());
    EXPECT_FALSE(semaphore.try_acquire());
    for (int i = 0; i < 4; ++i) {
      semaphore.release();
      values.add(semaphore.value());
    }
    EXPECT_EQ(values.entries(), (std::vector<std::uint64_t>{2, 1, 0, 1, 2, 3, 4}));
  });
  EXPECT_EQ(party.end(), Ending::finished);
}

// C081 C006
TEST_P(SemaphoreContract, ATimedAcquireOfNothingIsFalseAfterItsTimeOrAtOnce) {
  Semaphore semaphore(0);
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    const auto start = Clock::now();
    const bool waited = co_await semaphore.acquire().within(10ms);
    EXPECT_GE(Clock::now() - start, 10ms);
    const bool zero = co_await semaphore.acquire().within(0s);
    const bool negative = co_await semaphore.acquire().within(-1h);
    EXPECT_FALSE(waited || zero || negative);
  });
  EXPECT_EQ(party.end(), Ending::finished);
  EXPECT_EQ(semaphore.value(), 0u);
}

// C082
TEST_P(SemaphoreContract, TriesTakeNoMoreThanThereIs) {
  Semaphore semaphore(4);
  ASSERT_TRUE(semaphore.try_acquire());
  std::atomic<int> taken{0}, refused{0};
  {
    Crew crew(GetParam());
    for (int i = 0; i < 5; ++i) {
      crew.start([&](auto how) -> Script<decltype(how)> {
        for (int tries = 0; tries < 2; ++tries) {
          ++(semaphore.try_acquire() ? taken : refused);
          co_await yield_now();
        }
      });
    }
  }
  EXPECT_EQ(taken, 3);
  EXPECT_EQ(refused, 7);
}

// C083
TEST_P(SemaphoreContract, ExactlyAsManyPassAsPermitsAreReleased) {
  Semaphore semaphore(7);
  std::atomic<int> passed{0}, in_line{0};
  {
    Crew crew(GetParam());
    for (int i = 0; i < 10; ++i) {
      crew.start([&](auto how) -> Script<decltype(how)> {
        for (int turn = 0; turn < 2; ++turn) {
          co_await watched(semaphore.acquire(), in_line);
          ++passed;
        }
      });
    }
    int released = 7;
    for (const int permits : {6, 7, 0}) {
      // All who can have passed, and all others stand in line: 7 go on without standing in it.
      EXPECT_TRUE(eventually([&] { return passed == released && semaphore.value() == 0; }));
      const int ended = released - 10 > 0 ? released - 10 : 0;  // at least
      EXPECT_TRUE(eventually([&] { return in_line >= 10 - ended - 7; }));
      EXPECT_EQ(passed, released);
      if (permits > 0) semaphore.release(permits);
      released += permits;
    }
    EXPECT_EQ(passed, 20);
    semaphore.release(1);
  }
  EXPECT_EQ(passed, 20);
  EXPECT_EQ(semaphore.value(), 1u);
}

// C007 C080
TEST_P(SemaphoreContract, ReleasingSeveralFreesAsManyFromTheFrontOfTheLine) {
  Semaphore semaphore(0);
  Log<int> log;
  std::atomic<int> in_line{0};
  Crew crew(GetParam());
  for (int i = 0; i < 5; ++i) {
    crew.start([&, i](auto how) -> Script<decltype(how)> {
      co_await watched(semaphore.acquire(), in_line);
      log.add(i);
    });
    ASSERT_TRUE(eventually([&] { return in_line == i + 1; }));
  }
  semaphore.release(2);
  ASSERT_TRUE(eventually([&] { return log.size() == 2; }));
  EXPECT_FALSE(crew.parties()[2].ended() || crew.parties()[3].ended());
  EXPECT_TRUE(eventually([&] { return crew.parties()[0].ended() && crew.parties()[1].ended(); }));
  EXPECT_EQ(semaphore.value(), 0u);
  semaphore.release(4);
  crew.join();
  EXPECT_EQ(log.size(), 5u);
  EXPECT_EQ(semaphore.value(), 1u);
}

// C007
TEST_P(SemaphoreContract, OnePermitAfterAnotherGoesDownTheLine) {
  Semaphore semaphore(0);
  Log<int> log;
  std::atomic<int> in_line{0};
  Crew crew(GetParam());
  for (int i = 0; i < 12; ++i) {
    crew.start([&, i](auto how) -> Script<decltype(how)> {
      co_await watched(semaphore.acquire(), in_line);
      log.add(i);
    });
    ASSERT_TRUE(eventually([&] { return in_line == i + 1; }));
  }
  std::vector<int> expected;
  for (int i = 0; i < 12; ++i) {
    semaphore.release();
    expected.push_back(i);
    ASSERT_TRUE(eventually([&] { return log.size() == expected.size(); }));
    ASSERT_EQ(log.entries(), expected);
  }
}

// C063: a guard of a semaphore gives its permit back.
TEST_P(SemaphoreContract, AGuardGivesItsPermitBack) {
  Semaphore semaphore(2);
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    auto one = co_await semaphore.hold();
    {
      auto other = co_await semaphore.hold();
      EXPECT_EQ(semaphore.value(), 0u);
      auto late = co_await semaphore.hold().within(1ms);
      EXPECT_FALSE(late);
      one = std::move(other);  // what it held before goes back
      EXPECT_EQ(semaphore.value(), 1u);
    }
    EXPECT_EQ(semaphore.value(), 1u);
  });
  EXPECT_EQ(party.end(), Ending::finished);
  EXPECT_EQ(semaphore.value(), 2u);
}

// C078 C079 C080
TEST(SemaphoreArguments, CountsAreCheckedWhateverTheirType) {
  EXPECT_EQ(Semaphore().value(), 1u);
  EXPECT_EQ(Semaphore(std::uint8_t{200}).value(), 200u);
  EXPECT_EQ(Semaphore(0LL).value(), 0u);
  EXPECT_THROW(Semaphore{-1}, std::invalid_argument);
  EXPECT_THROW(Semaphore{std::numeric_limits<std::int64_t>::min()}, std::invalid_argument);
  EXPECT_THROW(Semaphore{std::numeric_limits<std::uint64_t>::max()}, std::invalid_argument);
  Semaphore semaphore(3);
  EXPECT_THROW(semaphore.release(0), std::invalid_argument);
  EXPECT_THROW(semaphore.release(0u), std::invalid_argument);
  EXPECT_THROW(semaphore.release(-1), std::invalid_argument);
  EXPECT_THROW(semaphore.release(std::numeric_limits<std::uint64_t>::max()), std::invalid_argument);
  EXPECT_EQ(semaphore.value(), 3u);
  semaphore.release(Semaphore::max - 3);
  EXPECT_THROW(semaphore.release(), OverRelease);
  EXPECT_EQ(semaphore.value(), Semaphore::max);
}

#if __has_include("cohort/sync/bounded_semaphore.hpp")
// C077
TEST(BoundedSemaphoreArguments, AReleaseAboveTheStartIsRefusedAndChangesNothing) {
  BoundedSemaphore semaphore(2);
  EXPECT_THROW(semaphore.release(), OverRelease);
  EXPECT_EQ(semaphore.value(), 2u);
  ASSERT_TRUE(semaphore.try_acquire());
  EXPECT_THROW(semaphore.release(2), OverRelease);
  EXPECT_EQ(semaphore.value(), 1u);
  semaphore.release();
  EXPECT_EQ(semaphore.value(), 2u);
  EXPECT_EQ(BoundedSemaphore().value(), 1u);
  EXPECT_THROW(BoundedSemaphore{-1}, std::invalid_argument);
}
#endif

}  // namespace cohort::test
