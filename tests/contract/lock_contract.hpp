// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Lock: mutual exclusion, its line, its hand-over.

#include <algorithm>
#include <mutex>
#include <numeric>

#include "support/flavours.hpp"  // Crew

namespace cohort::test {

class LockContract : public testing::TestWithParam<Flavour> {
 protected:
  /// Starts `n` parties that stand in line in this order; each logs its number when it has the
  /// lock, and passes it on.
  void line_up(Crew& crew, int n) {
    for (int i = 0; i < n; ++i) {
      const int before = in_line;
      crew.start([this, i](auto how) -> Script<decltype(how)> {
        co_await watched(lock.acquire(), in_line);
        log.add(i);
        lock.release();
      });
      ASSERT_TRUE(eventually([&] { return in_line == before + 1; }));
    }
  }

  Lock lock;
  Log<int> log;
  std::atomic<int> in_line{0};
};

INSTANTIATE_TEST_SUITE_P(Everybody, LockContract, testing::ValuesIn(all_flavours), flavour_name);

// C001 C060
TEST_P(LockContract, AHeldLockIsRefusedEvenToItsHolderAndReleasedOnce) {
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await lock.acquire();
    EXPECT_TRUE(lock.locked());
    EXPECT_FALSE(lock.try_acquire());
    EXPECT_FALSE(lock.try_lock());
    const bool again = co_await lock.acquire().within(0s);
    EXPECT_FALSE(again);
    lock.release();
    EXPECT_FALSE(lock.locked());
    EXPECT_THROW(lock.release(), OverRelease);
    EXPECT_FALSE(lock.locked());
    EXPECT_TRUE(lock.try_acquire());
    lock.release();
  });
  EXPECT_EQ(party.end(), Ending::finished);
}

// C006 C061
TEST_P(LockContract, ALockIsUsableAfterATimeOut) {
  ASSERT_TRUE(lock.try_acquire());
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    const auto start = Clock::now();
    const bool got = co_await lock.acquire().within(10ms);
    EXPECT_FALSE(got);
    EXPECT_GE(Clock::now() - start, 10ms);
  });
  EXPECT_EQ(party.end(), Ending::finished);
  lock.release();
  EXPECT_TRUE(lock.try_acquire());
}

// C062
TEST_P(LockContract, AnybodyMayRelease) {
  ASSERT_TRUE(lock.try_acquire());
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    lock.release();  // what the test's thread acquired
    co_await lock.acquire();
  });
  crew.join();
  EXPECT_TRUE(lock.locked());
  lock.release();  // what the party acquired
  EXPECT_FALSE(lock.locked());
}

// C063
TEST_P(LockContract, AGuardReleasesAtItsEndAndByAnException) {
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    {
      auto held = co_await lock.hold();
      EXPECT_TRUE(lock.locked() && held.owns());
    }
    EXPECT_FALSE(lock.locked());
    try {
      auto held = co_await lock.hold().within(1h);
      EXPECT_TRUE(held && lock.locked());
      auto late = co_await lock.hold().within(1ms);
      EXPECT_FALSE(late);
      throw std::runtime_error("out");
    } catch (const std::runtime_error&) {
      EXPECT_FALSE(lock.locked());
    }
    auto held = co_await lock.hold();
    auto moved = std::move(held);
    EXPECT_TRUE(lock.locked() && moved.owns());
    moved.release();
    EXPECT_FALSE(lock.locked() || moved.owns());
  });
  EXPECT_EQ(party.end(), Ending::finished);
  EXPECT_FALSE(lock.locked());
}

// C007 C064
TEST_P(LockContract, AReleasedLockGoesToTheFirstInLine) {
  ASSERT_TRUE(lock.try_acquire());
  std::vector<int> all(20);
  std::iota(all.begin(), all.end(), 0);
  Crew crew(GetParam());
  line_up(crew, 20);
  EXPECT_EQ(log.size(), 0u);
  lock.release();
  crew.join();
  EXPECT_EQ(log.entries(), all);
  EXPECT_FALSE(lock.locked());
}

// C006 C007
TEST_P(LockContract, ThoseWhoLeaveTheLineOvertakeNobodyAndHoldUpNobody) {
  ASSERT_TRUE(lock.try_acquire());
  Crew crew(GetParam());
  line_up(crew, 12);
  for (const std::size_t leaver : {0u, 5u, 6u, 11u}) crew.parties()[leaver].cancel();
  lock.release();
  crew.join();
  EXPECT_EQ(log.entries(), (std::vector<int>{1, 2, 3, 4, 7, 8, 9, 10}));
  EXPECT_FALSE(lock.locked());
}

// C006: told to try again is not granted; if it leaves instead, the next one must be told.
TEST_P(LockContract, ALockGoesToTheNextWhenTheFirstIsStoppedOnItsWayToIt) {
  for (int round = 0; round < 50; ++round) {
    ASSERT_TRUE(lock.try_acquire());
    Crew crew(GetParam());
    line_up(crew, 2);
    lock.release();
    crew.parties().front().cancel();  // before, while, or after it comes to the lock
    crew.join();
    EXPECT_EQ(log.entries().back(), 1);
    ASSERT_FALSE(lock.locked());
  }
}

// The line may be taken over by a running acquirer, but not for long. How long is counted in turns
// of 20 us, which a machine with other things to do makes fewer and not more.
TEST_P(LockContract, AWaiterBehindABargingAcquirerGetsTheLock) {
  constexpr std::size_t parties = 4, turns = 5;
  std::atomic<bool> done{false};
  std::atomic<int> in_lines[parties][turns] = {};
  std::size_t turn_of[parties] = {};  // this and what follows: the lock's
  int overtaken[parties] = {};
  int most = 0;
  std::thread barger([&] {
    while (!done) {
      const std::scoped_lock held(lock);
      for (std::size_t i = 0; i < parties; ++i) {
        if (turn_of[i] < turns && in_lines[i][turn_of[i]] > 0) ++overtaken[i];
      }
      for (const auto end = Clock::now() + 20us; Clock::now() < end;) {}
    }
  });
  {
    Crew crew(GetParam());
    for (std::size_t i = 0; i < parties; ++i) {
      crew.start([&, i](auto how) -> Script<decltype(how)> {
        for (auto& in_its_line : in_lines[i]) {
          co_await watched(lock.acquire(), in_its_line);
          ++turn_of[i];
          most = std::max(most, std::exchange(overtaken[i], 0));
          lock.release();
        }
      });
    }
  }
  done = true;
  barger.join();
  // 4 in line, for each 1 ms, and another before the barger looks at the clock.
  EXPECT_LT(most, 1000);
  RecordProperty("most", most);
}

// ---------------------------------------------------------------- a line that stands still

// ---------------------------------------------------------------- long lines

constexpr int many = 100'000;

Task<> take_a_turn(Lock* lock, int name, std::vector<int>* turns) {
  co_await lock->acquire();
  turns->push_back(name);
  lock->release();
}

}  // namespace cohort::test
