// SPDX-License-Identifier: BSL-1.0

// sleep, yield, checkpoint, now; and time limits on tasks: within, timeout, shield. On simulated
// time, so that an hour takes no time and the order is exact.

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test
#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using cohort::Cancelled;
using cohort::Event;
using cohort::EventLoop;
using cohort::LoopTime;
using cohort::now;
using cohort::run;
using cohort::shield;
using cohort::sleep_for;
using cohort::sleep_until;
using cohort::Task;
using cohort::TimedOut;
using cohort::timeout;
using cohort::test::later;
using cohort::test::nothing;
using cohort::test::simulate;
using cohort::test::value;
using cohort::test::Words;

Task<> fail_at_once() {
  throw std::runtime_error("failed");
  co_return;
}

TEST(Sleep, TakesExactlyItsTime) {
  const auto body = []() -> Task<> {
    const auto start = now();
    co_await sleep_for(3s);
    EXPECT_EQ(now() - start, 3s);
    co_await sleep_until(start + 10s);
    EXPECT_EQ(now() - start, 10s);
  };
  simulate(body());
}

TEST(Sleep, OfZeroOrLessOrUntilThePastReturnsAtOnce) {
  const auto body = []() -> Task<> {
    co_await sleep_for(1h);
    const auto start = now();
    co_await sleep_for(0s);
    co_await sleep_for(-5s);
    co_await sleep_until(start - 1s);
    co_await sleep_for(std::chrono::hours::min());
    EXPECT_EQ(now(), start);
  };
  simulate(body());
}

TEST(Sleep, WakesInTheOrderOfTheDeadlines) {
  const auto sleeper = [](int s, std::vector<int>& log) -> Task<> {
    co_await sleep_for(std::chrono::seconds(s));
    log.push_back(s);
  };
  EventLoop loop(LoopTime::simulated);
  std::vector<int> log;
  for (const int s : {5, 2, 9, 1, 7, 3}) {
    static_cast<void>(loop.submit(sleeper, s, std::ref(log)));
  }
  loop.run();
  EXPECT_EQ(log, (std::vector{1, 2, 3, 5, 7, 9}));
  EXPECT_EQ(loop.now(), cohort::TimePoint{} + 9s);
}

TEST(Sleep, LongerThanAnyClockSaturates) {
  const auto body = []() -> Task<> {
    const auto start = now();
    EXPECT_FALSE(co_await sleep_for(std::chrono::hours::max()).within(1s));
    const std::chrono::duration<double> infinite(std::numeric_limits<double>::infinity());
    EXPECT_FALSE(co_await sleep_for(infinite).within(1s));
    EXPECT_FALSE(co_await sleep_until(cohort::TimePoint::max()).within(1s));
    EXPECT_EQ(now() - start, 3s);
  };
  simulate(body());
}

TEST(Sleep, UntilTheEndsOfAnyClockSaturates) {
  using Wall = std::chrono::system_clock;
  using CoarsePoint = std::chrono::time_point<cohort::Clock, std::chrono::hours>;
  const auto body = []() -> Task<> {
    co_await sleep_until(Wall::time_point::min());
    co_await sleep_until(cohort::TimePoint::min());
    co_await sleep_until(CoarsePoint::min());
    EXPECT_EQ(now(), cohort::TimePoint{});
    EXPECT_FALSE(co_await sleep_until(Wall::time_point::max()).within(1s));
    EXPECT_FALSE(co_await sleep_until(CoarsePoint::max()).within(1s));
  };
  EXPECT_TRUE(simulate(body().within(24h)));
}

TEST(Sleep, BlocksAThread) {
  const auto start = std::chrono::steady_clock::now();
  sleep_for(2ms).block();
  EXPECT_GE(std::chrono::steady_clock::now() - start, 2ms);
}

TEST(Now, IsTheMachinesClockOutsideAnExecutor) {
  const auto before = std::chrono::steady_clock::now();
  const auto here = now();
  EXPECT_GE(here, before);
  EXPECT_LE(here, std::chrono::steady_clock::now());
}

