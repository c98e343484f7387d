// SPDX-License-Identifier: BSL-1.0

// when_any: tasks, operations and futures race; losers are cancelled and awaited; nothing is lost.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "support/flavours.hpp"  // the check of frames
#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using cohort::AnyResult;
using cohort::Cancelled;
using cohort::channel;
using cohort::EventLoop;
using cohort::Future;
using cohort::LoopTime;
using cohort::Promise;
using cohort::Receiver;
using cohort::run;
using cohort::sleep_for;
using cohort::spawn;
using cohort::Task;
using cohort::ThreadPool;
using cohort::when_any;
using cohort::test::Unobserved;

// What a leg has come to.
struct Fate {
  bool began = false, cancelled = false, ended = false;
};

Task<int> leg(std::chrono::seconds after, int value, Fate* fate) {
  struct End {
    explicit End(Fate* f) : fate(f) {}
    ~End() { fate->ended = true; }
    Fate* fate;
  } end(fate);
  fate->began = true;
  try {
    co_await sleep_for(after);
  } catch (const Cancelled&) {
    fate->cancelled = true;
    throw;
  }
  co_return value;
}
Task<std::string> failing(std::chrono::seconds after, const char* what) {
  bool stopped = false;
  try {
    co_await sleep_for(after);
  } catch (const Cancelled&) {
    stopped = true;
  }
  throw std::runtime_error(what + std::string(stopped ? ", stopped" : ""));
}

Task<std::size_t> three_legs(Fate* fates, std::chrono::nanoseconds* took) {
  const auto start = cohort::now();
  auto first =
      co_await when_any(leg(3s, 3, &fates[0]), leg(1s, 1, &fates[1]), leg(2s, 2, &fates[2]));
  *took = cohort::now() - start;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fates[i].ended) << "a leg outlives the race";
  EXPECT_EQ(std::get<1>(first), 1);
  co_return first.index();
}

// API 2
TEST(WhenAny, YieldsTheFirstAndCancelsAndAwaitsTheLosers) {
  EventLoop loop(LoopTime::simulated);
  Fate fates[3];
  std::chrono::nanoseconds took{};
  EXPECT_EQ(run(loop, three_legs(fates, &took)), 1U);
  EXPECT_EQ(took, 1s);
  EXPECT_TRUE(fates[0].cancelled);
  EXPECT_FALSE(fates[1].cancelled);
  EXPECT_TRUE(fates[2].cancelled);
}

Task<> slow_to_stop(bool* cleaned_up) {
  bool stopped = false;
  try {
    co_await sleep_for(1h);
  } catch (const Cancelled&) {
    stopped = true;
  }
  auto pause = sleep_for(5s);
  co_await cohort::shield(std::move(pause));
  *cleaned_up = stopped;
}
Task<std::chrono::nanoseconds> with_clean_up(bool* cleaned_up) {
  const auto start = cohort::now();
  auto first = co_await when_any(slow_to_stop(cleaned_up), sleep_for(1s));
  EXPECT_EQ(first.index(), 1U);
  EXPECT_TRUE(*cleaned_up);
  co_return cohort::now() - start;
}

// API 2: awaited, however long it takes
TEST(WhenAny, WaitsForALoserThatCleansUp) {
  EventLoop loop(LoopTime::simulated);
  bool cleaned_up = false;
  EXPECT_EQ(run(loop, with_clean_up(&cleaned_up)), 6s);
}

Task<std::string> all_fail() {
  std::string what;
  try {
    static_cast<void>(
        co_await when_any(failing(3s, "third"), failing(1s, "first"), failing(2s, "second")));
  } catch (const std::runtime_error& e) {
    what = e.what();
  }
  co_return what;
}

// API 2: the first is rethrown, the others go to the hook
TEST(WhenAny, RethrowsTheFirstFailureAndReportsThoseOfTheLosers) {
  const Unobserved unobserved;
  EventLoop loop(LoopTime::simulated);
  EXPECT_EQ(run(loop, all_fail()), "first");
  EXPECT_EQ(unobserved.texts().size(), 2U);
}

Task<std::size_t> value_before_failure() {
  auto first = co_await when_any(sleep_for(1s), failing(2s, "loser"));
  co_return first.index();
}

