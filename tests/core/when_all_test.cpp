// SPDX-License-Identifier: BSL-1.0

// when_all: all results, in order; the first failure stops the rest, which are awaited; no
// exception is lost.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test
#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using cohort::Cancelled;
using cohort::Event;
using cohort::EventLoop;
using cohort::LoopTime;
using cohort::run;
using cohort::sleep_for;
using cohort::Task;
using cohort::ThreadPool;
using cohort::when_all;
using cohort::test::fail_after;
using cohort::test::later;
using cohort::test::nothing;
using cohort::test::simulate;
using cohort::test::Unobserved;
using cohort::test::value;
using cohort::test::Words;

Task<int> log_the_end(Words& log, std::string name) {
  try {
    co_await sleep_for(1h);
  } catch (const Cancelled&) {
    log.push_back(name + " stopped");
    throw;
  }
  co_return 0;
}

TEST(WhenAll, YieldsATupleInTheOrderOfItsArguments) {
  const auto both = []() -> Task<std::tuple<int, std::string>> {
    const auto word = []() -> Task<std::string> { co_return "two"; };
    auto result = co_await when_all(later(2s, 1), word());
    co_return result;
  };
  EXPECT_EQ(simulate(both()), std::tuple(1, std::string("two")));
}

TEST(WhenAll, YieldsMonostateForVoid) {
  const auto both = []() -> Task<int> {
    const auto result = co_await when_all(nothing(), value(3), nothing());
    static_assert(
        std::is_same_v<decltype(result), const std::tuple<std::monostate, int, std::monostate>>);
    co_return std::get<1>(result);
  };
  EXPECT_EQ(run(both()), 3);
}

TEST(WhenAll, YieldsReferencesAndMoveOnlyValues) {
  int object = 1;
  const auto refer = [](int& x) -> Task<int&> { co_return x; };
  const auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(5); };
  const auto both = [&]() -> Task<int> {
    auto result = co_await when_all(refer(object), make());
    std::get<0>(result).get() = 7;
    co_return *std::get<1>(result);
  };
  EXPECT_EQ(run(both()), 5);
  EXPECT_EQ(object, 7);
}

TEST(WhenAll, OfARangeYieldsAVectorInTheOrderOfTheRange) {
  const auto all = []() -> Task<std::vector<int>> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(later(std::chrono::seconds(5 - i), i));
    auto results = co_await when_all(std::move(tasks));
    co_return results;
  };
  EXPECT_EQ(simulate(all()), (std::vector{0, 1, 2, 3, 4}));
}

TEST(WhenAll, OfARangeOfVoidYieldsAVectorOfMonostate) {
  const auto all = []() -> Task<std::size_t> {
    std::vector<Task<>> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(nothing());
    const std::vector<std::monostate> results = co_await when_all(tasks);
    co_return results.size();
  };
  EXPECT_EQ(run(all()), 3U);
}

TEST(WhenAll, OfNothingIsDoneAtOnce) {
  const auto none = []() -> Task<std::size_t> {
    const auto empty = co_await when_all();
    static_assert(std::tuple_size_v<decltype(empty)> == 0);
    std::vector<Task<int>> tasks;
    const std::vector<int> results = co_await when_all(std::move(tasks));
    co_return results.size();
  };
  EXPECT_EQ(run(none()), 0U);
}

TEST(WhenAll, RunsItsLegsAtTheSameTime) {
  const auto span = []() -> Task<std::chrono::nanoseconds> {
    const auto start = cohort::now();
    const auto sums = co_await when_all(later(3600s, 1), later(3600s, 2), later(3600s, 3));
    EXPECT_EQ(std::get<2>(sums), 3);
    co_return cohort::now() - start;
  };
  EXPECT_EQ(simulate(span()), 1h);
}

TEST(WhenAll, TakesOperationsAndFutures) {
  const auto mixture = []() -> Task<int> {
    Event event;
    cohort::Lock lock;
    cohort::Promise<int> promise;
    event.set();
    promise.set_value(4);
    auto results = co_await when_all(event.wait(), lock.hold(), promise.future(), sleep_for(1s));
    EXPECT_TRUE(lock.locked());
    co_return std::get<2>(results);
  };
  EXPECT_EQ(simulate(mixture()), 4);
}

TEST(WhenAll, StopsTheOthersAtTheFirstFailureAndAwaitsThem) {
  Words log;
  const auto all = [](Words& words) -> Task<> {
    const auto slow = [](Words& w) -> Task<int> {
      try {
        co_await sleep_for(1h);
      } catch (const Cancelled&) {}
      co_await cohort::shield(sleep_for(5s));
      w.push_back("cleaned up");
      co_return 0;
    };
    const auto start = cohort::now();
    try {
      co_await when_all(log_the_end(words, "a"), fail_after(2s, "b failed"), slow(words));
    } catch (const std::runtime_error& error) {
      words.push_back(error.what());
    }
    EXPECT_EQ(cohort::now() - start, 7s);
  };
  simulate(all(log));
  EXPECT_EQ(log, (Words{"a stopped", "cleaned up", "b failed"}));
}

