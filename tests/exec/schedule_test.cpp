// SPDX-License-Identifier: BSL-1.0

// Hops from executor to executor; EventLoop, InlineExecutor and Strand by themselves.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::Cancelled;
using cohort::Event;
using cohort::EventLoop;
using cohort::Future;
using cohort::InlineExecutor;
using cohort::LoopTime;
using cohort::PolicyExecutor;
using cohort::run;
using cohort::Strand;
using cohort::Task;
using cohort::ThreadPool;

// ------------------------------------------------------------------------------------------ hops

template <class Pool>
class Schedule : public testing::Test {};
using Pools = testing::Types<ThreadPool, PolicyExecutor<cohort::Fcfs>,
                             PolicyExecutor<cohort::MultilevelFeedback>>;
TYPED_TEST_SUITE(Schedule, Pools);

TYPED_TEST(Schedule, MovesACoroutineThereAndBack) {
  TypeParam pool{1};
  EventLoop loop;
  const auto there = pool.submit(which_thread).block();
  const auto travel = [](TypeParam& p, EventLoop& l) -> Task<std::vector<std::thread::id>> {
    std::vector<std::thread::id> stations;
    stations.push_back(which_thread());
    co_await p.schedule();
    stations.push_back(which_thread());
    co_await l.schedule();
    stations.push_back(which_thread());
    co_return stations;
  };
  EXPECT_EQ(run(loop, travel(pool, loop)), (std::vector{which_thread(), there, which_thread()}));
}

TYPED_TEST(Schedule, MovesTheChildAndLeavesTheParentAtHome) {
  TypeParam first{1};
  TypeParam second{1};
  const auto a = first.submit(which_thread).block();
  const auto b = second.submit(which_thread).block();
  const auto child = [](TypeParam& p) -> Task<std::thread::id> {
    co_await p.schedule();
    co_await p.submit([] {});  // runs when this does not
    co_return which_thread();
  };
  const auto parent = [&child](TypeParam& p) -> Task<std::vector<std::thread::id>> {
    std::vector<std::thread::id> ids{which_thread()};
    const auto there = co_await child(p);
    ids.push_back(there);
    ids.push_back(which_thread());
    co_return ids;
  };
  EXPECT_EQ(run(first, parent(second)), (std::vector{a, b, a}));
}

