// SPDX-License-Identifier: BSL-1.0
// Lock: mutual exclusion, its line, its hand-over.

#include "contract/lock_contract.hpp"

#include <mutex>
#include <numeric>

namespace cohort::test {

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
