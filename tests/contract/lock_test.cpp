// SPDX-License-Identifier: BSL-1.0
// Lock: mutual exclusion, its line, its hand-over.

#include <mutex>
#include <numeric>

#include "support/flavours.hpp"

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

// The line may be taken over by a running acquirer, but not for long.
TEST_P(LockContract, AWaiterBehindABargingAcquirerGetsTheLock) {
  std::atomic<bool> done{false};
  std::atomic<std::int64_t> longest{0};
  std::thread barger([&] {
    while (!done) {
      const std::scoped_lock held(lock);
      for (const auto end = Clock::now() + 20us; Clock::now() < end;) {}
    }
  });
  {
    Crew crew(GetParam());
    for (int i = 0; i < 4; ++i) {
      crew.start([&](auto how) -> Script<decltype(how)> {
        for (int turn = 0; turn < 5; ++turn) {
          const auto start = Clock::now();
          co_await lock.acquire();
          const auto waited = (Clock::now() - start) / 1ms;
          lock.release();
          for (auto most = longest.load(); most < waited;) {
            if (longest.compare_exchange_weak(most, waited)) break;
          }
        }
      });
    }
  }
  done = true;
  barger.join();
  // 4 in line, 1 ms each, and a machine with other things to do.
  EXPECT_LT(longest, 2000);
}

// ---------------------------------------------------------------- a line that stands still

class LockLine : public testing::Test {
 protected:
  /// A coroutine in line on a loop that only runs when the test says so.
  Future<void> line_up(int name) {
    const auto wait = [this, name]() -> Task<> {
      co_await lock.acquire();
      log.add(name);
    };
    Future<void> future = spawn(loop, wait);
    loop.run_ready();
    return future;
  }
  Lock lock;
  Log<int> log;
  EventLoop loop;
};

// C007
TEST_F(LockLine, AReleasedLockIsHandedOverOnceTheFirstHasWaitedAMillisecond) {
  ASSERT_TRUE(lock.try_acquire());
  const Future<void> first = line_up(1);
  const auto due = Clock::now() + 1ms;
  ASSERT_TRUE(eventually([&] { return Clock::now() > due; }));
  lock.release();
  EXPECT_TRUE(lock.locked());  // by the first, who has not even run yet
  EXPECT_FALSE(lock.try_acquire());
  EXPECT_FALSE(lock.acquire().within(0s).block());
  loop.run_ready();
  EXPECT_EQ(log.entries(), (std::vector<int>{1}));
  lock.release();
  EXPECT_FALSE(lock.locked());
}

// C007
TEST_F(LockLine, ALockThatIsFreeForTheFirstInLineIsNobodyElsesAfterAMillisecond) {
  ASSERT_TRUE(lock.try_acquire());
  const Future<void> first = line_up(1);
  lock.release();  // most likely within the millisecond: the first is told, the lock is free
  const auto due = Clock::now() + 1ms;
  ASSERT_TRUE(eventually([&] { return Clock::now() > due; }));
  EXPECT_FALSE(lock.try_acquire());
  loop.run_ready();
  EXPECT_EQ(log.entries(), (std::vector<int>{1}));
}

// C007: each barging moves the end of the line no further away.
TEST_F(LockLine, BargingDoesNotProlongTheMillisecond) {
  ASSERT_TRUE(lock.try_acquire());
  const Future<void> first = line_up(1);
  // Another millisecond's grace: a barging acquirer need not look at the clock each time.
  const auto end = Clock::now() + 2ms;
  bool barged = true;
  while (barged && Clock::now() < end) {
    lock.release();
    barged = lock.try_acquire();
  }
  if (barged) lock.release();
  EXPECT_FALSE(lock.try_acquire());
  loop.run_ready();
  EXPECT_EQ(log.entries(), (std::vector<int>{1}));
}