TEST(WhenAll, RethrowsTheFirstFailureAndReportsTheOthers) {
  const Unobserved unobserved;
  const auto fail_when_stopped = [](std::string text) -> Task<int> {
    try {
      co_await sleep_for(1h);
    } catch (const Cancelled&) {
      throw std::runtime_error(text);
    }
    co_return 0;
  };
  const auto all = [&]() -> Task<std::string> {
    try {
      co_await when_all(fail_when_stopped("second"), fail_after(1s, "first"));
    } catch (const std::runtime_error& error) {
      co_return error.what();
    }
    co_return "";
  };
  EXPECT_EQ(simulate(all()), "first");
  EXPECT_EQ(unobserved.texts(), Words{"second"});
}

TEST(WhenAll, LosesNoExceptionOnAPool) {
  const Unobserved unobserved;
  constexpr std::size_t legs = 50;
  const auto throw_now = []() -> Task<> {
    throw std::runtime_error("thrown");
    co_return;
  };
  const auto all = [&]() -> Task<int> {
    std::vector<Task<>> tasks;
    for (std::size_t i = 0; i < legs; ++i) tasks.push_back(throw_now());
    int caught = 0;
    try {
      co_await when_all(std::move(tasks));
    } catch (const std::runtime_error&) {
      ++caught;
    }
    co_return caught;
  };
  ThreadPool pool{2};
  EXPECT_EQ(run(pool, all()), 1);
  EXPECT_EQ(unobserved.texts().size(), legs - 1);
}

TEST(WhenAll, IsStoppedWithItsParentAfterItsLegsHaveEnded) {
  Words log;
  EventLoop loop(LoopTime::simulated);
  const auto both = [](Words& words) -> Task<> {
    try {
      co_await when_all(log_the_end(words, "a"), log_the_end(words, "b"));
    } catch (const Cancelled&) {
      words.push_back("parent stopped");
      throw;
    }
  };
  const auto future = loop.submit(both, std::ref(log));
  loop.run_ready();
  future.cancel();
  EXPECT_THROW(future.block(), Cancelled);
  ASSERT_EQ(log.size(), 3U);
  EXPECT_EQ(log.back(), "parent stopped");
}

TEST(WhenAll, DroppedOrRefusedDestroysItsTasks) {
  const auto argument = std::make_shared<int>(1);
  const auto keep = [](std::shared_ptr<int>) -> Task<> { co_return; };
  static_cast<void>(when_all(keep(argument), keep(argument)));
  EXPECT_EQ(argument.use_count(), 1);
}

TEST(WhenAll, LetsALegHopWhileTheParentStaysAtHome) {
  const auto hop = [](ThreadPool& pool) -> Task<std::thread::id> {
    co_await pool.schedule();
    co_return which_thread();
  };
  const auto both = [&hop](ThreadPool& pool) -> Task<> {
    const auto home = which_thread();
    const auto ids = co_await when_all(hop(pool), hop(pool));
    EXPECT_EQ(which_thread(), home);
    EXPECT_NE(std::get<0>(ids), home);
    EXPECT_NE(std::get<1>(ids), home);
  };
  ThreadPool pool{2};
  for (int i = 0; i < 200; ++i) run(both(pool));
}

Task<int> fib(int n) {
  if (n < 2) co_return n;
  const auto both = co_await when_all(fib(n - 1), fib(n - 2));
  co_return std::get<0>(both) + std::get<1>(both);
}

class WhenAllOnAPool : public testing::TestWithParam<int> {};
TEST_P(WhenAllOnAPool, ForksAndJoins) {
  ThreadPool pool{GetParam()};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(run(pool, fib(15)), 610);
}
INSTANTIATE_TEST_SUITE_P(OfAnySize, WhenAllOnAPool, testing::Values(1, 2, 8));

TEST(WhenAll, StopsLegsThatRunOnOtherWorkers) {
  const auto wait = [](Event& began) -> Task<> {
    began.set();
    co_await sleep_for(1h);
  };
  const auto fail_once = [](Event& began) -> Task<> {
    co_await began.wait();
    throw std::runtime_error("enough");
  };
  const auto all = [&]() -> Task<bool> {
    Event began;
    try {
      co_await when_all(wait(began), wait(began), fail_once(began), wait(began));
    } catch (const std::runtime_error&) {
      co_return true;
    }
    co_return false;
  };
  ThreadPool pool{2};
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(run(pool, all()));
}

}  // namespace
