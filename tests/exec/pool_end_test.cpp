// SPDX-License-Identifier: BSL-1.0

// The end of a ThreadPool: with work queued, suspended, blocked; on its own worker. It lets queued
// work run, cancels who still waits, and never hangs.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::Cancelled;
using cohort::Event;
using cohort::Future;
using cohort::run;
using cohort::ShutDown;
using cohort::Task;
using cohort::ThreadPool;

// Whether it ends; if not, the test program does, because a hanging pool cannot be got rid of.
template <class T>
void expect_end(const Future<T>& future) {
  if (cohort::test::eventually([&future] { return future.done(); })) return;
  std::fprintf(stderr, "a pool's task has not ended: it hangs\n");
  std::abort();
}

Task<> wait_for(Event& event) { co_await event.wait(); }

class PoolEnd : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(OfWorkers, PoolEnd, testing::Values(1, 2, 8));

TEST_P(PoolEnd, LetsQueuedWorkRun) {
  std::atomic<int> count{0};
  {
    ThreadPool pool{GetParam()};
    for (int i = 0; i < 1000; ++i) static_cast<void>(pool.submit([&count] { ++count; }));
  }
  EXPECT_EQ(count, 1000);
}

TEST_P(PoolEnd, CancelsTasksThatNeverFinishAndLetsThemCleanUp) {
  std::atomic<int> cleaned{0};
  Event never;
  std::vector<Future<void>> futures;
  {
    ThreadPool pool{GetParam()};
    const auto stuck = [](Event& e, std::atomic<int>& n) -> Task<> {
      bool stopped = false;
      try {
        co_await e.wait();
      } catch (const Cancelled&) {
        stopped = true;
      }
      co_await cohort::shield(cohort::sleep_for(1ms));
      ++n;
      if (stopped) throw Cancelled{};
    };
    for (int i = 0; i < 20; ++i) {
      futures.push_back(pool.submit(stuck, std::ref(never), std::ref(cleaned)));
    }
  }
  EXPECT_EQ(cleaned, 20);
  for (const auto& future : futures) EXPECT_TRUE(future.cancelled());
}

TEST_P(PoolEnd, CancelsAllThatIsBelowATask) {
  Event never;
  Future<void> future;
  {
    ThreadPool pool{GetParam()};
    const auto tree = [](Event& e) -> Task<> {
      const auto body = [&e](cohort::TaskGroup& group) -> Task<> {
        for (int i = 0; i < 5; ++i) group.spawn(wait_for, std::ref(e));
        co_await cohort::when_all(wait_for(e), wait_for(e));
      };
      co_await cohort::task_group(body);
    };
    future = pool.submit(tree, std::ref(never));
  }
  EXPECT_TRUE(future.cancelled());
}

TEST_P(PoolEnd, IsNotHeldUpByTasksThatTrySeveralWaits) {
  Event never;
  Future<int> future;
  {
    ThreadPool pool{GetParam()};
    const auto stubborn = [](Event& e) -> Task<int> {
      int thrown = 0;
      for (int i = 0; i < 100; ++i) {
        try {
          co_await e.wait();
        } catch (const Cancelled&) {
          ++thrown;
        }
      }
      co_return thrown;
    };
    future = pool.submit(stubborn, std::ref(never));
  }
  EXPECT_EQ(future.block(), 100);
}

TEST_P(PoolEnd, CancelsPlainFunctionsThatBlock) {
  Event never;
  Event began;
  std::vector<Future<void>> futures;
  {
    ThreadPool pool{GetParam()};
    for (int i = 0; i < 3; ++i) {
      futures.push_back(pool.submit([&] {
        began.set();
        never.wait().block();
      }));
    }
    began.wait().block();
  }
  for (const auto& future : futures) EXPECT_TRUE(future.cancelled());
}

TEST_P(PoolEnd, WaitsForAFunctionThatIsStillRunning) {
  std::atomic<bool> finished{false};
  {
    ThreadPool pool{GetParam()};
    Event began;
    static_cast<void>(pool.submit([&] {
      began.set();
      for (int i = 0; i < 1000; ++i) std::this_thread::yield();
      finished = true;
    }));
    began.wait().block();
  }
  EXPECT_TRUE(finished);
}

TEST_P(PoolEnd, RefusesWorkThatItsLastTasksSubmit) {
  std::atomic<int> refused{0};
  {
    auto pool = std::make_unique<ThreadPool>(GetParam());
    const auto offspring = [](ThreadPool& p, std::atomic<int>& n) -> Task<> {
      Event never;
      try {
        co_await never.wait();
      } catch (const Cancelled&) {
        try {
          static_cast<void>(p.submit([] {}));
        } catch (const ShutDown&) {
          ++n;
        }
      }
    };
    for (int i = 0; i < 5; ++i) {
      static_cast<void>(pool->submit(offspring, std::ref(*pool), std::ref(refused)));
    }
  }
  EXPECT_EQ(refused, 5);
}

