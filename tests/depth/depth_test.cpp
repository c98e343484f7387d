// SPDX-License-Identifier: BSL-1.0

// No stack growth, however many awaits complete at once and however long the chain: everything
// here runs on threads with a stack of 256 KiB, the pools' too where that can be had.

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#if !defined(_WIN32)
#include <pthread.h>
#endif

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::Cancelled;
using cohort::Event;
using cohort::EventLoop;
using cohort::Future;
using cohort::Lock;
using cohort::run;
using cohort::Semaphore;
using cohort::Task;
using cohort::TaskGroup;
using cohort::ThreadPool;

constexpr int million = 1'000'000;
constexpr int many = 100'000;
#if !defined(_WIN32)
constexpr std::size_t stack_size = 256 * 1024;
#endif

// Threads started from now on have the small stack.
void limit_later_threads() {
#if defined(__GLIBC__)
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_size);
  pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
#endif
}

// Calls `fn()` on a thread with the small stack.
template <class Fn>
void on_a_small_stack(Fn fn) {
  limit_later_threads();
#if defined(_WIN32)
  std::thread(fn).join();
#else
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, stack_size), 0);
  pthread_t thread{};
  const auto start = [](void* argument) -> void* {
    (*static_cast<Fn*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, start, &fn), 0);
  pthread_attr_destroy(&attributes);
  pthread_join(thread, nullptr);
#endif
}

// Runs the task that `make()` yields on a loop, then on pools of one and two.
template <class Make>
void everywhere(Make make) {
  on_a_small_stack([&make] {
    run(make());
    for (const int workers : {1, 2}) {
      ThreadPool pool{workers};
      run(pool, make());
    }
  });
}

Task<int> one() { co_return 1; }

TEST(Depth, AMillionReadyAwaitsInALoop) {
  const auto body = []() -> Task<> {
    Semaphore permits{1};
    Event event;
    event.set();
    for (int i = 0; i < million / 3; ++i) {
      co_await permits.acquire();
      permits.release();
      co_await event.wait();
      co_await cohort::checkpoint();
    }
  };
  on_a_small_stack([&body] { run(body()); });
}

TEST(Depth, AMillionChildrenThatCompleteAtOnce) {
  const auto body = []() -> Task<> {
    int sum = 0;
    for (int i = 0; i < million; ++i) sum += co_await one();
    EXPECT_EQ(sum, million);
  };
  on_a_small_stack([&body] { run(body()); });
}

TEST(Depth, ManyYieldsAndHops) {
  const auto body = []() -> Task<> {
    for (int i = 0; i < many; ++i) co_await cohort::yield_now();
  };
  everywhere(body);
}

Task<int> chain(int n, Event* wait_at_the_end) {
  if (n > 0) co_return 1 + co_await chain(n - 1, wait_at_the_end);
  if (wait_at_the_end) co_await wait_at_the_end->wait();
  co_return 0;
}

TEST(Depth, AChainOfManyNestedTasks) {
  const auto body = []() -> Task<> {
    const int length = co_await chain(many, nullptr);
    EXPECT_EQ(length, many);
  };
  everywhere(body);
}

TEST(Depth, AChainOfManyNestedTasksThatWaits) {
  on_a_small_stack([] {
    EventLoop loop;
    Event event;
    const auto future = loop.submit(chain, many, &event);
    loop.run_ready();
    event.set();
    EXPECT_EQ(future.block(), many);
  });
}

TEST(Depth, AChainOfManyNestedTasksThatIsCancelled) {
  on_a_small_stack([] {
    EventLoop loop;
    Event never;
    const auto future = loop.submit(chain, many, &never);
    loop.run_ready();
    future.cancel();
    EXPECT_THROW(future.block(), Cancelled);
  });
}

TEST(Depth, AnExceptionThroughManyNestedTasks) {
  struct Chain {
    static Task<int> thrower(int n) {
      if (n == 0) throw std::runtime_error("from below");
      co_return 1 + co_await thrower(n - 1);
    }
  };
  on_a_small_stack([] { EXPECT_THROW(run(Chain::thrower(many)), std::runtime_error); });
}

Task<> lock_once(Lock& lock, int& count) {
  co_await lock.acquire();
  ++count;
  lock.release();
}

TEST(Depth, ManyWaitersOnOneLock) {
  const auto body = []() -> Task<> {
    Lock lock;
    int count = 0;
    co_await lock.acquire();
    const auto waiters = [&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < many; ++i) group.spawn(lock_once, std::ref(lock), std::ref(count));
      co_await cohort::yield_now();
      lock.release();
    };
    co_await cohort::task_group(waiters);
    EXPECT_EQ(count, many);
  };
  everywhere(body);
}

TEST(Depth, ManyWaitersOnOneEventAndManyCancelled) {
  on_a_small_stack([] {
    EventLoop loop;
    Event event;
    const auto wait = [](Event& e) -> Task<> { co_await e.wait(); };
    std::vector<Future<void>> futures;
    for (int i = 0; i < many; ++i) futures.push_back(loop.submit(wait, std::ref(event)));
    loop.run_ready();
    for (int i = 0; i < many; i += 2) futures[static_cast<std::size_t>(i)].cancel();
    event.set();
    loop.run();
    int cancelled = 0;
    for (const auto& future : futures) cancelled += future.cancelled() ? 1 : 0;
    EXPECT_EQ(cancelled, many / 2);
  });
}

TEST(Depth, ManyChildrenOfOneGroup) {
  const auto body = []() -> Task<> {
    std::atomic<int> count{0};
    const auto spawn_all = [&count](TaskGroup& group) -> Task<> {
      for (int i = 0; i < many; ++i) group.spawn([&count] { ++count; });
      co_return;
    };
    co_await cohort::task_group(spawn_all);
    EXPECT_EQ(count, many);
  };
  everywhere(body);
}

TEST(Depth, ManySuspendedChildrenOfOneGroupCancelledTogether) {
  const auto body = []() -> Task<> {
    Event never;
    const auto wait = [](Event& e) -> Task<> { co_await e.wait(); };
    const auto spawn_all = [&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < many; ++i) group.spawn(wait, std::ref(never));
      co_await cohort::yield_now();
      group.cancel();
    };
    co_await cohort::task_group(spawn_all);
  };
  everywhere(body);
}

TEST(Depth, ManyLegsOfOneWhenAll) {
  const auto body = []() -> Task<> {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < many; ++i) tasks.push_back(one());
    const auto results = co_await cohort::when_all(std::move(tasks));
    EXPECT_EQ(results.size(), static_cast<std::size_t>(many));
  };
  everywhere(body);
}

}  // namespace
