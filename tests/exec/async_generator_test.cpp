// SPDX-License-Identifier: BSL-1.0

// AsyncGenerator: awaits and yields; times out and is rejoined; is destroyed in every state.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::AsyncGenerator;
using cohort::Cancelled;
using cohort::Event;
using cohort::EventLoop;
using cohort::run;
using cohort::Task;
using cohort::ThreadPool;

AsyncGenerator<int> count(int n) {
  for (int i = 0; i < n; ++i) {
    if (i % 2 == 1) co_await cohort::yield_now();
    co_yield i;
  }
}
AsyncGenerator<int> slowly(int n, std::chrono::milliseconds pause) {
  for (int i = 0; i < n; ++i) {
    co_await cohort::sleep_for(pause);
    co_yield i;
  }
}
AsyncGenerator<int> after(Event& event, std::shared_ptr<int> held) {
  co_yield 0;
  co_await event.wait();
  co_yield *held;
}
Task<int> sum_of(AsyncGenerator<int> gen) {
  int sum = 0;
  while (const auto x = co_await gen.next()) sum += *x;
  co_return sum;
}

TEST(AsyncGenerator, YieldsUntilItEndsAndThenNothing) {
  const auto consume = []() -> Task<> {
    auto gen = count(3);
    std::vector<int> seen;
    while (const auto x = co_await gen.next()) seen.push_back(*x);
    EXPECT_EQ(seen, (std::vector{0, 1, 2}));
    EXPECT_EQ(co_await gen.next(), std::nullopt);
    const auto timed = co_await gen.next().within(1s);
    EXPECT_TRUE(timed.closed());
  };
  run(consume());
  ThreadPool pool{2};
  run(pool, consume());
}

TEST(AsyncGenerator, BlocksAPlainThread) {
  int sum = 0;
  for (auto& x : count(10).blocking()) sum += x;
  EXPECT_EQ(sum, 45);
  auto gen = count(4);
  EXPECT_EQ(gen.next().block(), 0);
  for (auto& x : gen.blocking()) sum += x;
  EXPECT_EQ(sum, 51);
  EXPECT_EQ(gen.next().block(), std::nullopt);
}