// C006
TEST_F(LockLine, TheNextInLineGetsTheLockOfOneStoppedAfterItWasTold) {
  ASSERT_TRUE(lock.try_acquire());
  const Future<void> first = line_up(1);
  const Future<void> second = line_up(2);
  lock.release();
  const bool told = !lock.locked();  // and not handed over, as it is if this took a millisecond
  first.cancel();
  loop.run_ready();
  if (told) {
    EXPECT_EQ(log.entries(), (std::vector<int>{2}));
  } else {
    lock.release();
  }
  loop.run_ready();
  EXPECT_EQ(log.entries().back(), 2);
  EXPECT_TRUE(second.done());
}

// C006
TEST_F(LockLine, TheNextInLineGetsTheLockOfOneWhoseTimeEndsAfterItWasTold) {
  ASSERT_TRUE(lock.try_acquire());
  std::optional<bool> got;
  const auto wait = [&]() -> Task<> { got = co_await lock.acquire().within(3ms); };
  const Future<void> first = spawn(loop, wait);
  loop.run_ready();
  const auto late = Clock::now() + 3ms;
  const Future<void> second = line_up(2);
  lock.release();
  ASSERT_TRUE(eventually([&] { return Clock::now() > late; }));
  loop.run_ready();
  ASSERT_TRUE(got);
  if (*got) lock.release();  // handed over: it took a millisecond to get here
  loop.run_ready();
  EXPECT_EQ(log.entries(), (std::vector<int>{2}));
  EXPECT_TRUE(second.done());
}

// C006: a coroutine destroyed with its loop leaves the line, too.
TEST(LockLineOfTheDead, ALoopThatEndsTakesItsWaitersOutOfTheLine) {
  Lock lock;
  ASSERT_TRUE(lock.try_acquire());
  {
    EventLoop loop;
    const auto wait = [&]() -> Task<> { co_await lock.acquire(); };
    for (int i = 0; i < 10; ++i) spawn(loop, wait);
    loop.run_ready();
  }
  lock.release();
  EXPECT_TRUE(lock.try_acquire());
}

// ---------------------------------------------------------------- long lines

constexpr int many = 100'000;

Task<> take_a_turn(Lock* lock, int name, std::vector<int>* turns) {
  co_await lock->acquire();
  turns->push_back(name);
  lock->release();
}

// C007 C009
TEST(LockLongLine, AHundredThousandCoroutinesOfOneThreadAreServedInOrder) {
  Lock lock;
  ASSERT_TRUE(lock.try_acquire());
  std::vector<int> turns;
  std::vector<int> all(many);
  std::iota(all.begin(), all.end(), 0);
  EventLoop loop;
  for (int i = 0; i < many; ++i) spawn(loop, take_a_turn, &lock, i, &turns);
  loop.run_ready();
  EXPECT_TRUE(turns.empty());
  lock.release();
  loop.run();
  EXPECT_EQ(turns, all);
  EXPECT_FALSE(lock.locked());
}

// C007: no two at once, and nobody forgotten; ThreadSanitizer watches `turns`.
TEST(LockLongLine, AHundredThousandCoroutinesOfAPoolTakeTurns) {
  Lock lock;
  ASSERT_TRUE(lock.try_acquire());
  std::vector<int> turns;
  {
    ThreadPool pool(2);
    for (int i = 0; i < many; ++i) spawn(pool, take_a_turn, &lock, i, &turns);
    lock.release();
    pool.shutdown().block();
  }
  EXPECT_EQ(turns.size(), std::size_t{many});
  EXPECT_FALSE(lock.locked());
}

// C006: leaving costs the same wherever in the line one stands.
TEST(LockLongLine, AHundredThousandLeaveTheMiddleOfTheLine) {
  Lock lock;
  ASSERT_TRUE(lock.try_acquire());
  std::vector<int> turns;
  EventLoop loop;
  std::vector<Future<void>> futures;
  for (int i = 0; i < many; ++i) futures.push_back(spawn(loop, take_a_turn, &lock, i, &turns));
  loop.run_ready();
  for (std::size_t i = 1; i + 1 < futures.size(); ++i) futures[(i * 7919) % many].cancel();
  lock.release();
  loop.run();
  EXPECT_EQ(turns.size(), 2u);
  EXPECT_TRUE(lock.try_acquire());
}

}  // namespace cohort::test
