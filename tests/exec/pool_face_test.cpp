// SPDX-License-Identifier: BSL-1.0

// The face of Python's Pool: one suite, run for every executor.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::Event;
using cohort::EventLoop;
using cohort::Future;
using cohort::InlineExecutor;
using cohort::Strand;
using cohort::Task;
using cohort::ThreadPool;
using cohort::UsageError;

template <int N>
struct Pool {
  ThreadPool executor{N};
};
struct Loop {
  EventLoop executor;
};
struct Inline {
  InlineExecutor executor;
};
struct StrandOnPool {
  ThreadPool pool{2};
  Strand executor{pool};
};

template <class Host>
class PoolFace : public testing::Test {};
using Hosts = testing::Types<Pool<1>, Pool<3>, Loop, Inline, StrandOnPool>;
TYPED_TEST_SUITE(PoolFace, Hosts);

int square(int x) { return x * x; }
Task<int> square_later(int x) {
  co_await cohort::yield_now();
  co_return x* x;
}
int add(int a, int b) { return a + b; }
int fail_at_one(int x) {
  if (x == 1) throw std::runtime_error("one");
  return x;
}
std::vector<int> numbers(int n) {
  std::vector<int> v;
  for (int i = 0; i < n; ++i) v.push_back(i);
  return v;
}
std::vector<int> squares(int n) {
  std::vector<int> v;
  for (int i = 0; i < n; ++i) v.push_back(i * i);
  return v;
}
template <class Fn>
std::string what_of(Fn fn) {
  try {
    fn();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no exception";
}

/// 0, 1, 2, … without end; counts how far it was read, and throws where it is told to.
struct Endless {
  int* read;
  int bad = -1;
  struct Iterator {
    Endless* input;
    int operator*() const {
      if (*input->read == input->bad) throw std::runtime_error("bad input");
      return (*input->read)++;
    }
    Iterator& operator++() { return *this; }
    bool operator==(const Iterator&) const { return false; }
  };
  Iterator begin() { return {this}; }
  Iterator end() { return {this}; }
};

TYPED_TEST(PoolFace, AppliesFunctionsAndCoroutineFunctions) {  // C181
  TypeParam host;
  EXPECT_EQ(host.executor.apply(square, 5).block(), 25);
  EXPECT_EQ(host.executor.apply(square_later, 6).block(), 36);
  EXPECT_EQ(host.executor.apply(square, 7).within(1h).block(), 49);
  const auto fail = [] { throw std::runtime_error("boom"); };
  EXPECT_EQ(what_of([&] { host.executor.apply(fail).block(); }), "boom");
}

TYPED_TEST(PoolFace, CanBeAwaitedInACoroutine) {
  TypeParam host;
  const auto body = [](auto& pool) -> Task<int> {
    const int x = co_await pool.apply(square, 3);
    std::vector<int> input{1, 2};
    auto mapped = co_await pool.map(square_later, input);
    co_return x + mapped[1];
  };
  if constexpr (cohort::Scheduler<decltype(host.executor)>) {
    EXPECT_EQ(cohort::run(host.executor, body(host.executor)), 13);
  } else {
    EXPECT_EQ(cohort::run(body(host.executor)), 13);
  }
}

TYPED_TEST(PoolFace, MapKeepsTheOrderForEveryChunkSize) {  // C182
  TypeParam host;
  const auto input = numbers(20);
  EXPECT_EQ(host.executor.map(square, input).block(), squares(20));
  for (int chunksize : {1, 3, 7, 20, 1000}) {
    EXPECT_EQ(host.executor.map(square, input, chunksize).block(), squares(20));
    EXPECT_EQ(host.executor.map(square_later, numbers(20), chunksize).block(), squares(20));
  }
  EXPECT_TRUE(host.executor.map(square, std::vector<int>{}).block().empty());
  const std::vector<std::tuple<int, int>> pairs{{2, 3}, {3, 2}};
  EXPECT_EQ(host.executor.starmap(add, pairs).block(), (std::vector<int>{5, 5}));
  EXPECT_EQ(host.executor.starmap(add, std::vector<std::pair<int, int>>{{1, 2}}, 1).block(),
            (std::vector<int>{3}));
}

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

TYPED_TEST(PoolFace, RefusesAChunkSizeBelowOne) {  // C183
  TypeParam host;
  const auto input = numbers(3);
  EXPECT_THROW((void)host.executor.map(square, input, 0), std::invalid_argument);
  EXPECT_THROW((void)host.executor.map(square, input, -1L), std::invalid_argument);
  EXPECT_THROW((void)host.executor.imap(square, input, 0), std::invalid_argument);
  EXPECT_THROW((void)host.executor.map_async(square, input, 0), std::invalid_argument);
}

TYPED_TEST(PoolFace, AFailureInMapIsRethrownWhenAllHasEnded) {  // C184
  TypeParam host;
  for (int chunksize : {1, 2, 100}) {
    const auto call = [&] { host.executor.map(fail_at_one, numbers(20), chunksize).block(); };
    EXPECT_EQ(what_of(call), "one");
  }
  int errors = 0;
  int results = 0;
  auto future = host.executor.map_async(
      fail_at_one, numbers(9), 1, [&](const std::vector<int>&) { ++results; },
      [&](const std::exception_ptr&) { ++errors; });
  EXPECT_EQ(what_of([&] { future.block(); }), "one");
  EXPECT_EQ(errors, 1);
  EXPECT_EQ(results, 0);
}

TYPED_TEST(PoolFace, MapAsyncYieldsAFuture) {
  TypeParam host;
  const auto input = numbers(10);
  EXPECT_EQ(host.executor.map_async(square, input).block(), squares(10));
  EXPECT_EQ(host.executor.map_async(square_later, input, 3).block(), squares(10));
}

TYPED_TEST(PoolFace, ExactlyOneCallbackRunsBeforeTheFutureIsDone) {  // C191
  TypeParam host;
  int value = 0;
  std::string error;
  const auto done = [&](int x) { value = x; };
  const auto failed = [&](std::exception_ptr e) {
    error = what_of([&] { std::rethrow_exception(std::move(e)); });
  };
  EXPECT_EQ(host.executor.apply_async(square, std::tuple(4), done, failed).block(), 16);
  EXPECT_EQ(value, 16);
  EXPECT_EQ(error, "");
  value = 0;
  auto bad = host.executor.apply_async(fail_at_one, std::tuple(1), done, failed);
  EXPECT_EQ(what_of([&] { bad.block(); }), "one");
  EXPECT_EQ(what_of([&] { bad.block(); }), "one");  // C190
  EXPECT_EQ(value, 0);
  EXPECT_EQ(error, "one");
}

std::atomic<int> unobserved{0};

TYPED_TEST(PoolFace, AThrowingCallbackGoesToTheHook) {  // C192
  TypeParam host;
  unobserved = 0;
  cohort::set_unobserved_hook([](std::exception_ptr) noexcept { ++unobserved; });
  const auto bad = [](int) { throw std::runtime_error("callback"); };
  EXPECT_EQ(host.executor.apply_async(square, std::tuple(4), bad).block(), 16);
  cohort::set_unobserved_hook(nullptr);
  EXPECT_EQ(unobserved, 1);
  EXPECT_EQ(host.executor.apply(square, 2).block(), 4);
}

TYPED_TEST(PoolFace, ImapKeepsTheOrderAndGoesOnBehindAFailure) {  // C186
  TypeParam host;
  for (int chunksize : {1, 3}) {
    auto results = host.executor.imap(fail_at_one, numbers(4), chunksize);
    EXPECT_EQ(results.next().block(), 0);
    EXPECT_EQ(what_of([&] { results.next().block(); }), "one");
    EXPECT_EQ(results.next().block(), 2);
    EXPECT_EQ(results.next().block(), 3);
    EXPECT_EQ(results.next().block(), std::nullopt);
    EXPECT_EQ(results.next().block(), std::nullopt);
  }
}

TYPED_TEST(PoolFace, AStreamIsReadByAForLoopOrACoroutine) {
  TypeParam host;
  std::vector<int> seen;
  auto results = host.executor.imap(square_later, numbers(30), 4);
  for (int& x : results.blocking()) seen.push_back(x);
  EXPECT_EQ(seen, squares(30));
  const auto body = [](auto& pool) -> Task<int> {
    int sum = 0;
    auto stream = pool.imap(square, numbers(5));
    while (auto x = co_await stream.next()) sum += *x;
    co_return sum;
  };
  if constexpr (cohort::Scheduler<decltype(host.executor)>) {
    EXPECT_EQ(cohort::run(host.executor, body(host.executor)), 30);
  } else {
    EXPECT_EQ(cohort::run(body(host.executor)), 30);
  }
}

TYPED_TEST(PoolFace, AnExceptionOfTheInputAppearsAtItsPlace) {  // C187
  TypeParam host;
  int read = 0;
  auto results = host.executor.imap(square, Endless{&read, 2});
  EXPECT_EQ(results.next().block(), 0);
  EXPECT_EQ(results.next().block(), 1);
  EXPECT_EQ(what_of([&] { results.next().block(); }), "bad input");
  EXPECT_EQ(results.next().block(), std::nullopt);
}

TYPED_TEST(PoolFace, ImapUnorderedGivesEachResultOnce) {  // C188
  TypeParam host;
  std::vector<int> seen;
  auto results = host.executor.imap_unordered(square, numbers(50), 3);
  for (int x : results.blocking()) seen.push_back(x);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, squares(50));
}