TYPED_TEST(Schedule, BringsTheParentHomeWhenTheChildThrows) {
  TypeParam pool{1};
  const auto child = [](TypeParam& p) -> Task<> {
    co_await p.schedule();
    throw std::runtime_error("there");
  };
  const auto parent = [&child](TypeParam& p) -> Task<std::thread::id> {
    std::string text;
    try {
      co_await child(p);
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    EXPECT_EQ(text, "there");
    co_return which_thread();
  };
  EXPECT_EQ(run(parent(pool)), which_thread());
}

TYPED_TEST(Schedule, IsACancellationPoint) {
  TypeParam pool{1};
  const cohort::StopSource source;
  source.request_stop();
  const auto hop = [](TypeParam& p) -> Task<> { co_await p.schedule(); };
  EXPECT_THROW(run(hop(pool), source.token()), Cancelled);
}

// ------------------------------------------------------------------------------------- EventLoop

TEST(EventLoop, RunsUntilNoTaskIsLeft) {
  EventLoop loop(LoopTime::simulated);
  loop.run();  // nothing to do
  int ran = 0;
  const auto chain = [](EventLoop& l, int& n) -> Task<> {
    ++n;
    co_await cohort::sleep_for(1h);
    static_cast<void>(l.submit([&n] { ++n; }));
  };
  static_cast<void>(loop.submit(chain, std::ref(loop), std::ref(ran)));
  EXPECT_EQ(ran, 0);
  loop.run();
  EXPECT_EQ(ran, 2);
}

TEST(EventLoop, RunsWhatIsReadyFirstInFirstOutAndCounts) {
  EventLoop loop;
  std::vector<int> log;
  for (int i = 0; i < 5; ++i) static_cast<void>(loop.submit([&log, i] { log.push_back(i); }));
  Event event;
  const auto wait = [](Event& e) -> Task<> { co_await e.wait(); };
  const auto future = loop.submit(wait, std::ref(event));
  EXPECT_EQ(loop.run_ready(), 6U);
  EXPECT_EQ(log, (std::vector{0, 1, 2, 3, 4}));
  EXPECT_EQ(loop.run_ready(), 0U);
  event.set();
  EXPECT_FALSE(future.done()) << "set() resumed the waiter inline";
  EXPECT_EQ(loop.run_ready(), 1U);
  EXPECT_TRUE(future.done());
}

TEST(EventLoop, IsDrivenByTwoThreadsThatBlockOnItsFutures) {
  for (int i = 0; i < 50; ++i) {
    EventLoop loop;
    const auto step = [](int x) -> Task<int> {
      for (int k = 0; k < 10; ++k) co_await cohort::yield_now();
      co_await cohort::sleep_for(10us);  // of real time, in which the one that drives it sleeps
      co_return x;
    };
    const Future<int> one = loop.submit(step, 1);
    const Future<int> two = loop.submit(step, 2);
    int got = 0;
    std::thread other([&] { got = one.block(); });
    EXPECT_EQ(two.block(), 2);
    other.join();
    EXPECT_EQ(got, 1);
  }
}

TEST(EventLoop, BlocksWithALimitOnItsFuture) {
  Event never;
  EventLoop loop;
  const auto wait = [](Event& e) -> Task<> { co_await e.wait(); };
  const auto quick = []() -> Task<int> {
    co_await cohort::yield_now();
    co_return 4;
  };
  EXPECT_FALSE(loop.submit(wait, std::ref(never)).within(1ms).block());
  EXPECT_EQ(loop.submit(quick).within(1min).block(), 4);
  const Future<int> named = loop.submit(quick);
  EXPECT_EQ(named.within(1min).block(), 4);
}

TEST(EventLoop, BlocksWithAStopTokenOnItsFuture) {
  Event never;
  EventLoop loop;
  const cohort::StopSource source;
  const auto wait = [](Event& e) -> Task<> { co_await e.wait(); };
  const auto quick = []() -> Task<int> {
    co_await cohort::yield_now();
    co_return 4;
  };
  EXPECT_EQ(loop.submit(quick).block(source.token()), 4);
  const auto future = loop.submit(wait, std::ref(never));
  std::thread other([&] { source.request_stop(); });
  EXPECT_THROW(future.block(source.token()), Cancelled);
  other.join();
}

TEST(EventLoop, RunOnTwoThreadsIsDrivenByOneAndEndsForBoth) {
  for (int i = 0; i < 50; ++i) {
    EventLoop loop;
    std::atomic<int> inside{0};
    std::atomic<int> overlaps{0};
    const auto work = [&]() -> Task<> {
      for (int k = 0; k < 10; ++k) {
        overlaps += inside.fetch_add(1);
        inside.fetch_sub(1);
        co_await cohort::yield_now();
      }
    };
    for (int k = 0; k < 10; ++k) static_cast<void>(loop.submit(work));
    std::thread other([&loop] { loop.run(); });
    loop.run();
    other.join();
    EXPECT_EQ(overlaps, 0);
  }
}

TEST(EventLoop, TakesWorkFromOtherThreads) {
  EventLoop loop;
  std::atomic<int> count{0};
  std::vector<std::thread> threads;
  Event done;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        static_cast<void>(loop.submit([&] {
          if (++count == 1500) done.set();
        }));
      }
    });
  }
  const auto wait = [](Event& e) -> Task<> { co_await e.wait(); };
  run(loop, wait(done));
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count, 1500);
}

TEST(EventLoop, WithSimulatedTimeStandsStillWhileThereIsWork) {
  EventLoop loop(LoopTime::simulated);
  const auto start = loop.now();
  const auto sleep = []() -> Task<> { co_await cohort::sleep_for(24h); };
  const auto busy = []() -> Task<> {
    for (int i = 0; i < 100; ++i) co_await cohort::yield_now();
  };
  const auto sleeper = loop.submit(sleep);
  run(loop, busy());
  EXPECT_EQ(loop.now(), start);
  EXPECT_FALSE(sleeper.done());
  sleeper.block();
  EXPECT_EQ(loop.now(), start + 24h);
}

TEST(EventLoop, WithSimulatedTimeMayBeToldHowLongThingsTake) {
  EventLoop loop(LoopTime::simulated);
  const auto start = loop.now();
  std::vector<int> log;
  const auto late = [](std::vector<int>* l) -> Task<> {
    co_await cohort::sleep_for(10ms);
    l->push_back(2);
  };
  const auto work = [](std::vector<int>* l, EventLoop* on) -> Task<> {
    l->push_back(1);
    on->advance(15ms);
    co_await cohort::yield_now();  // the timer is looked at
    co_await cohort::yield_now();
    l->push_back(3);
  };
  static_cast<void>(loop.submit(late, &log));
  static_cast<void>(loop.submit(work, &log, &loop));
  loop.run();
  EXPECT_EQ(log, (std::vector{1, 2, 3}));
  EXPECT_EQ(loop.now(), start + 15ms);
  loop.advance(-1h);
  EXPECT_EQ(loop.now(), start + 15ms);
}

TEST(EventLoop, IsRunByWhoeverBlocksOnItsShutdown) {  // C246
  EventLoop loop(LoopTime::simulated);
  const auto sleep = []() -> Task<> { co_await cohort::sleep_for(1h); };
  const auto future = loop.submit(sleep);
  loop.shutdown().block();
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.cancelled());
}

