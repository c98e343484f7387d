// SPDX-License-Identifier: BSL-1.0
// The waits of sync/ under the contract of all waits, and time as they know it.

#include "contract/waiting_subjects.hpp"

#include <algorithm>
#include <random>

namespace cohort::test {

// The domain's handles are the same things with the same verbs.
struct HandleSubject {
  auto wait() { return semaphore.acquire(); }
  bool try_wait() { return semaphore.try_acquire(); }
  void give() { semaphore.release(); }
  void take_back() {}
  const Threads::Semaphore semaphore{0};
};

using Subjects = testing::Types<LockSubject, SemaphoreSubject, EventSubject, HandleSubject>;
INSTANTIATE_TYPED_TEST_SUITE_P(Sync, WaitingContract, Subjects);

// A deadline of the wall clock is translated once. Here the wall clock jumps.
struct Wall {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Wall>;
  static constexpr bool is_steady = false;
  static inline std::atomic<rep> reading{0};
  static time_point now() noexcept { return time_point(duration(reading)); }
};
static_assert(Clock::is_steady);

// C004
TEST(WaitingTime, AWallClockThatJumpsChangesNoWait) {
  Event event;
  std::atomic<int> in_line{0};
  Crew crew(Flavour::mixed);
  const auto long_wait = [&](auto how) -> Script<decltype(how)> {
    const bool got = co_await watched(event.wait(), in_line).until(Wall::now() + 1h);
    EXPECT_TRUE(got);
  };
  const auto short_wait = [&](auto how) -> Script<decltype(how)> {
    const bool got = co_await watched(event.wait(), in_line).until(Wall::now() + 20ms);
    EXPECT_FALSE(got);
  };
  std::vector<Party*> shorts;
  for (int i = 0; i < 4; ++i) crew.start(long_wait);
  for (int i = 0; i < 4; ++i) shorts.push_back(&crew.start(short_wait));
  // A short one may be late before it stands in line.
  ASSERT_TRUE(eventually([&] {
    const auto ended = [](const Party* party) { return party->ended(); };
    return in_line + std::count_if(shorts.begin(), shorts.end(), ended) >= 8;
  }));
  Wall::reading = -1'000'000'000;  // back: the short ones must not wait for it to come again
  for (const Party* party : shorts) EXPECT_EQ(party->end(), Ending::finished);
  Wall::reading = 1'000'000'000'000;  // forth: the long ones must go on waiting
  event.set();
  crew.join();
  Wall::reading = 0;
}

Task<> wait_until_late(Event* event, std::chrono::milliseconds limit, std::vector<int>* ended) {
  const auto start = now();
  const bool got = co_await event->wait().within(limit);
  EXPECT_FALSE(got);
  EXPECT_EQ(now() - start, limit);  // virtual time: to the tick
  ended->push_back(static_cast<int>(limit.count()));
}

// C001 C009
TEST(WaitingTime, TimeOutsEndInTheOrderOfTheirDeadlines) {
  Event never_set;
  std::vector<int> limits(1000);
  for (int i = 0; i < 1000; ++i) limits[static_cast<std::size_t>(i)] = i;
  std::vector<int> shuffled = limits;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(1));
  std::vector<int> ended;
  EventLoop loop(LoopTime::simulated);
  std::vector<Future<void>> futures;
  for (const int limit : shuffled) {
    futures.push_back(
        spawn(loop, wait_until_late, &never_set, std::chrono::milliseconds(limit), &ended));
  }
  loop.run();
  EXPECT_EQ(ended, limits);
}

// C001: what is served before the deadline comes in time, whatever else waits.
TEST(WaitingTime, AWaitThatIsServedForgetsItsDeadline) {
  EventLoop loop(LoopTime::simulated);
  Semaphore semaphore(0);
  const auto served = [&]() -> Task<> {
    const bool got = co_await semaphore.acquire().within(10s);
    EXPECT_TRUE(got);
    const bool again = co_await semaphore.acquire().within(10s);
    EXPECT_FALSE(again);
    EXPECT_EQ(now().time_since_epoch(), 15s);
  };
  const auto server = [&]() -> Task<> {
    co_await sleep_for(5s);
    semaphore.release();
  };
  Future<void> one = spawn(loop, served);
  Future<void> other = spawn(loop, server);
  loop.run();
  EXPECT_TRUE(one.done() && other.done());
}

}  // namespace cohort::test
