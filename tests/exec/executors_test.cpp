// SPDX-License-Identifier: BSL-1.0

// What every Executor must do, and every Scheduler: one suite each, run for all of them.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/executors.hpp"
#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using namespace cohort::test::executors;
using cohort::Event;
using cohort::EventLoop;
using cohort::Fcfs;
using cohort::Future;
using cohort::InlineExecutor;
using cohort::MultilevelFeedback;
using cohort::PolicyExecutor;
using cohort::RoundRobin;
using cohort::ShutDown;
using cohort::Strand;
using cohort::Task;
using cohort::ThreadPool;
using cohort::UsageError;

static_assert(cohort::Scheduler<ThreadPool> && cohort::Scheduler<EventLoop>);
static_assert(cohort::Scheduler<Strand>);
static_assert(cohort::Executor<InlineExecutor> && !cohort::Scheduler<InlineExecutor>);
static_assert(!cohort::Executor<int> && !cohort::Executor<std::vector<int>>);
static_assert(!std::is_copy_constructible_v<ThreadPool> && !std::is_copy_constructible_v<Strand>);
static_assert(!std::is_copy_constructible_v<EventLoop>);

template <class Host>
class AnyExecutor : public testing::Test {};
using Executors =
    testing::Types<Pool<1>, Pool<2>, Pool<8>, Loop, Inline, StrandOnPool, StrandOnLoop, Fcfs1,
                   RoundRobin2, Feedback8, Priority2, Shortest1, PolicyOnLoop, StrandOnPolicy>;
TYPED_TEST_SUITE(AnyExecutor, Executors);

template <class Host>
class AnyScheduler : public testing::Test {};
using Schedulers =
    testing::Types<Pool<1>, Pool<2>, Pool<8>, Loop, StrandOnPool, StrandOnLoop, Fcfs1, RoundRobin2,
                   Feedback8, Priority2, Shortest1, PolicyOnLoop, StrandOnPolicy>;
TYPED_TEST_SUITE(AnyScheduler, Schedulers);

int add(int a, int b) { return a + b; }
Task<int> add_later(int a, int b) {
  co_await cohort::yield_now();
  co_return a + b;
}
struct Object {
  int x;
  int plus(int y) const { return x + y; }
};
template <class Fn>
std::string text_of_usage_error(Fn fn) {
  try {
    fn();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no UsageError";
}

TYPED_TEST(AnyExecutor, SaysHowManyRunAtTheSameTime) {
  TypeParam host;
  EXPECT_EQ(host.executor.concurrency(), TypeParam::concurrency);
}

// C239
TYPED_TEST(AnyExecutor, RunsFunctionsAndCoroutineFunctionsAlike) {
  TypeParam host;
  EXPECT_EQ(host.executor.submit(add, 1, 2).block(), 3);
  EXPECT_EQ(host.executor.submit(add_later, 3, 4).block(), 7);
  EXPECT_EQ(host.executor.submit(&Object::plus, Object{5}, 6).block(), 11);
  const std::function<int()> function = [] { return 9; };
  EXPECT_EQ(host.executor.submit(function).block(), 9);
}

TYPED_TEST(AnyExecutor, WakesASleeperAfterItsTime) {
  TypeParam host;
  const auto sleep = []() -> Task<std::chrono::nanoseconds> {
    const auto start = cohort::now();
    co_await cohort::sleep_for(1ms);  // of real time: what is tested
    co_return cohort::now() - start;
  };
  EXPECT_GE(host.executor.submit(sleep).block(), 1ms);
}

TYPED_TEST(AnyExecutor, YieldsVoidReferencesAndMoveOnlyValues) {
  TypeParam host;
  int object = 1;
  host.executor.submit([&object] { object = 2; }).block();
  EXPECT_EQ(object, 2);
  const auto refer = [](int& x) -> int& { return x; };
  EXPECT_EQ(&host.executor.submit(refer, std::ref(object)).block(), &object);
  const auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(4); };
  EXPECT_EQ(*host.executor.submit(make).block(), 4);
}