TEST(YieldNow, LetsTheOthersHaveTheirTurn) {
  const auto speaker = [](std::string name, Words& log) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      log.push_back(name + std::to_string(i));
      co_await cohort::yield_now();
    }
  };
  EventLoop loop;
  Words log;
  static_cast<void>(loop.submit(speaker, "a", std::ref(log)));
  static_cast<void>(loop.submit(speaker, "b", std::ref(log)));
  loop.run();
  EXPECT_EQ(log, (Words{"a0", "b0", "a1", "b1", "a2", "b2"}));
}

TEST(Checkpoint, GoesStraightOnUnlessStopped) {
  const auto speaker = [](std::string name, Words& log) -> Task<> {
    for (int i = 0; i < 2; ++i) {
      log.push_back(name + std::to_string(i));
      co_await cohort::checkpoint();
    }
  };
  EventLoop loop;
  Words log;
  static_cast<void>(loop.submit(speaker, "a", std::ref(log)));
  static_cast<void>(loop.submit(speaker, "b", std::ref(log)));
  loop.run();
  EXPECT_EQ(log, (Words{"a0", "a1", "b0", "b1"}));
}

TEST(Within, YieldsAValueThatComesInTime) {
  const auto body = []() -> Task<> {
    const std::optional<int> in_time = co_await later(2s, 7).within(3s);
    EXPECT_EQ(in_time, 7);
    const bool done = co_await nothing().within(3s);
    EXPECT_TRUE(done);
  };
  simulate(body());
}

TEST(Within, OfAVoidTaskIsTrueWhenItEndsInTime) {
  EXPECT_TRUE(run(nothing().within(1h)));
  const auto sleeper = []() -> Task<> { co_await sleep_for(1h); };
  EXPECT_TRUE(simulate(sleeper().within(2h)));
  EXPECT_FALSE(simulate(sleeper().within(1min)));
}

TEST(Within, StopsAndAwaitsATaskThatIsLate) {
  Words log;
  const auto slow = [](Words& words) -> Task<int> {
    bool stopped = false;
    try {
      co_await sleep_for(1h);
    } catch (const Cancelled&) {
      stopped = true;
    }
    co_await shield(sleep_for(2s));
    words.push_back("cleaned up");
    if (stopped) throw Cancelled{};
    co_return 1;
  };
  const auto body = [&slow](Words& words) -> Task<> {
    const auto start = now();
    const std::optional<int> late = co_await slow(words).within(5s);
    words.push_back(late ? "value" : "late");
    EXPECT_EQ(now() - start, 7s);
  };
  simulate(body(log));
  EXPECT_EQ(log, (Words{"cleaned up", "late"}));
}

TEST(Within, YieldsAValueThatArrivesAllTheSame) {
  const auto stubborn = []() -> Task<int> {
    try {
      co_await sleep_for(1h);
    } catch (const Cancelled&) {}
    co_return 9;
  };
  EXPECT_EQ(simulate(stubborn().within(1s)), 9);
}

TEST(Within, OfZeroOrLessTriesOnce) {
  EXPECT_EQ(simulate(value(3).within(0s)), 3);
  EXPECT_EQ(simulate(value(3).within(-1s)), 3);
  EXPECT_EQ(simulate(later(1s, 3).within(0s)), std::nullopt);
  EXPECT_EQ(simulate(later(1s, 3).within(-1s)), std::nullopt);
}

TEST(Within, PassesOnWhatTheTaskThrew) {
  EXPECT_THROW(simulate(fail_at_once().within(1s)), std::runtime_error);
}

TEST(Within, LongerThanAnyClockIsForEver) {
  EXPECT_EQ(simulate(later(3600s, 3).within(std::chrono::hours::max())), 3);
}

TEST(Until, EndsATaskAtItsTimePoint) {
  const auto body = []() -> Task<> {
    const auto start = now();
    EXPECT_EQ(co_await later(5s, 1).until(start + 2s), std::nullopt);
    EXPECT_EQ(now() - start, 2s);
    EXPECT_EQ(co_await later(5s, 1).until(now() + 6s), 1);
    EXPECT_EQ(co_await later(5s, 1).until(now() - 1s), std::nullopt);
  };
  simulate(body());
}

