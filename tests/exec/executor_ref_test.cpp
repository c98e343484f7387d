// SPDX-License-Identifier: BSL-1.0

// ExecutorRef: what a task can do with the executor that it runs on, whatever that is.

#include <gtest/gtest.h>

#include <chrono>
#include <coroutine>
#include <thread>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::EventLoop;
using cohort::ExecutorRef;
using cohort::run;
using cohort::spawn;
using cohort::Strand;
using cohort::Task;
using cohort::ThreadPool;
using cohort::UsageError;
namespace this_task = cohort::this_task;

int twice(int x) { return 2 * x; }
Task<int> thrice(int x) {
  co_await cohort::yield_now();
  co_return 3 * x;
}

Task<ExecutorRef> mine() { co_return this_task::executor(); }

TEST(ExecutorRef, IsThatOfTheTaskThatRunsAndEqualIfItIsTheSame) {
  ThreadPool pool{2};
  ThreadPool other{1};
  EventLoop loop;
  Strand strand{pool};
  EXPECT_EQ(run(pool, mine()), ExecutorRef(pool));
  EXPECT_EQ(run(loop, mine()), ExecutorRef(loop));
  EXPECT_EQ(run(strand, mine()), ExecutorRef(strand));
  EXPECT_NE(run(pool, mine()), ExecutorRef(other));
  EXPECT_EQ(pool.submit([] { return this_task::executor(); }).block(), ExecutorRef(pool));
  const auto moves = [&]() -> Task<ExecutorRef> {
    co_await other.schedule();
    co_return this_task::executor();
  };
  EXPECT_EQ(run(pool, moves()), ExecutorRef(other));
}

TEST(ExecutorRef, StartsWorkWhereTheTaskRuns) {
  const auto body = []() -> Task<int> {
    const ExecutorRef here = this_task::executor();
    const int a = co_await here.submit(twice, 1);
    const int b = co_await spawn(here, thrice, 10);
    const int c = co_await spawn(this_task::executor(), thrice(100));
    co_return a + b + c;
  };
  ThreadPool pool{2};
  EXPECT_EQ(run(pool, body()), 332);
  EXPECT_EQ(run(body()), 332);
}

TEST(ExecutorRef, MovesCoroutinesThereAndKnowsItsClock) {
  ThreadPool pool{1};
  EventLoop loop{cohort::LoopTime::simulated};
  const ExecutorRef to = pool;
  const auto body = [&]() -> Task<> {
    const ExecutorRef from = this_task::executor();
    EXPECT_EQ(from.now(), loop.now());
    const auto here = std::this_thread::get_id();
    co_await to.schedule();
    EXPECT_NE(std::this_thread::get_id(), here);
    co_await from.schedule();
    EXPECT_EQ(std::this_thread::get_id(), here);
  };
  run(loop, body());
}

TEST(ExecutorRef, OutsideTasksItIsEmptyAndRefuses) {
  const ExecutorRef none = this_task::executor();
  EXPECT_FALSE(none);
  EXPECT_EQ(none, ExecutorRef());
  EXPECT_THROW((void)none.submit(twice, 1), UsageError);
  EXPECT_THROW((void)none.now(), UsageError);
  EXPECT_THROW((void)spawn(none, thrice(1)), UsageError);
}

}  // namespace