TYPED_TEST(AnyExecutor, PassesStoredCopiesOfTheArgumentsAsRvalues) {
  TypeParam host;
  auto pointer = std::make_unique<int>(5);
  const auto take = [](std::unique_ptr<int> p) { return *p; };
  const auto take_later = [](std::unique_ptr<int>&& p) -> Task<int> { co_return *p; };
  EXPECT_EQ(host.executor.submit(take, std::make_unique<int>(4)).block(), 4);
  EXPECT_EQ(host.executor.submit(take_later, std::move(pointer)).block(), 5);
  std::string text = "before";
  const auto read = [](const std::string& s) -> Task<std::string> { co_return s; };
  const Future<std::string> future = host.executor.submit(read, text);
  text = "after";
  EXPECT_EQ(future.block(), "before");
}

TYPED_TEST(AnyExecutor, StoresACapturingCoroutine) {
  TypeParam host;
  Future<std::size_t> future;
  {
    const std::string captured(100, 'x');
    future = host.executor.submit([captured]() -> Task<std::size_t> {
      co_await cohort::yield_now();
      co_return captured.size();
    });
  }
  EXPECT_EQ(future.block(), 100U);
}

// The callable and its arguments are gone when a done callback runs.
template <class Host, class Fn, class... Args>
bool frees(Host& host, std::shared_ptr<int> canary, Fn fn, Args... args) {
  const std::weak_ptr<int> watch = canary;
  canary.reset();
  std::atomic<bool> freed{false};
  const auto future = host.executor.submit(std::move(fn), std::move(args)...);
  cohort::Promise<void> called;
  const auto told = called.future();
  future.add_done_callback([&](const auto&) {
    freed = watch.expired();
    called.set_value();
  });
  future.block();
  told.block();
  return freed;
}

// C203
TYPED_TEST(AnyExecutor, FreesTheCallableAndItsArgumentsBeforeTheFutureIsDone) {
  TypeParam host;
  auto a = std::make_shared<int>(1);
  auto plain = [a] { return *a; };
  EXPECT_TRUE(frees(host, std::exchange(a, nullptr), std::move(plain)));
  auto b = std::make_shared<int>(2);
  auto coroutine = [b]() -> Task<int> { co_return *b; };
  EXPECT_TRUE(frees(host, std::exchange(b, nullptr), std::move(coroutine)));
  auto c = std::make_shared<int>(3);
  auto copy = c;
  const auto by_value = [](std::shared_ptr<int> p) -> Task<int> { co_return *p; };
  EXPECT_TRUE(frees(host, std::exchange(c, nullptr), by_value, std::move(copy)));
  auto d = std::make_shared<int>(4);
  auto other = d;
  const auto by_reference = [](const std::shared_ptr<int>& p) -> Task<int> {
    co_await cohort::yield_now();
    co_return *p;
  };
  EXPECT_TRUE(frees(host, std::exchange(d, nullptr), by_reference, std::move(other)));
}

// C207 C239
TYPED_TEST(AnyExecutor, PutsAnExceptionIntoTheFutureWithItsText) {
  TypeParam host;
  const auto fail = []() -> int { throw std::range_error("plain"); };
  const auto fail_later = []() -> Task<int> {
    co_await cohort::yield_now();
    throw std::range_error("coroutine");
  };
  const Future<int> plain = host.executor.submit(fail);
  const Future<int> coroutine = host.executor.submit(fail_later);
  const auto text = [](const Future<int>& future) -> std::string {
    try {
      future.block();
    } catch (const std::range_error& error) {
      return error.what();
    }
    return "no range_error";
  };
  EXPECT_EQ(text(plain), "plain");
  EXPECT_EQ(text(coroutine), "coroutine");
  EXPECT_EQ(host.executor.submit(add, 1, 1).block(), 2);
}

TYPED_TEST(AnyExecutor, RunsEverySubmission) {
  TypeParam host;
  std::atomic<int> sum{0};
  std::vector<Future<void>> futures;
  for (int i = 1; i <= 500; ++i) {
    futures.push_back(host.executor.submit([&sum, i] { sum += i; }));
  }
  for (const auto& future : futures) future.block();
  EXPECT_EQ(sum, 500 * 501 / 2);
}

