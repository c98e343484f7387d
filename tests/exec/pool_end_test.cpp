// SPDX-License-Identifier: BSL-1.0

// The end of a pool with threads of its own: with work queued, suspended, blocked; on its own worker. It lets queued
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
using cohort::PolicyExecutor;
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

template <class P, int N>
struct Kind {
  using Pool = P;
  static constexpr int threads = N;
};
template <class Kind>
class PoolEnd : public testing::Test {
  // A PolicyExecutor that ended on its own worker leaves it a moment after its task.
  void TearDown() override {
    EXPECT_TRUE(cohort::test::eventually([] { return cohort::live_frames() == 0; }));
  }
};
using Kinds = testing::Types<Kind<ThreadPool, 1>, Kind<ThreadPool, 2>, Kind<ThreadPool, 8>,
                             Kind<PolicyExecutor<cohort::Fcfs>, 1>,
                             Kind<PolicyExecutor<cohort::RoundRobin>, 2>,
                             Kind<PolicyExecutor<cohort::MultilevelFeedback>, 8>>;
TYPED_TEST_SUITE(PoolEnd, Kinds);

TYPED_TEST(PoolEnd, LetsQueuedWorkRun) {
  using Pool = typename TypeParam::Pool;
  std::atomic<int> count{0};
  {
    Pool pool{TypeParam::threads};
    for (int i = 0; i < 1000; ++i) static_cast<void>(pool.submit([&count] { ++count; }));
  }
  EXPECT_EQ(count, 1000);
}

TYPED_TEST(PoolEnd, CancelsTasksThatNeverFinishAndLetsThemCleanUp) {
  using Pool = typename TypeParam::Pool;
  std::atomic<int> cleaning{0};
  std::atomic<int> cleaned{0};
  Event never;
  Event go;
  std::vector<Future<void>> futures;
  std::thread lets_go([&] {
    EXPECT_TRUE(cohort::test::eventually([&] { return cleaning == 20; }));
    go.set();
  });
  {
    Pool pool{TypeParam::threads};
    const auto stuck = [&]() -> Task<> {
      bool stopped = false;
      try {
        co_await never.wait();
      } catch (const Cancelled&) {
        stopped = true;
      }
      co_await cohort::shield(cohort::test::watched(go.wait(), cleaning));
      ++cleaned;
      if (stopped) throw Cancelled{};
    };
    for (int i = 0; i < 20; ++i) futures.push_back(pool.submit(stuck));
  }
  lets_go.join();
  EXPECT_EQ(cleaned, 20);
  for (const auto& future : futures) EXPECT_TRUE(future.cancelled());
}