// -------------------------------------------------------------------------------- InlineExecutor

TEST(InlineExecutor, FinishesOnTheCallerBeforeSubmitReturns) {
  InlineExecutor executor;
  std::thread::id where;
  const auto future = executor.submit([&where] { where = which_thread(); });
  EXPECT_TRUE(future.done());
  EXPECT_EQ(where, which_thread());
  const auto later = []() -> Task<std::thread::id> {
    co_await cohort::yield_now();
    co_return which_thread();
  };
  const auto coroutine = executor.submit(later);
  EXPECT_TRUE(coroutine.done());
  EXPECT_EQ(coroutine.block(), which_thread());
  const auto nested =
      executor.submit([&executor] { return executor.submit(which_thread).block(); });
  EXPECT_EQ(nested.block(), which_thread());
}

// ---------------------------------------------------------------------------------------- Strand

TEST(Strand, RunsNeverTwoAtOnce) {
  ThreadPool pool{8};
  Strand strand{pool};
  int plain_counter = 0;  // TSan watches it
  std::atomic<int> inside{0};
  std::atomic<int> overlaps{0};
  const auto work = [&]() -> Task<> {
    for (int i = 0; i < 20; ++i) {
      overlaps += inside.fetch_add(1);
      ++plain_counter;
      inside.fetch_sub(1);
      co_await cohort::yield_now();
    }
  };
  std::vector<Future<void>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(strand.submit(work));
  for (const auto& future : futures) future.block();
  EXPECT_EQ(plain_counter, 2000);
  EXPECT_EQ(overlaps, 0);
}

TEST(Strand, RunsInTheOrderOfSubmission) {
  ThreadPool pool{4};
  Strand strand{pool};
  std::vector<int> log;
  std::vector<int> expected;
  for (int i = 0; i < 1000; ++i) {
    static_cast<void>(strand.submit([&log, i] { log.push_back(i); }));
    expected.push_back(i);
  }
  strand.shutdown().block();
  EXPECT_EQ(log, expected);
}

TEST(Strand, LetsAnotherStrandRunMeanwhile) {
  ThreadPool pool{2};
  Strand one{pool};
  Strand two{pool};
  Event first;
  Event second;
  const auto ping = [](Event& mine, Event& other) {
    mine.set();
    other.wait().block();
  };
  const auto a = one.submit(ping, std::ref(first), std::ref(second));
  const auto b = two.submit(ping, std::ref(second), std::ref(first));
  EXPECT_TRUE(a.within(1min).block());
  EXPECT_TRUE(b.within(1min).block());
}

TEST(Strand, MayBeOutlivedByItsTasks) {
  ThreadPool pool{2};
  Event go;
  Future<int> future;
  {
    Strand strand{pool};
    const auto wait = [](Event& e) -> Task<int> {
      co_await e.wait();
      co_return 5;
    };
    future = strand.submit(wait, std::ref(go));
  }
  go.set();
  EXPECT_EQ(future.block(), 5);
}

TEST(Strand, MayBeGoneWhenItsLastTaskIsBeingResumed) {
  ThreadPool pool{2};
  const auto wait = [](Event& e) -> Task<> { co_await e.wait(); };
  for (int i = 0; i < 2000; ++i) {
    Event go;
    Future<void> last;
    {
      Strand strand{pool};
      last = strand.submit(wait, std::ref(go));
      for (int k = 0; k < 3; ++k) static_cast<void>(strand.submit([] {}));
    }
    for (std::atomic<int> k{0}; k < i % 400; ++k) {}
    go.set();  // resumes it here, while the strand may be busy there
    last.block();
  }
}

TEST(Strand, WorksOnAStrand) {
  ThreadPool pool{2};
  Strand below{pool};
  Strand strand{below};
  const auto step = []() -> Task<int> {
    co_await cohort::yield_now();
    co_return 3;
  };
  EXPECT_EQ(strand.submit(step).block(), 3);
}

TEST(Strand, LeavesItsThreadToOthersWhileItsTasksWait) {
  ThreadPool pool{1};
  Strand strand{pool};
  Event event;
  const auto wait = [](Event& e) -> Task<int> {
    co_await e.wait();
    co_return 1;
  };
  const auto future = strand.submit(wait, std::ref(event));
  EXPECT_EQ(strand.submit([] { return 2; }).block(), 2);
  EXPECT_EQ(pool.submit([] { return 3; }).block(), 3);
  event.set();
  EXPECT_EQ(future.block(), 1);
}

TEST(Strand, MayBlockInAPlainFunctionForATaskOfThePoolBelow) {
  ThreadPool pool{1};
  Strand strand{pool};
  const auto ask = [&pool] { return pool.submit([] { return 6; }).block(); };
  EXPECT_EQ(strand.submit(ask).block(), 6);
}

}  // namespace