// C197
TYPED_TEST(AnyExecutor, RunsWhatIsQueuedBeforeItEnds) {
  std::atomic<int> count{0};
  std::vector<Future<int>> futures;
  {
    TypeParam host;
    const auto note = [](std::atomic<int>& n) -> Task<int> {
      co_await cohort::yield_now();
      co_return ++n;
    };
    for (int i = 0; i < 100; ++i) futures.push_back(host.executor.submit(note, std::ref(count)));
  }
  EXPECT_EQ(count, 100);
  for (const auto& future : futures) EXPECT_TRUE(future.done());
  EXPECT_GT(futures[0].block(), 0);
}

// C244
TYPED_TEST(AnyExecutor, TakesNothingAfterShutdownWhichEndsWithTheLastTask) {
  TypeParam host;
  const Future<int> future = host.executor.submit(add_later, 1, 2);
  auto ended = host.executor.shutdown();
  EXPECT_THROW(static_cast<void>(host.executor.submit(add, 1, 2)), ShutDown);
  EXPECT_EQ(future.block(), 3);
  EXPECT_TRUE(std::move(ended).within(1min).block());
  EXPECT_THROW(static_cast<void>(host.executor.submit(add_later, 1, 2)), ShutDown);
  host.executor.shutdown().block();
}

TYPED_TEST(AnyExecutor, ShutdownReturnsAtOnceIfNobodyWaitsForIt) {  // C245
  Future<int> future;
  {
    TypeParam host;
    future = host.executor.submit(add, 1, 2);
    static_cast<void>(host.executor.shutdown());
    EXPECT_THROW(static_cast<void>(host.executor.submit(add, 1, 2)), ShutDown);
  }
  EXPECT_EQ(future.block(), 3);
}

TYPED_TEST(AnyExecutor, ShutdownEndsAlthoughEverythingWasCancelled) {  // C246
  for (int round = 0; round < 50; ++round) {
    TypeParam host;
    std::vector<Future<int>> futures;
    for (int i = 0; i < 3; ++i) {
      futures.push_back(host.executor.submit(add, 1, 2));
      futures.push_back(host.executor.submit(add_later, 1, 2));
      futures.back().cancel();
    }
    for (const auto& future : futures) future.cancel();
    host.executor.shutdown().block();
    for (const auto& future : futures) EXPECT_TRUE(future.done());
  }
}

TYPED_TEST(AnyScheduler, ATaskMayAwaitAnotherOfItsExecutor) {  // C253
  TypeParam host;
  const auto outer = [](TypeParam& h) -> Task<int> {
    const int a = co_await h.executor.submit(add, 1, 2);
    const int b = co_await h.executor.submit(add_later, a, 4);
    co_return b;
  };
  EXPECT_EQ(host.executor.submit(outer, std::ref(host)).block(), 7);
}

TYPED_TEST(AnyScheduler, BlockInACoroutineIsAUsageErrorThatSaysWhatToWrite) {
  TypeParam host;
  const auto misuse = []() -> Task<std::string> {
    Event event;
    event.set();
    co_await cohort::yield_now();
    co_return text_of_usage_error([&] { event.wait().block(); });
  };
  EXPECT_NE(host.executor.submit(misuse).block().find("co_await"), std::string::npos);
  const auto misuse_future = [](TypeParam& h) -> Task<std::string> {
    const Future<int> future = h.executor.submit(add, 1, 2);
    const std::string text = text_of_usage_error([&] { future.block(); });
    co_await future;
    co_return text;
  };
  EXPECT_NE(host.executor.submit(misuse_future, std::ref(host)).block().find("co_await"),
            std::string::npos);
}

// Not of strands: they run one at a time, also then.
template <class Host>
class AnyPoolOrLoop : public testing::Test {};
using PoolsAndLoops = testing::Types<Pool<1>, Pool<2>, Pool<8>, Loop, Inline, Fcfs1, RoundRobin2,
                                     Feedback8, Priority2, Shortest1, PolicyOnLoop>;