TYPED_TEST(PoolEnd, CancelsAllThatIsBelowATask) {
  using Pool = typename TypeParam::Pool;
  Event never;
  Future<void> future;
  {
    Pool pool{TypeParam::threads};
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

TYPED_TEST(PoolEnd, IsNotHeldUpByTasksThatTrySeveralWaits) {
  using Pool = typename TypeParam::Pool;
  Event never;
  Future<int> future;
  {
    Pool pool{TypeParam::threads};
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

TYPED_TEST(PoolEnd, CancelsPlainFunctionsThatBlock) {
  using Pool = typename TypeParam::Pool;
  Event never;
  Event began;
  std::vector<Future<void>> futures;
  {
    Pool pool{TypeParam::threads};
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

TYPED_TEST(PoolEnd, WaitsForAFunctionThatIsStillRunning) {
  using Pool = typename TypeParam::Pool;
  std::atomic<bool> finished{false};
  {
    Pool pool{TypeParam::threads};
    Event began;
    static_cast<void>(pool.submit([&] {
      began.set();
      cohort::test::give_way();
      finished = true;
    }));
    began.wait().block();
  }
  EXPECT_TRUE(finished);
}

// Whoever resumes the last task may still be on its way out when the pool is gone.
TYPED_TEST(PoolEnd, WhileAnotherThreadResumesItsLastTask) {
  using Pool = typename TypeParam::Pool;
  for (int i = 0; i < 100; ++i) {
    Event go;
    std::thread setter;
    {
      Pool pool{TypeParam::threads};
      const auto future = pool.submit(wait_for, std::ref(go));
      cohort::Strand strand{pool};
      const auto on_strand = strand.submit(wait_for, std::ref(go));
      setter = std::thread([&go] { go.set(); });
      for (std::atomic<int> k{0}; k < i % 50 * 20; ++k) {}
      future.block();
      on_strand.block();
    }
    setter.join();
  }
}

TYPED_TEST(PoolEnd, RefusesWorkThatItsLastTasksSubmit) {
  using Pool = typename TypeParam::Pool;
  std::atomic<int> refused{0};
  {
    auto pool = std::make_unique<Pool>(TypeParam::threads);
    const auto offspring = [](Pool& p, std::atomic<int>& n) -> Task<> {
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

TYPED_TEST(PoolEnd, InAFunctionOnItsOwnWorker) {
  using Pool = typename TypeParam::Pool;
  auto* const pool = new Pool{TypeParam::threads};
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

TYPED_TEST(PoolEnd, InACoroutineOnItsOwnWorkerWhichIsThenAskedToStop) {
  using Pool = typename TypeParam::Pool;
  auto* const pool = new Pool{TypeParam::threads};
  Event never;
  const auto destroy = [](Pool* p, Event& e) -> Task<int> {
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

TYPED_TEST(PoolEnd, InACoroutineOnItsOwnWorkerThatGoesOnWaiting) {
  using Pool = typename TypeParam::Pool;
  auto* const pool = new Pool{TypeParam::threads};
  Event go;
  std::atomic<int> in_line{0};
  const auto destroy = [&](Pool* p) -> Task<int> {
    delete p;
    // The worker serves it to its end: somebody else's set(), and a timer, which is of real time.
    co_await cohort::shield(cohort::test::watched(go.wait(), in_line));
    co_await cohort::shield(cohort::sleep_for(1us));
    co_return 3;
  };
  const auto future = pool->submit(destroy, pool);
  EXPECT_TRUE(cohort::test::eventually([&] { return in_line == 1; }));
  go.set();
  expect_end(future);
  EXPECT_EQ(future.block(), 3);
}

TYPED_TEST(PoolEnd, InARunOnItsOwnWorker) {
  using Pool = typename TypeParam::Pool;
  auto* const pool = new Pool{TypeParam::threads};
  const auto destroy = [](Pool* p) -> Task<> {
    delete p;
    co_return;
  };
  const auto future = pool->submit([pool, destroy] { run(destroy(pool)); });
  expect_end(future);
  EXPECT_TRUE(future.cancelled());  // asked to stop while it waits in run()
}

TYPED_TEST(PoolEnd, WithTheFunctionThatOwnsIt) {
  using Pool = typename TypeParam::Pool;
  auto pool = std::make_shared<Pool>(TypeParam::threads);
  Pool& reference = *pool;
  Event go;
  const auto future = reference.submit([&go, owner = pool] { go.wait().block(); });
  pool.reset();
  go.set();
  expect_end(future);
  future.block();
}

TYPED_TEST(PoolEnd, InADoneCallback) {
  using Pool = typename TypeParam::Pool;
  auto* const pool = new Pool{TypeParam::threads};
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

TYPED_TEST(PoolEnd, OnAWorkerOfAnotherPool) {
  using Pool = typename TypeParam::Pool;
  auto* const pool = new Pool{TypeParam::threads};
  ThreadPool other{1};
  Event never;
  const auto stuck = pool->submit(wait_for, std::ref(never));
  const auto future = other.submit([pool] { delete pool; });
  expect_end(future);
  EXPECT_TRUE(stuck.cancelled());
}

TYPED_TEST(PoolEnd, OfTwoPoolsOneInsideTheOther) {
  using Pool = typename TypeParam::Pool;
  auto* const outer = new Pool{TypeParam::threads};
  auto* const inner = new Pool{TypeParam::threads};
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

TYPED_TEST(PoolEnd, AgainAndAgainOnItsOwnWorker) {
  using Pool = typename TypeParam::Pool;
  for (int i = 0; i < 50; ++i) {
    auto* const pool = new Pool{TypeParam::threads};
    Event never;
    const auto stuck = pool->submit(wait_for, std::ref(never));
    const auto future = pool->submit([pool] { delete pool; });
    expect_end(future);
    expect_end(stuck);
    EXPECT_TRUE(stuck.cancelled());
  }
}

}  // namespace