TYPED_TEST(PoolFace, AnEndlessInputIsReadNoFurtherThanNeeded) {  // C189
  TypeParam host;
  const int limit = 2 * static_cast<int>(host.executor.concurrency());
  int read = 0;
  auto results = host.executor.imap(square, Endless{&read});
  EXPECT_EQ(read, 0);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(results.next().block(), i * i);
    EXPECT_LE(read, i + limit);
  }
}

TYPED_TEST(PoolFace, NothingBeginsAfterCloseAndJoinWaitsForTheRest) {  // C193
  TypeParam host;
  EXPECT_THROW((void)host.executor.join(), UsageError);
  auto future = host.executor.apply_async(square_later, std::tuple(3));
  host.executor.close();
  host.executor.close();
  EXPECT_THROW((void)host.executor.apply(square, 1), UsageError);
  EXPECT_THROW((void)host.executor.map(square, numbers(2)), UsageError);
  EXPECT_THROW((void)host.executor.apply_async(square, std::tuple(1)), UsageError);
  EXPECT_THROW((void)host.executor.submit(square, 1), cohort::ShutDown);
  host.executor.join().block();
  EXPECT_TRUE(future.done());
  EXPECT_EQ(future.block(), 9);
  host.executor.join().block();
}

TYPED_TEST(PoolFace, AStreamGoesOnAfterClose) {
  TypeParam host;
  auto results = host.executor.imap(square, numbers(20));
  host.executor.close();
  std::vector<int> seen;
  for (int x : results.blocking()) seen.push_back(x);
  EXPECT_EQ(seen, squares(20));
  host.executor.join().block();
}

