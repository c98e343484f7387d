// SPDX-License-Identifier: BSL-1.0
// Semaphore: permits, counted.

#include "contract/semaphore_contract.hpp"

#include <limits>
#include <numeric>
#include <stdexcept>

namespace cohort::test {

// C080: who is second is not kept from the second permit by a first who does not run.
TEST(SemaphoreLine, APermitForEachIsNotHeldUpByTheFirstInLine) {
  for (const bool at_once : {true, false}) {
    SCOPED_TRACE(at_once);
    Semaphore semaphore(0);
    EventLoop busy;  // has other things to do: runs only at the end
    const auto wait = [&]() -> Task<> { co_await semaphore.acquire(); };
    const Future<void> first = spawn(busy, wait);
    busy.run_ready();
    std::atomic<int> in_line{0};
    Crew crew(Flavour::threads);
    Party& second = crew.start(
        [&](auto how) -> Script<decltype(how)> { co_await watched(semaphore.acquire(), in_line); });
    ASSERT_TRUE(eventually([&] { return in_line == 1; }));
    if (at_once) {
      semaphore.release(2);
    } else {
      semaphore.release();
      semaphore.release();
    }
    EXPECT_TRUE(eventually([&] { return second.ended(); })) << "there is a permit for it";
    busy.run_ready();
    EXPECT_TRUE(first.done());
  }
}

// C007: the longest wait behind those who take permits without standing in line is bounded.
TEST(SemaphoreLine, PermitsAreHandedOverOnceTheFirstHasWaitedAMillisecond) {
  Semaphore semaphore(2);
  ASSERT_TRUE(semaphore.try_acquire() && semaphore.try_acquire());
  EventLoop loop;
  const auto wait = [&]() -> Task<> { co_await semaphore.acquire(); };
  const Future<void> first = spawn(loop, wait);
  const Future<void> second = spawn(loop, wait);
  loop.run_ready();
  const auto due = Clock::now() + 1ms;
  ASSERT_TRUE(eventually([&] { return Clock::now() > due; }));
  semaphore.release(3);
  EXPECT_EQ(semaphore.value(), 1u);  // two are theirs already
  EXPECT_TRUE(semaphore.try_acquire());
  EXPECT_FALSE(semaphore.try_acquire());
  loop.run_ready();
  EXPECT_TRUE(first.done() && second.done());
}

}  // namespace cohort::test
