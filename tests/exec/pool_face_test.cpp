// SPDX-License-Identifier: BSL-1.0

// The face of Python's Pool: one suite, run for every executor.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/executors.hpp"
#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using namespace cohort::test::executors;
using cohort::Event;
using cohort::EventLoop;
using cohort::Future;
using cohort::InlineExecutor;
using cohort::PolicyExecutor;
using cohort::Strand;
using cohort::Task;
using cohort::ThreadPool;
using cohort::UsageError;

}  // namespace

namespace cohort::test {
using namespace executors;
using PoolHosts =
    testing::Types<Pool<1>, Pool<3>, Loop, Inline, StrandOnPool, Fcfs1, RoundRobin2, PolicyOnLoop>;
}  // namespace cohort::test

#include "contract/pool_contract.hpp"  // what every pool does

namespace {

using namespace cohort::test;

template <class Host>
class PoolFace : public testing::Test {};
TYPED_TEST_SUITE(PoolFace, PoolHosts);

/// Those that are run by whoever blocks on one of their futures.
template <class Host>
inline constexpr bool needs_driver =
    std::is_same_v<Host, Loop> || std::is_same_v<Host, PolicyOnLoop>;

TYPED_TEST(PoolFace, MapTakesElementsByReferenceAndResultsOfAnyKind) {
  TypeParam host;
  std::vector<std::unique_ptr<int>> owners;
  for (int i = 0; i < 3; ++i) owners.push_back(std::make_unique<int>(i));
  host.executor.map([](std::unique_ptr<int>& p) { *p += 10; }, owners).block();
  EXPECT_EQ(*owners[2], 12);
  const std::vector<bool> flags{true, false};
  const auto inverted = host.executor.map([](bool b) { return !b; }, flags).block();
  EXPECT_EQ(inverted, (std::vector<bool>{false, true}));
  const auto made =
      host.executor.map([](int x) { return std::make_unique<int>(x); }, numbers(3)).block();
  EXPECT_EQ(*made[1], 1);
}

TYPED_TEST(PoolFace, TerminateStopsWhatRunsAndDropsWhatIsQueued) {  // C196
  TypeParam host;
  if constexpr (cohort::Scheduler<decltype(host.executor)>) {
    Event never;
    const auto wait = [&] { return never.wait().block(); };
    std::vector<Future<void>> futures;
    futures.push_back(host.executor.apply_async([](Event* e) -> Task<> { co_await e->wait(); },
                                                std::tuple(&never)));
    futures.push_back(host.executor.submit([](Event* e) -> Task<> { co_await e->wait(); }, &never));
    if constexpr (!needs_driver<TypeParam>) {
      futures.push_back(host.executor.apply_async(wait));
      futures.push_back(host.executor.submit(wait));
    }
    auto mapped = host.executor.map_async([](Event* e) -> Task<> { co_await e->wait(); },
                                          std::vector<Event*>(10, &never), 1);
    host.executor.terminate();
    host.executor.join().block();
    for (auto& future : futures) EXPECT_THROW(future.block(), cohort::Cancelled);
    EXPECT_THROW(mapped.block(), cohort::Cancelled);
    EXPECT_THROW((void)host.executor.apply(square, 1), UsageError);
  } else {
    host.executor.terminate();
    host.executor.join().block();
  }
}

/// Keeps all workers busy, without blocking, so that nobody makes up for them.
class Busy {
 public:
  template <class Host>
  explicit Busy(Host& host) {
    if constexpr (!needs_driver<Host>) {
      const auto n = static_cast<int>(host.executor.concurrency());
      for (int i = 0; i < n; ++i) {
        futures_.push_back(host.executor.submit([this] {
          ++begun_;
          while (!open_) std::this_thread::yield();
        }));
      }
      EXPECT_TRUE(cohort::test::eventually([&] { return begun_ == n; }));
    }
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  ~Busy() { open(); }
  void open() {
    open_ = true;
    for (auto& future : futures_) future.block();
  }

 private:
  std::atomic<int> begun_{0};
  std::atomic<bool> open_{false};
  std::vector<Future<void>> futures_;
};

TYPED_TEST(PoolFace, TerminateDropsTenThousandQueuedFunctionsAtOnce) {  // C196
  TypeParam host;
  if constexpr (cohort::Scheduler<decltype(host.executor)>) {
    std::atomic<int> called{0};
    const auto canary = std::make_shared<int>(1);
    std::vector<Future<void>> futures;
    {
      Busy busy(host);
      for (int i = 0; i < 5000; ++i) {
        futures.push_back(host.executor.submit([&called, canary] { ++called; }));
        futures.push_back(host.executor.apply_async([&called] { ++called; }));
      }
      host.executor.terminate();
      for (const auto& future : futures) EXPECT_TRUE(future.cancelled());
      EXPECT_EQ(canary.use_count(), 1);
    }
    host.executor.join().block();
    EXPECT_EQ(called, 0);
  }
}

TEST(PoolFaceOfAThreadPool, TerminateDropsWhatAStrandOnItHasQueued) {  // C196
  ThreadPool pool{1};
  Strand strand{pool};
  std::atomic<int> called{0};
  std::vector<Future<void>> futures;
  {
    std::atomic<bool> begun{false};
    std::atomic<bool> open{false};
    const auto first = strand.submit([&] {
      begun = true;
      while (!open) std::this_thread::yield();
    });
    EXPECT_TRUE(cohort::test::eventually([&] { return begun.load(); }));
    for (int i = 0; i < 100; ++i) futures.push_back(strand.submit([&called] { ++called; }));
    pool.terminate();
    open = true;
    first.block();
  }
  pool.join().block();
  for (const auto& future : futures) EXPECT_TRUE(future.cancelled());
  EXPECT_EQ(called, 0);
}

TYPED_TEST(PoolFace, ShutdownCancelsFuturesIfToldTo) {  // C244
  TypeParam host;
  if constexpr (cohort::Scheduler<decltype(host.executor)>) {
    std::vector<Future<void>> futures;
    int finished = 0;
    Event go;
    const auto begins = [&]() -> Task<> {
      co_await go.wait();
      ++finished;
    };
    auto begun = host.executor.submit(begins);
    if constexpr (needs_driver<TypeParam>) {
      // Whoever waits for it drives it, but may be late before it comes to that.
      EXPECT_TRUE(with_enough_time(1ms, [&](auto limit) {
        EXPECT_FALSE(begun.within(limit).block());
        return begun.running();
      }));
    } else {
      EXPECT_TRUE(cohort::test::eventually([&] { return begun.running(); }));
    }
    Busy busy(host);
    for (int i = 0; i < 3; ++i) futures.push_back(host.executor.submit([&] { ++finished; }));
    auto ended = host.executor.shutdown(cohort::cancel_futures);
    for (const auto& future : futures) EXPECT_TRUE(future.cancelled());
    EXPECT_THROW((void)host.executor.submit([] {}), cohort::ShutDown);
    EXPECT_FALSE(begun.done());
    busy.open();
    go.set();
    begun.block();
    std::move(ended).block();
    EXPECT_EQ(finished, 1);
    host.executor.shutdown(true).block();
    host.executor.shutdown(false).block();
  } else {
    host.executor.shutdown(cohort::cancel_futures).block();
  }
}

TYPED_TEST(PoolFace, OnlyWhatHasReallyBegunIsRunning) {  // C252
  TypeParam host;
  if constexpr (cohort::Scheduler<decltype(host.executor)>) {
    Busy busy(host);
    std::vector<Future<int>> futures;
    for (int i = 0; i < 4; ++i) futures.push_back(host.executor.submit(square, i));
    for (const auto& future : futures) EXPECT_FALSE(future.running());
    for (const auto& future : futures) EXPECT_TRUE(future.cancel());
    for (const auto& future : futures) EXPECT_TRUE(future.cancelled());
  }
}

TYPED_TEST(PoolFace, AFutureOfApplyAsyncAnswersAsOftenAsItIsAsked) {  // C190
  TypeParam host;
  if constexpr (cohort::Scheduler<decltype(host.executor)>) {
    Event go;
    const auto wait = [](Event* e) -> Task<int> {
      co_await e->wait();
      co_return 5;
    };
    const auto future = host.executor.apply_async(wait, std::tuple(&go));
    EXPECT_FALSE(future.done());
    EXPECT_THROW((void)future.exception(), UsageError);
    EXPECT_EQ(future.within(0s).block(), std::nullopt);
    EXPECT_EQ(future.within(1ms).block(), std::nullopt);
    EXPECT_EQ(future.within(-1s).block(), std::nullopt);
    go.set();
    EXPECT_EQ(future.block(), 5);
    EXPECT_EQ(future.block(), 5);
    EXPECT_EQ(future.exception(), nullptr);
  }
  const auto bad = host.executor.apply_async(fail_at_one, std::tuple(1));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(what_of([&] { bad.block(); }), "one");
  EXPECT_NE(bad.exception(), nullptr);
}

TYPED_TEST(PoolFace, ALateMapThrowsTimedOutAndItsRestIsCancelled) {  // C243
  TypeParam host;
  if constexpr (cohort::Scheduler<decltype(host.executor)>) {
    Event never;
    int begun = 0;
    int cancelled = 0;
    const auto wait = [&](int) -> Task<> {
      ++begun;
      try {
        co_await never.wait();
      } catch (const cohort::Cancelled&) {
        ++cancelled;
        throw;
      }
    };
    const auto input = numbers(2);
    const auto late = [&](auto& pool, std::chrono::milliseconds limit) -> Task<> {
      auto map = cohort::timeout(limit, pool.map(wait, input, 2));
      co_await std::move(map);
    };
    // It may be late before even the first has begun.
    EXPECT_TRUE(with_enough_time(1ms, [&](auto limit) {
      EXPECT_THROW(cohort::run(host.executor, late(host.executor, limit)), cohort::TimedOut);
      return begun != 0;
    }));
    EXPECT_EQ(begun, 1);
    EXPECT_EQ(cancelled, 1);
  }
}

TYPED_TEST(PoolFace, MapAsyncBeginsAtTheCall) {  // C243
  TypeParam host;
  Event begun;
  const auto future = host.executor.map_async([&](int) { begun.set(); }, numbers(1));
  if constexpr (needs_driver<TypeParam>) {
    future.block();
  } else {
    begun.wait().block();
  }
  EXPECT_TRUE(begun.is_set());
  future.block();
}

TYPED_TEST(PoolFace, EveryFailureOfAMapIsSeen) {
  TypeParam host;
  unobserved = 0;
  cohort::set_unobserved_hook([](std::exception_ptr) noexcept { ++unobserved; });
  std::atomic<int> thrown{0};
  const auto fail = [&](int x) -> int {
    ++thrown;
    throw std::runtime_error(std::to_string(x));
  };
  const auto all = numbers(4);
  EXPECT_THROW((void)host.executor.map(fail, all, 1).block(), std::runtime_error);
  cohort::set_unobserved_hook(nullptr);
  if constexpr (cohort::Scheduler<decltype(host.executor)>) {
    EXPECT_EQ(unobserved, thrown - 1);
  }
}

// ------------------------------------------------------------------------------------- progress

TEST(Progress, SaysTheRateAndTheTimeLeftByTheExecutorsClock) {
  EventLoop loop(cohort::LoopTime::simulated);
  std::ostringstream out;
  const auto input = numbers(400);
  const auto work = [&loop](int) { loop.advance(1s); };
  loop.map(work, input, 100, cohort::progress(out)).block();
  const std::string bars = "|#####               | 100/400  1.0/s  5:00 min left";
  EXPECT_NE(out.str().find("\r 25 % " + bars), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("\r 75 % |###############     | 300/400  1.0/s  1:40 min left"),
            std::string::npos);
  EXPECT_EQ(last_line(out.str()), "100 % |####################| 400/400  1.0/s  6:40 min     \n");
}

TEST(Progress, IsDrawnAFewTimesASecondAtMost) {
  EventLoop loop(cohort::LoopTime::simulated);
  std::ostringstream out;
  const auto input = numbers(1000);
  const auto work = [&loop](int) { loop.advance(1ms); };
  loop.map(work, input, 1, cohort::progress(out)).block();
  const std::string text = out.str();
  const auto drawn = std::count(text.begin(), text.end(), '\r');
  EXPECT_EQ(drawn, 6) << text;  // at 0, .2, .4, .6, .8 and 1 second
}

TEST(Progress, OfManyThreadsIsOneLineAtATime) {
  ThreadPool pool{4};
  std::ostringstream out;
  const auto input = numbers(2000);
  (void)pool.map(square, input, 1, cohort::progress(out)).block();
  EXPECT_EQ(last_line(out.str()).find("100 % |####################| 2000/2000"), 0U);
}

TEST(Progress, OfNothingIsDone) {
  EventLoop loop;
  std::ostringstream out;
  EXPECT_TRUE(loop.map(square, std::vector<int>{}, cohort::progress(out)).block().empty());
  EXPECT_EQ(last_line(out.str()).find("100 % |####################| 0/0"), 0U);
}

TEST(PoolFaceOfAThreadPool, ATimedOutNextHasLostNothing) {  // C185
  ThreadPool pool{2};
  Event go;
  const auto work = [&go](int x) {
    if (x == 1) go.wait().block();
    return x;
  };
  auto results = pool.imap(work, numbers(3));
  EXPECT_EQ(results.next().block(), 0);
  auto late = results.next().within(1ms).block();
  EXPECT_TRUE(late.timed_out());
  go.set();
  EXPECT_EQ(results.next().block(), 1);
  EXPECT_EQ(results.next().block(), 2);
  EXPECT_TRUE(results.next().within(1h).block().closed());
}

TEST(PoolFaceOfAThreadPool, UnorderedResultsComeAsTheyFinish) {  // C188
  ThreadPool pool{2};
  Event go;
  const auto work = [&go](int x) -> Task<int> {
    if (x == 0) co_await go.wait();
    co_return x;
  };
  auto results = pool.imap_unordered(work, numbers(3));
  int first = *results.next().block();
  int second = *results.next().block();
  EXPECT_EQ(first + second, 3);
  go.set();
  EXPECT_EQ(results.next().block(), 0);
  EXPECT_EQ(results.next().block(), std::nullopt);
}

TEST(PoolFaceOfAThreadPool, ALateMapIsCancelledAndAwaited) {
  ThreadPool pool{2};
  Event never;
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  struct Note {
    std::atomic<int>& n;
    ~Note() { ++n; }
  };
  const auto work = [&](int) -> Task<int> {
    ++begun;
    const Note note{ended};
    co_await never.wait();
    co_return 1;
  };
  EXPECT_TRUE(with_enough_time(1ms, [&](auto limit) {
    EXPECT_EQ(pool.map(work, numbers(4), 1).within(limit).block(), std::nullopt);
    EXPECT_EQ(ended, begun);
    return begun > 0;
  }));
  cohort::StopSource stop;
  stop.request_stop();
  EXPECT_THROW((void)pool.map(work, numbers(4), 1).block(stop.token()), cohort::Cancelled);
}

TEST(PoolFaceOfAThreadPool, ADroppedStreamStopsItsWork) {
  ThreadPool pool{1};
  Event never;
  {
    auto results = pool.imap(
        [&never](int x) -> Task<int> {
          co_await never.wait();
          co_return x;
        },
        numbers(9));
    EXPECT_TRUE(results.next().within(0s).block().timed_out());
  }
  pool.close();
  pool.join().block();
}

}  // namespace