TYPED_TEST(PoolFace, TerminateStopsWhatRunsAndDropsWhatIsQueued) {  // C196
  TypeParam host;
  if constexpr (cohort::Scheduler<decltype(host.executor)>) {
    Event never;
    std::atomic<int> called{0};
    const auto wait = [&] { return never.wait().block(); };
    std::vector<Future<void>> futures;
    futures.push_back(host.executor.apply_async([](Event* e) -> Task<> { co_await e->wait(); },
                                                std::tuple(&never)));
    if constexpr (!std::is_same_v<TypeParam, Loop>) {
      futures.push_back(host.executor.apply_async(wait));
    }
    std::vector<Future<void>> late;
    if constexpr (std::is_same_v<TypeParam, StrandOnPool>) {
      for (int i = 0; i < 100; ++i) {
        late.push_back(host.executor.apply_async([&] { ++called; }));
      }
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
  std::atomic<int> ended{0};
  struct Note {
    std::atomic<int>& n;
    ~Note() { ++n; }
  };
  const auto work = [&](int) -> Task<int> {
    const Note note{ended};
    co_await never.wait();
    co_return 1;
  };
  EXPECT_EQ(pool.map(work, numbers(4), 1).within(5ms).block(), std::nullopt);
  const int n = ended;
  EXPECT_LE(n, 4);
  cohort::StopSource stop;
  stop.request_stop();
  EXPECT_THROW((void)pool.map(work, numbers(4), 1).block(stop.token()), cohort::Cancelled);
}

TEST(PoolFaceOfAThreadPool, QueuedWorkDoesNotRunAfterTerminate) {  // C196
  std::atomic<int> called{0};
  std::atomic<bool> over{false};
  std::vector<Future<void>> futures;
  ThreadPool pool{1};
  Event begun;
  auto first = pool.submit([&] {  // busy, not blocked: nobody makes up for it
    begun.set();
    while (!over) std::this_thread::yield();
  });
  begun.wait().block();
  for (int i = 0; i < 10000; ++i) futures.push_back(pool.apply_async([&] { ++called; }));
  pool.terminate();
  for (auto& future : futures) EXPECT_TRUE(future.cancelled());
  over = true;
  pool.join().block();
  EXPECT_EQ(called, 0);
  first.block();
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