TEST(Timeout, YieldsWhatComesInTime) {
  const auto body = []() -> Task<> {
    EXPECT_EQ(co_await timeout(3s, later(2s, 7)), 7);
    Event event;
    event.set();
    co_await timeout(1s, event.wait());
    co_await timeout(1s, nothing());
  };
  simulate(body());
}

TEST(Timeout, ThrowsTimedOutAfterTheTaskHasEnded) {
  Words log;
  const auto slow = [](Words& words) -> Task<> {
    try {
      co_await sleep_for(1h);
    } catch (const Cancelled&) {
      words.push_back("stopped");
      throw;
    }
  };
  const auto body = [&slow](Words& words) -> Task<> {
    try {
      co_await timeout(1s, slow(words));
    } catch (const TimedOut&) {
      words.push_back("timed out");
    }
  };
  simulate(body(log));
  EXPECT_EQ(log, (Words{"stopped", "timed out"}));
}

TEST(Timeout, OfAnOperationHasTakenNothing) {
  const auto body = []() -> Task<> {
    cohort::Semaphore permits{0};
    bool late = false;
    try {
      co_await timeout(1s, permits.acquire());
    } catch (const TimedOut&) {
      late = true;
    }
    EXPECT_TRUE(late);
    permits.release();
    EXPECT_EQ(permits.value(), 1U);
  };
  simulate(body());
}

TEST(Timeout, OfTheOuterOneIsNotTakenForTheInners) {
  Words log;
  const auto body = [](Words& words) -> Task<> {
    const auto inner = [](Words& w) -> Task<> {
      try {
        co_await timeout(1h, sleep_for(2h));
      } catch (const TimedOut&) {
        w.push_back("inner timed out");
      } catch (const Cancelled&) {
        w.push_back("inner stopped");
        throw;
      }
    };
    try {
      co_await timeout(1s, inner(words));
    } catch (const TimedOut&) {
      words.push_back("outer timed out");
    }
  };
  simulate(body(log));
  EXPECT_EQ(log, (Words{"inner stopped", "outer timed out"}));
}

TEST(Timeout, InATaskThatIsCancelledThrowsCancelled) {
  EventLoop loop(LoopTime::simulated);
  const auto body = []() -> Task<> { co_await timeout(1h, sleep_for(2h)); };
  const auto future = loop.submit(body);
  loop.run_ready();
  future.cancel();
  EXPECT_THROW(future.block(), Cancelled);
  EXPECT_TRUE(future.cancelled());
}

TEST(Shield, FinishesAWaitInSpiteOfAStop) {
  EventLoop loop(LoopTime::simulated);
  Words log;
  const auto body = [](Words& words) -> Task<> {
    const auto start = now();
    co_await shield(sleep_for(5s));
    EXPECT_EQ(now() - start, 5s);
    words.push_back("operation done");
    const int x = co_await shield(later(5s, 3));
    words.push_back("task yields " + std::to_string(x));
    EXPECT_EQ(now() - start, 10s);
    co_await sleep_for(1s);
    words.push_back("unreachable");
  };
  const auto future = loop.submit(body, std::ref(log));
  loop.run_ready();
  future.cancel();
  EXPECT_THROW(future.block(), Cancelled);
  EXPECT_EQ(log, (Words{"operation done", "task yields 3"}));
}

TEST(Shield, OfAnOperationMayBeLimited) {
  EventLoop loop(LoopTime::simulated);
  const auto body = []() -> Task<bool> {
    Event never;
    const bool in_time = co_await shield(never.wait().within(2s));
    co_return in_time;
  };
  const auto future = loop.submit(body);
  loop.run_ready();
  future.cancel();
  EXPECT_FALSE(future.block());
  EXPECT_EQ(loop.now(), cohort::TimePoint{} + 2s);
}

TEST(Shield, PassesOnWhatTheTaskThrew) {
  EXPECT_THROW(simulate(shield(fail_at_once())), std::runtime_error);
}

}  // namespace