// API 2
TEST(WhenAny, YieldsTheValueAndReportsTheFailureOfALoser) {
  const Unobserved unobserved;
  EventLoop loop(LoopTime::simulated);
  EXPECT_EQ(run(loop, value_before_failure()), 0U);
  EXPECT_EQ(unobserved.texts().size(), 1U);
}

// API 2: a loser's Cancelled is no failure
TEST(WhenAny, DoesNotReportThatALoserWasCancelled) {
  const Unobserved unobserved;
  EventLoop loop(LoopTime::simulated);
  Fate fates[3];
  std::chrono::nanoseconds took{};
  run(loop, three_legs(fates, &took));
  EXPECT_EQ(unobserved.texts().size(), 0U);
}

Task<std::size_t> race_of_many(std::vector<Task<int>> legs) {
  AnyResult<int> first = co_await when_any(std::move(legs));
  EXPECT_EQ(first.value, 100 + static_cast<int>(first.index));
  co_return first.index;
}

// API 2: when_any(range)
TEST(WhenAny, OfARangeYieldsIndexAndValue) {
  EventLoop loop(LoopTime::simulated);
  std::vector<Fate> fates(50);
  std::vector<Task<int>> legs;
  for (int i = 0; i < 50; ++i) {
    legs.push_back(
        leg(std::chrono::seconds(i == 37 ? 1 : 2), 100 + i, &fates[static_cast<std::size_t>(i)]));
  }
  EXPECT_EQ(run(loop, race_of_many(std::move(legs))), 37U);
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(fates[i].cancelled, i != 37) << i;
    EXPECT_TRUE(fates[i].ended) << i;
  }
  EXPECT_THROW(static_cast<void>(when_any(std::vector<Task<int>>{})), std::invalid_argument);
}

Task<std::size_t> race_of_futures(std::vector<Future<int>>* futures) {
  std::vector<Future<int>> copies = *futures;
  auto first = co_await when_any(copies);
  co_return first.index;
}

// API 2: a Future is never cancelled by losing
TEST(WhenAny, OfFuturesCancelsNone) {
  EventLoop loop;
  std::vector<Promise<int>> promises(3);
  std::vector<Future<int>> futures;
  for (auto& p : promises) futures.push_back(p.future());
  const auto first = spawn(loop, race_of_futures, &futures);
  loop.run_ready();
  EXPECT_FALSE(first.done());
  promises[2].set_value(2);
  EXPECT_EQ(first.block(), 2U);
  EXPECT_FALSE(futures[0].done());
  promises[0].set_value(0);
  promises[1].set_value(1);
}

Task<> race_for_ever(Fate* fates) {
  static_cast<void>(co_await when_any(leg(1h, 0, &fates[0]), leg(2h, 0, &fates[1]), sleep_for(3h)));
}

// API 2: cancelled from above, all legs are
TEST(WhenAny, PassesACancellationOnAndAwaitsTheLegs) {
  for (const int workers : {1, 2}) {
    ThreadPool pool{workers};
    Fate fates[2];
    const auto race = spawn(pool, race_for_ever, fates);
    for (int i = 0; i < workers; ++i) pool.submit([] {}).block();
    race.cancel();
    ASSERT_TRUE(cohort::test::eventually([&] { return race.done(); }));
    EXPECT_TRUE(race.cancelled());
    for (const Fate& fate : fates) {
      EXPECT_EQ(fate.began, fate.ended);
      EXPECT_EQ(fate.began, fate.cancelled);
    }
  }
}

Task<int> take_one(Receiver<int> rx) {
  const std::optional<int> x = co_await rx.recv();
  co_return x.value_or(-1);
}
Task<std::size_t> task_against_operation(Receiver<int> a, Receiver<int> b) {
  auto first = co_await when_any(take_one(a), b.recv());
  co_return first.index();
}

// API 2: an operation that is ready wins before any task starts; a losing task has taken nothing
TEST(WhenAny, LetsAReadyOperationWinBeforeATaskBegins) {
  auto a = channel<int>(1), b = channel<int>(1);
  ASSERT_TRUE(a.tx.try_send(1) && b.tx.try_send(2));
  EXPECT_EQ(run(task_against_operation(a.rx, b.rx)), 1U);
  EXPECT_EQ(a.rx.size(), 1U);
  EXPECT_EQ(run(task_against_operation(a.rx, b.rx)), 0U);
}

}  // namespace