TEST(AsyncGenerator, DoesNotGrowTheStack) {
  const auto consume = []() -> Task<long> {
    auto gen = []() -> AsyncGenerator<int> {
      for (int i = 0; i < 100'000; ++i) co_yield 1;
    }();
    long sum = 0;
    while (const auto x = co_await gen.next()) sum += *x;
    co_return sum;
  };
  EXPECT_EQ(run(consume()), 100'000);
}

TEST(AsyncGenerator, KeepsANamedValueAndMovesATemporary) {
  const auto body = []() -> AsyncGenerator<std::string> {
    std::string text(50, 'x');
    co_yield text;
    EXPECT_EQ(text.size(), 50u);
    co_yield std::move(text);
    co_yield "literal";
  };
  std::vector<std::string> seen;
  for (auto& text : body().blocking()) seen.push_back(std::move(text));
  EXPECT_EQ(seen,
            (std::vector<std::string>{std::string(50, 'x'), std::string(50, 'x'), "literal"}));
  const auto owners = []() -> AsyncGenerator<std::unique_ptr<int>> {
    co_yield std::make_unique<int>(4);
  };
  auto gen = owners();
  EXPECT_EQ(**gen.next().block(), 4);
}

TEST(AsyncGenerator, ThrowsOnceWhereItIsAskedAndHasEnded) {
  const auto body = []() -> AsyncGenerator<int> {
    co_yield 1;
    throw std::runtime_error("broken");
  };
  const auto consume = [&]() -> Task<> {
    auto gen = body();
    EXPECT_EQ(co_await gen.next(), 1);
    bool thrown = false;
    try {
      co_await gen.next();
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    EXPECT_EQ(co_await gen.next(), std::nullopt);
  };
  run(consume());
  auto gen = body();
  EXPECT_EQ(gen.next().block(), 1);
  EXPECT_THROW(gen.next().block(), std::runtime_error);
}

TEST(AsyncGenerator, RejoinsAfterATimeOutAndLosesNothing) {
  EventLoop loop(cohort::LoopTime::simulated);
  const auto consume = []() -> Task<> {
    auto gen = slowly(3, 10s);
    const auto early = co_await gen.next().within(4s);
    EXPECT_TRUE(early.timed_out());
    const auto in_time = co_await gen.next().within(7s);  // 10 s after the first try
    EXPECT_EQ(*in_time, 0);
    const auto polled = co_await gen.next().within(0s);
    EXPECT_TRUE(polled.timed_out());
    co_await cohort::sleep_for(1h);  // it goes on meanwhile, to its next value
    const auto ready = co_await gen.next().within(0s);
    EXPECT_EQ(*ready, 1);
    const auto again = co_await gen.next().within(1s);
    EXPECT_TRUE(again.timed_out());
    EXPECT_EQ(co_await gen.next(), 2);  // without a limit, too
    EXPECT_EQ(co_await gen.next(), std::nullopt);
  };
  run(loop, consume());
}

TEST(AsyncGenerator, RejoinsOnAThread) {
  Event event;
  auto gen = after(event, std::make_shared<int>(7));
  EXPECT_EQ(gen.next().block(), 0);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(gen.next().within(1ms).block().timed_out());
  event.set();
  EXPECT_EQ(gen.next().within(1h).block(), 7);
  EXPECT_TRUE(gen.next().within(1h).block().closed());
}

// Of real time: it ends when it ends, whoever drives the loop it sleeps on.
TEST(AsyncGenerator, SleepsOnAThreadThatAsksAgainAndAgain) {
  auto gen = slowly(2, 2ms);
  std::vector<int> seen;
  for (;;) {
    const auto x = gen.next().within(1ms).block();
    if (x.closed()) break;
    if (x) seen.push_back(*x);
  }
  EXPECT_EQ(seen, (std::vector{0, 1}));
}

TEST(AsyncGenerator, LosesNothingInASelect) {
  EventLoop loop(cohort::LoopTime::simulated);
  const auto consume = []() -> Task<std::vector<int>> {
    auto gen = slowly(2, 10s);
    std::vector<int> seen;
    for (int alarms = 0; alarms < 9;) {
      auto first = co_await cohort::select(gen.next(), cohort::sleep_for(3s));
      if (first.index() == 1) {
        ++alarms;
      } else if (std::get<0>(first)) {
        seen.push_back(*std::get<0>(first));
      } else {
        break;
      }
    }
    co_return seen;
  };
  EXPECT_EQ(run(loop, consume()), (std::vector{0, 1}));
}

TEST(AsyncGenerator, IsStoppedWithItsConsumersTask) {
  EventLoop loop;
  Event event;
  const auto held = std::make_shared<int>(7);
  const auto consume = [](Event& e, std::shared_ptr<int> p) -> Task<int> {
    co_return co_await sum_of(after(e, std::move(p)));
  };
  const auto future = loop.submit(consume, std::ref(event), held);
  loop.run_ready();
  EXPECT_FALSE(future.done());
  EXPECT_TRUE(future.cancel());
  EXPECT_THROW(future.block(), Cancelled);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(AsyncGenerator, BelongsToItsConsumersTask) {
  const auto body = [](cohort::RLock& lock) -> AsyncGenerator<int> {
    auto held = co_await lock.hold();
    co_yield 1;
  };
  const auto consume = [&]() -> Task<bool> {
    cohort::RLock lock;
    auto gen = body(lock);
    co_await gen.next();
    co_return lock.try_acquire() && (lock.release(), true);
  };
  EXPECT_TRUE(run(consume()));
}

TEST(AsyncGenerator, DestroyedUnbegunOrAtAYieldGoesWithAllItHeld) {
  const auto held = std::make_shared<int>(7);
  Event event;
  { auto gen = after(event, held); }
  EXPECT_EQ(held.use_count(), 1);
  {
    auto gen = after(event, held);
    EXPECT_EQ(gen.next().block(), 0);
    EXPECT_EQ(held.use_count(), 2);
    auto moved = std::move(gen);
    EXPECT_THROW(static_cast<void>(gen.next()), cohort::UsageError);  // NOLINT: what is tested
    gen = count(1);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(AsyncGenerator, DestroyedWhileItsBodyWaitsCancelsAndAwaitsIt) {
  const auto held = std::make_shared<int>(7);
  const auto consume = [&held]() -> Task<> {
    {
      Event event;
      auto gen = after(event, held);
      co_await gen.next();
      const auto late = co_await gen.next().within(1ms);
      EXPECT_TRUE(late.timed_out());
    }
    EXPECT_EQ(held.use_count(), 1);
    Event event;
    auto closed = after(event, held);
    co_await closed.next();
    const auto late = co_await closed.next().within(0ms);
    EXPECT_TRUE(late.timed_out());
    co_await closed.close();
  };
  run(consume());
  for (const int workers : {1, 2}) {
    ThreadPool pool{workers};
    run(pool, consume());
  }
  Event event;
  {
    auto gen = after(event, held);
    EXPECT_EQ(gen.next().block(), 0);
    EXPECT_TRUE(gen.next().within(1ms).block().timed_out());
  }
  EXPECT_EQ(held.use_count(), 1);
}

// Nobody makes up for a thread blocked in a strand's turn: it runs the strand itself meanwhile.
TEST(AsyncGenerator, DestroyedOnAStrandWhileItsBodyWaitsLetsTheStrandRun) {
  const auto held = std::make_shared<int>(7);
  const auto consume = [&held](std::string* log) -> Task<> {
    {
      Event event;
      auto gen = after(event, held);
      co_await gen.next();
      const auto late = co_await gen.next().within(1ms);
      EXPECT_TRUE(late.timed_out());
      *log += "destroys ";
    }
    EXPECT_EQ(held.use_count(), 1);
    *log += "goes on ";
  };
  const auto other = [](std::string* log) -> Task<> {
    while (log->empty()) co_await cohort::yield_now();
    *log += "another ";
  };
  const auto check = [&](auto& strand) {
    std::string log;
    const auto future = strand.submit(consume, &log);
    const auto bystander = strand.submit(other, &log);
    future.block();
    bystander.block();
    EXPECT_TRUE(log == "destroys another goes on " || log == "destroys goes on another ") << log;
  };
  ThreadPool pool{1};
  cohort::Strand strand{pool};
  check(strand);
  cohort::Strand on_strand{strand};
  check(on_strand);
  EventLoop loop;
  cohort::Strand on_loop{loop};
  check(on_loop);
  cohort::PolicyExecutor<cohort::RoundRobin> policy{1};
  check(policy);
  cohort::Strand on_policy{policy};
  check(on_policy);
  cohort::PolicyExecutor<cohort::RoundRobin> policy_on_loop{loop};
  check(policy_on_loop);
}

TEST(AsyncGenerator, OfAStoppedTaskIsCancelledWhenThatUnwinds) {
  EventLoop loop;
  Event event;
  const auto held = std::make_shared<int>(7);
  const auto consume = [](Event& e, std::shared_ptr<int> p) -> Task<> {
    auto gen = after(e, std::move(p));
    co_await gen.next();
    const auto late = co_await gen.next().within(0s);
    EXPECT_TRUE(late.timed_out());
    co_await e.wait();
  };
  const auto future = loop.submit(consume, std::ref(event), held);
  loop.run_ready();
  EXPECT_TRUE(future.cancel());
  EXPECT_THROW(future.block(), Cancelled);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(AsyncGenerator, IsPassedFromTaskToTask) {
  auto gen = count(4);
  const auto one = [&gen]() -> Task<std::optional<int>> { co_return co_await gen.next(); };
  EXPECT_EQ(run(one()), 0);
  ThreadPool pool{2};
  EXPECT_EQ(run(pool, one()), 1);
  EXPECT_EQ(gen.next().block(), 2);
  EXPECT_EQ(run(one()), 3);
}

TEST(AsyncGenerator, TimesOutOnAPoolUnderLoad) {
  ThreadPool pool{2};
  const auto consume = []() -> Task<int> {
    auto gen = count(200);
    int sum = 0;
    for (;;) {
      const auto x = co_await gen.next().within(0s);
      if (x.closed()) break;
      if (x) sum += *x;
      if (x.timed_out()) co_await cohort::yield_now();
    }
    co_return sum;
  };
  std::vector<cohort::Future<int>> futures;
  for (int i = 0; i < 8; ++i) futures.push_back(pool.submit(consume));
  for (const auto& future : futures) EXPECT_EQ(future.block(), 19900);
}

}  // namespace