TYPED_TEST_SUITE(AnyPoolOrLoop, PoolsAndLoops);

TYPED_TEST(AnyPoolOrLoop, LetsAPlainFunctionBlockForAnotherTaskOfItsOwn) {  // C253
  TypeParam host;
  const auto outer = [&host] {
    const auto middle = [&host] { return host.executor.submit(add_later, 3, 4).block(); };
    return host.executor.submit(middle).block();
  };
  for (int i = 0; i < 50; ++i) EXPECT_EQ(host.executor.submit(outer).block(), 7);
}

TYPED_TEST(AnyScheduler, ResumesATaskWhereItWasSuspended) {
  TypeParam host;
  const auto wait = [](Event& event) -> Task<bool> {
    cohort::detail::Home* const before = cohort::detail::current_context()->home;
    co_await event.wait();
    co_return before == cohort::detail::current_context()->home;
  };
  Event event;
  const auto future = host.executor.submit(wait, std::ref(event));
  std::thread setter([&event] { event.set(); });
  EXPECT_TRUE(future.block());
  setter.join();
}

// C009
TYPED_TEST(AnyScheduler, HoldsAThousandWaitersWithoutAThreadForEach) {
  TypeParam host;
  Event event;
  std::atomic<int> waiting{0};
  const auto wait = [](Event& e, std::atomic<int>& n) -> Task<int> {
    ++n;
    co_await e.wait();
    co_return 1;
  };
  const auto set = [](Event& e, std::atomic<int>& n) -> Task<> {
    while (n < 1000) co_await cohort::yield_now();
    e.set();
  };
  std::vector<Future<int>> futures;
  for (int i = 0; i < 1000; ++i) {
    futures.push_back(host.executor.submit(wait, std::ref(event), std::ref(waiting)));
  }
  const auto setter = host.executor.submit(set, std::ref(event), std::ref(waiting));
  int sum = 0;
  for (const auto& future : futures) sum += future.block();
  EXPECT_EQ(sum, 1000);
  setter.block();
}

// C197
TYPED_TEST(AnyScheduler, CancelsWhatIsStillSuspendedAtItsEnd) {
  std::vector<Future<void>> futures;
  Event never;
  {
    TypeParam host;
    const auto wait = [](Event& e) -> Task<> { co_await e.wait(); };
    const auto sleep = []() -> Task<> { co_await cohort::sleep_for(1h); };
    for (int i = 0; i < 10; ++i) {
      futures.push_back(host.executor.submit(wait, std::ref(never)));
      futures.push_back(host.executor.submit(sleep));
    }
  }
  for (const auto& future : futures) EXPECT_TRUE(future.cancelled());
}

TYPED_TEST(AnyScheduler, RunsTasksThatYieldManyTimes) {
  TypeParam host;
  const auto yielding = [](int n) -> Task<int> {
    for (int i = 0; i < n; ++i) co_await cohort::yield_now();
    co_return n;
  };
  for (int round = 0; round < 5; ++round) {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 64; ++i) futures.push_back(host.executor.submit(yielding, 20));
    for (const auto& future : futures) EXPECT_EQ(future.block(), 20);
  }
}

TYPED_TEST(AnyScheduler, TakesTasksByRunAndSpawn) {
  TypeParam host;
  EXPECT_EQ(cohort::run(host.executor, add_later(1, 2)), 3);
  EXPECT_EQ(spawn(host.executor, add_later, 2, 3).block(), 5);
  EXPECT_EQ(spawn(host.executor, add_later(3, 4)).block(), 7);
}

// A coroutine of somebody else's, resumed by hand.
struct Foreign {
  struct promise_type {
    Foreign get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<> handle;
};
Foreign note(Event* event) {
  event->set();
  co_return;
}

TYPED_TEST(AnyScheduler, ResumesAForeignCoroutine) {
  TypeParam host;
  Event resumed;
  host.executor.post(note(&resumed).handle);
  const auto wait = [](Event& e) -> Task<> { co_await e.wait(); };
  cohort::run(host.executor, wait(resumed));
}

}  // namespace
