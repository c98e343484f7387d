// SPDX-License-Identifier: BSL-1.0

// Timer: fires once, after its time, or never.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::Event;
using cohort::Task;
using cohort::Thread;
using cohort::ThreadOptions;
using cohort::Timer;
using cohort::UsageError;

static_assert(std::is_base_of_v<Thread, Timer> && std::is_move_constructible_v<Timer>);

// C261
TEST(Timer, FiresOnceAfterItsTimeWithItsArguments) {
  std::string got;
  int calls = 0;
  const auto fire = [&](const std::string& text, std::unique_ptr<int> n) {
    got = text + std::to_string(*n);
    ++calls;
  };
  Timer timer{2ms, fire, std::string("tea "), std::make_unique<int>(3)};
  const auto before = std::chrono::steady_clock::now();
  timer.start();
  timer.join().block();
  EXPECT_GE(std::chrono::steady_clock::now() - before, 2ms);
  EXPECT_EQ(got, "tea 3");
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(timer.cancel());
  EXPECT_THROW(timer.start(), UsageError);
}

// C261
TEST(Timer, CancelledBeforeItsTimeItNeverFiresAndEndsAtOnce) {
  int calls = 0;
  Timer timer{1h, [&] { ++calls; }};
  timer.start();
  EXPECT_TRUE(timer.cancel());
  EXPECT_FALSE(timer.cancel());
  timer.join().block();
  Timer early{0s, [&] { ++calls; }};
  EXPECT_TRUE(early.cancel());
  early.start();
  early.join().block();
  EXPECT_EQ(calls, 0);
}

TEST(Timer, ItsTimeCountsFromTheStart) {
  std::atomic<bool> fired{false};
  Timer timer{1h, [&] { fired = true; }};
  std::this_thread::yield();
  timer.start();
  EXPECT_FALSE(timer.join().within(1ms).block());
  EXPECT_FALSE(fired.load());
  timer.cancel();
}

TEST(Timer, AtOnceForZeroAndLessAndNeverForEver) {
  std::atomic<int> calls{0};
  Timer now{0s, [&] { ++calls; }};
  Timer past{-1h, [&] { ++calls; }};
  Timer never{std::chrono::hours::max(), [&] { ++calls; }};
  now.start();
  past.start();
  never.start();
  now.join().block();
  past.join().block();
  EXPECT_EQ(calls.load(), 2);
  EXPECT_TRUE(never.is_alive());
  never.cancel();
}

TEST(Timer, IsAThreadWithOptionsThatMovesWhileItRuns) {
  std::string name;
  Timer timer{ThreadOptions{.name = "alarm", .daemon = true}, 1ms,
              [&] { name = cohort::current_thread().name(); }};
  EXPECT_TRUE(timer.daemon());
  timer.start();
  Timer moved = std::move(timer);
  EXPECT_THROW(timer.cancel(), UsageError);  // NOLINT: what is tested
  moved.join().block();
  EXPECT_EQ(name, "alarm");
}

TEST(Timer, ItsFunctionMayBeACoroutineAndCancelItselfInVain) {
  int steps = 0;
  Timer* self = nullptr;
  const auto fire = [&]() -> Task<> {
    ++steps;
    co_await cohort::yield_now();
    if (!self->cancel()) ++steps;
  };
  Timer timer{0s, fire};
  self = &timer;
  timer.start();
  timer.join().block();
  EXPECT_EQ(steps, 2);
}

TEST(Timer, EitherItFiresOrTheCancelSucceedsNeverBoth) {
  int fired_count = 0;
  for (int i = 0; i < 100; ++i) {
    std::atomic<int> fired{0};
    Timer timer{std::chrono::microseconds(i), [&] { ++fired; }};
    timer.start();
    for (std::atomic<int> k{0}; k < i * 1000; ++k) {}  // to be about as late
    const bool cancelled = timer.cancel();
    timer.join().block();
    EXPECT_EQ(fired.load(), cancelled ? 0 : 1);
    fired_count += fired.load();
  }
  RecordProperty("fired", fired_count);
}

TEST(Timer, TheDestructorWaitsForIt) {
  std::atomic<bool> fired{false};
  {
    Timer timer{1ms, [&] { fired = true; }};
    timer.start();
  }
  EXPECT_TRUE(fired.load());
}

}  // namespace