// --------------------------------------------------------------------------- on its own worker

TEST_P(PoolEnd, InAFunctionOnItsOwnWorker) {
  auto* const pool = new ThreadPool{GetParam()};
  std::atomic<int> count{0};
  const auto destroy = [pool] { delete pool; };
  std::vector<Future<void>> pending;
  Event go;
  const auto counts = [](Event& e, std::atomic<int>& n) -> Task<> {
    co_await e.wait();
    ++n;
  };
  for (int i = 0; i < 10; ++i) {
    pending.push_back(pool->submit(counts, std::ref(go), std::ref(count)));
  }
  go.set();
  const auto future = pool->submit(destroy);
  expect_end(future);
  EXPECT_FALSE(future.cancelled());
  for (const auto& p : pending) EXPECT_TRUE(p.done());
  EXPECT_EQ(count, 10);
}

TEST_P(PoolEnd, InACoroutineOnItsOwnWorkerWhichIsThenAskedToStop) {
  auto* const pool = new ThreadPool{GetParam()};
  Event never;
  const auto destroy = [](ThreadPool* p, Event& e) -> Task<int> {
    delete p;
    int stopped = 0;
    try {
      co_await e.wait();
    } catch (const Cancelled&) {
      ++stopped;
    }
    co_return stopped;
  };
  const auto stuck = pool->submit(wait_for, std::ref(never));
  const auto future = pool->submit(destroy, pool, std::ref(never));
  expect_end(future);
  EXPECT_EQ(future.block(), 1);
  expect_end(stuck);
  EXPECT_TRUE(stuck.cancelled());
}

TEST_P(PoolEnd, InACoroutineOnItsOwnWorkerThatGoesOnWaiting) {
  auto* const pool = new ThreadPool{GetParam()};
  const auto destroy = [](ThreadPool* p) -> Task<int> {
    delete p;
    co_await cohort::shield(cohort::sleep_for(2ms));  // the worker serves it to its end
    co_return 3;
  };
  const auto future = pool->submit(destroy, pool);
  expect_end(future);
  EXPECT_EQ(future.block(), 3);
}

TEST_P(PoolEnd, InARunOnItsOwnWorker) {
  auto* const pool = new ThreadPool{GetParam()};
  const auto destroy = [](ThreadPool* p) -> Task<> {
    delete p;
    co_return;
  };
  const auto future = pool->submit([pool, destroy] { run(destroy(pool)); });
  expect_end(future);
  EXPECT_TRUE(future.cancelled());  // asked to stop while it waits in run()
}

TEST_P(PoolEnd, WithTheFunctionThatOwnsIt) {
  auto pool = std::make_shared<ThreadPool>(GetParam());
  ThreadPool& reference = *pool;
  Event go;
  const auto future = reference.submit([&go, owner = pool] { go.wait().block(); });
  pool.reset();
  go.set();
  expect_end(future);
  future.block();
}

TEST_P(PoolEnd, InADoneCallback) {
  auto* const pool = new ThreadPool{GetParam()};
  Event go;
  cohort::Promise<void> destroyed;
  const auto future = pool->submit(wait_for, std::ref(go));
  future.add_done_callback([&, pool](const Future<void>&) {
    delete pool;
    destroyed.set_value();
  });
  go.set();
  expect_end(destroyed.future());
  destroyed.future().block();
}

TEST_P(PoolEnd, OnAWorkerOfAnotherPool) {
  auto* const pool = new ThreadPool{GetParam()};
  ThreadPool other{1};
  Event never;
  const auto stuck = pool->submit(wait_for, std::ref(never));
  const auto future = other.submit([pool] { delete pool; });
  expect_end(future);
  EXPECT_TRUE(stuck.cancelled());
}

TEST_P(PoolEnd, OfTwoPoolsOneInsideTheOther) {
  auto* const outer = new ThreadPool{GetParam()};
  auto* const inner = new ThreadPool{GetParam()};
  Future<void> deletion;
  const auto destroy_both = [outer, inner] {
    delete outer;
    delete inner;
  };
  const auto wait_for_it = [&] {
    deletion = inner->submit(destroy_both);
    deletion.block();
  };
  const auto future = outer->submit(wait_for_it);
  expect_end(future);
  EXPECT_TRUE(future.cancelled());  // it was blocked when its pool was destroyed
  expect_end(deletion);
  EXPECT_FALSE(deletion.cancelled());
}

TEST_P(PoolEnd, AgainAndAgainOnItsOwnWorker) {
  for (int i = 0; i < 50; ++i) {
    auto* const pool = new ThreadPool{GetParam()};
    Event never;
    const auto stuck = pool->submit(wait_for, std::ref(never));
    const auto future = pool->submit([pool] { delete pool; });
    expect_end(future);
    expect_end(stuck);
    EXPECT_TRUE(stuck.cancelled());
  }
}

}  // namespace
