// SPDX-License-Identifier: BSL-1.0

// ThreadPool: its arguments, its threads, and what happens when functions block them.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::blocking_region;
using cohort::Event;
using cohort::Future;
using cohort::run;
using cohort::ShutDown;
using cohort::Task;
using cohort::ThreadPool;
using cohort::ThreadPoolOptions;
using cohort::test::eventually;

// C180 C251
TEST(ThreadPool, ChecksTheNumberOfWorkers) {
  EXPECT_THROW(ThreadPool{0}, std::invalid_argument);
  EXPECT_THROW(ThreadPool{-1}, std::invalid_argument);
  EXPECT_THROW(ThreadPool{std::numeric_limits<long long>::min()}, std::invalid_argument);
  EXPECT_THROW(ThreadPool{std::numeric_limits<unsigned long long>::max()}, std::invalid_argument);
  EXPECT_THROW(ThreadPool{5000}, std::invalid_argument);
  EXPECT_EQ(ThreadPool{short{3}}.concurrency(), 3U);
  EXPECT_EQ(ThreadPool{2ULL}.concurrency(), 2U);
}

TEST(ThreadPool, HasAsManyWorkersAsThereAreUsableCpusByDefault) {
  EXPECT_EQ(ThreadPool{}.concurrency(), cohort::os::cpu_count());
}

TEST(ThreadPool, MayBeDestroyedUnused) {
  for (int i = 0; i < 20; ++i) ThreadPool{2};
}

TEST(ThreadPool, RunsAsManyFunctionsAtOnceAsItHasWorkers) {
  ThreadPool pool{3};
  std::atomic<int> inside{0};
  std::vector<Future<bool>> futures;
  for (int i = 0; i < 3; ++i) {
    futures.push_back(pool.submit([&inside] {
      ++inside;
      return eventually([&inside] { return inside == 3; });
    }));
  }
  for (const auto& future : futures) EXPECT_TRUE(future.block());
}

TEST(ThreadPool, RunsNoMoreFunctionsAtOnceThanItHasWorkers) {
  ThreadPool pool{2};
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::vector<Future<void>> futures;
  for (int i = 0; i < 100; ++i) {
    futures.push_back(pool.submit([&] {
      const int n = ++inside;
      for (int seen = most; seen < n && !most.compare_exchange_weak(seen, n);) {}
      for (int k = 0; k < 20; ++k) std::this_thread::yield();
      --inside;
    }));
  }
  for (const auto& future : futures) future.block();
  EXPECT_LE(most, 2);
}

TEST(ThreadPool, ReusesItsWorkers) {  // C251
  ThreadPool pool{2};
  std::set<std::thread::id> threads;
  for (int i = 0; i < 100; ++i) threads.insert(pool.submit(std::this_thread::get_id).block());
  EXPECT_LE(threads.size(), 2U);
}

TEST(ThreadPool, HasABusyWorkersTasksRunByAnother) {
  ThreadPool pool{2};
  const auto hog = [](ThreadPool& p) -> Task<bool> {
    std::atomic<int> done{0};
    std::vector<Future<void>> futures;
    for (int i = 0; i < 20; ++i) futures.push_back(p.submit([&done] { ++done; }));
    const bool all = eventually([&done] { return done == 20; });  // without leaving the thread
    for (const auto& future : futures) co_await future;
    co_return all;
  };
  EXPECT_TRUE(run(pool, hog(pool)));
}

TEST(ThreadPool, WakesATaskOnOneOfItsOwnThreads) {
  ThreadPool pool{1};
  const auto wait = [](Event& e) -> Task<std::thread::id> {
    co_await e.wait();
    co_return which_thread();
  };
  const auto worker = pool.submit(which_thread).block();
  Event event;
  const auto future = pool.submit(wait, std::ref(event));
  event.set();
  EXPECT_EQ(future.block(), worker);
}

TEST(ThreadPool, KeepsDeadlinesWhileItIsBusy) {
  ThreadPool pool{2};
  std::atomic<bool> slept{false};
  const auto sleep = [](std::atomic<bool>& flag) -> Task<> {
    co_await cohort::sleep_for(1ms);  // of real time: what is tested
    flag = true;
  };
  const auto busy = [](const std::atomic<bool>& flag) -> Task<bool> {
    const auto deadline = std::chrono::steady_clock::now() + 1min;
    while (!flag && std::chrono::steady_clock::now() < deadline) co_await cohort::yield_now();
    co_return flag;
  };
  const auto one = pool.submit(busy, std::ref(slept));
  const auto two = pool.submit(busy, std::ref(slept));
  const auto sleeper = pool.submit(sleep, std::ref(slept));
  EXPECT_TRUE(one.block());
  EXPECT_TRUE(two.block());
  sleeper.block();
}

int depth_of(ThreadPool& pool, int n) {
  return n == 0 ? 0 : 1 + pool.submit(depth_of, std::ref(pool), n - 1).block();
}
// C253
TEST(ThreadPool, OfOneWorkerFinishesFunctionsThatBlockForEachOther) {
  ThreadPool pool{1};
  EXPECT_EQ(pool.submit(depth_of, std::ref(pool), 20).block(), 20);
}

// C246
TEST(ThreadPool, ShutsDownAfterItsWorkWasCancelledAtOnce) {
  for (int round = 0; round < 100; ++round) {
    ThreadPool pool{2};
    const auto function = pool.submit([] { return 1; });
    const auto task = pool.submit([]() -> cohort::Task<> { co_await cohort::yield_now(); });
    function.cancel();
    task.cancel();
    pool.shutdown().block();
    EXPECT_TRUE(function.done());
    EXPECT_TRUE(task.done());
  }
}

TEST(ThreadPool, MakesUpForManyBlockedFunctions) {
  ThreadPool pool{1};
  Event event;
  std::vector<Future<void>> futures;
  for (int i = 0; i < 30; ++i) futures.push_back(pool.submit([&event] { event.wait().block(); }));
  const auto setter = pool.submit([&event] { event.set(); });
  EXPECT_TRUE(setter.within(1min).block());
  for (const auto& future : futures) future.block();
}

TEST(ThreadPool, WithoutSparesWaitsForTheBlockedFunction) {
  ThreadPoolOptions options;
  options.workers = 1;
  options.spare_limit = 0;
  ThreadPool pool{options};
  Event began;
  Event go;
  const auto blocked = pool.submit([&] {
    began.set();
    go.wait().block();
  });
  began.wait().block();
  const auto next = pool.submit([] { return 1; });
  EXPECT_EQ(next.within(1ms).block(), std::nullopt);
  go.set();
  EXPECT_EQ(next.block(), 1);
  blocked.block();
}

// A spare thread that was idle for a second ends. What is submitted then, or at that very moment,
// runs all the same. That second is real, and nobody sees it end.
TEST(ThreadPool, RunsWhatIsSubmittedWhenASpareThreadRetires) {
  constexpr int pools = 24;
  std::atomic<int> ran{0};
  std::vector<std::thread> threads;
  for (int k = 0; k < pools; ++k) {
    threads.emplace_back([&ran, k] {
      ThreadPool pool{1};
      Event never;
      Event go;
      const bool stays = k % 2 == 0;  // the first worker stays blocked, or not
      const auto function = pool.submit([&] {
        static_cast<void>(never.wait().within(1ms).block());
        if (stays) go.wait().block();
      });
      if (!stays) function.block();
      cohort::sleep_for(995ms + k * 500us).block();
      int count = 0;
      for (int i = 0; i < 20; ++i) {
        const auto future = pool.submit([] { return 1; });
        if (future.within(1min).block()) ++count;
      }
      if (count == 20) ++ran;
      go.set();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ran, pools);
}

TEST(BlockingRegion, LetsAnotherThreadRunThePoolMeanwhile) {
  ThreadPool pool{1};
  std::atomic<bool> flag{false};
  const auto foreign = [&flag] {
    const auto region = blocking_region();
    return eventually([&flag] { return flag.load(); });
  };
  const auto future = pool.submit(foreign);
  pool.submit([&flag] { flag = true; }).block();
  EXPECT_TRUE(future.block());
}

TEST(BlockingRegion, YieldsWhatItsFunctionReturns) {
  ThreadPool pool{1};
  std::atomic<bool> flag{false};
  const auto foreign = [&flag] {
    return blocking_region([&flag] { return eventually([&flag] { return flag.load(); }) ? 7 : 0; });
  };
  const auto future = pool.submit(foreign);
  pool.submit([&flag] { flag = true; }).block();
  EXPECT_EQ(future.block(), 7);
  EXPECT_EQ(blocking_region([] { return 8; }), 8);  // outside a pool it does nothing
  int x = 0;
  int& same = blocking_region([&x]() -> int& { return x; });
  EXPECT_EQ(&same, &x);
}

TEST(BlockingRegion, IsAlsoForCoroutines) {
  ThreadPool pool{1};
  std::atomic<bool> flag{false};
  const auto foreign = [](std::atomic<bool>& f) -> Task<bool> {
    bool seen = false;
    {
      const auto region = blocking_region();
      seen = eventually([&f] { return f.load(); });
    }
    co_await cohort::yield_now();
    co_return seen;
  };
  const auto future = pool.submit(foreign, std::ref(flag));
  pool.submit([&flag] { flag = true; }).block();
  EXPECT_TRUE(future.block());
}

TEST(ThreadPool, ServesSeveralThreadsThatSubmit) {
  ThreadPool pool{2};
  std::atomic<int> count{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      std::vector<Future<void>> futures;
      for (int i = 0; i < 500; ++i) futures.push_back(pool.submit([&count] { ++count; }));
      for (const auto& future : futures) future.block();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count, 2000);
}

TEST(ThreadPool, PassesATaskToAndFroWithAnother) {
  ThreadPool one{1};
  ThreadPool two{1};
  const auto hop = [](ThreadPool& a, ThreadPool& b) -> Task<int> {
    std::set<std::thread::id> ids;
    for (int i = 0; i < 200; ++i) {
      co_await a.schedule();
      ids.insert(which_thread());
      co_await b.schedule();
      ids.insert(which_thread());
    }
    co_return static_cast<int>(ids.size());
  };
  EXPECT_EQ(run(hop(one, two)), 2);
}

TEST(ThreadPool, RefusesSubmissionsFromItsOwnTasksAfterShutdown) {
  ThreadPool pool{1};
  Event go;
  const auto late = [](ThreadPool& p, Event& e) -> Task<bool> {
    co_await e.wait();
    try {
      static_cast<void>(p.submit([] {}));
    } catch (const ShutDown&) {
      co_return true;
    }
    co_return false;
  };
  const auto future = pool.submit(late, std::ref(pool), std::ref(go));
  auto ended = pool.shutdown();
  go.set();
  EXPECT_TRUE(future.block());
  std::move(ended).block();
}

}  // namespace
