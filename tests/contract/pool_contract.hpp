// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The face of Python's Pool, with functions that can travel: for pools of threads, pools of
/// processes and everything else that runs work. Whoever includes it has said before who they are:
///
///     namespace cohort::test { using PoolHosts = testing::Types<…>; }      // each has an `executor`

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // no frame may outlive a test

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

template <class Host>
class PoolContract : public testing::Test {};
TYPED_TEST_SUITE(PoolContract, PoolHosts);

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

std::atomic<int> unobserved{0};

std::string last_line(const std::string& text) { return text.substr(text.rfind('\r') + 1); }

TYPED_TEST(PoolContract, AppliesFunctionsAndCoroutineFunctions) {  // C181 C207
  TypeParam host;
  EXPECT_EQ(host.executor.apply(square, 5).block(), 25);
  EXPECT_EQ(host.executor.apply(square_later, 6).block(), 36);
  EXPECT_EQ(host.executor.apply(square, 7).within(1h).block(), 49);
  const auto fail = [] { throw std::runtime_error("boom"); };
  EXPECT_EQ(what_of([&] { host.executor.apply(fail).block(); }), "boom");
}

TYPED_TEST(PoolContract, CanBeAwaitedInACoroutine) {
  TypeParam host;
  const auto body = [](auto& pool) -> Task<int> {
    const int x = co_await pool.apply(square, 3);
    std::vector<int> input{1, 2};
    auto mapped = co_await pool.map(square_later, input);
    co_return x + mapped[1];
  };
  if constexpr (Scheduler<decltype(host.executor)>) {
    EXPECT_EQ(run(host.executor, body(host.executor)), 13);
  } else {
    EXPECT_EQ(run(body(host.executor)), 13);
  }
}

TYPED_TEST(PoolContract, MapKeepsTheOrderForEveryChunkSize) {  // C182
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

TYPED_TEST(PoolContract, RefusesAChunkSizeBelowOne) {  // C183
  TypeParam host;
  const auto input = numbers(3);
  EXPECT_THROW((void)host.executor.map(square, input, 0), std::invalid_argument);
  EXPECT_THROW((void)host.executor.map(square, input, -1L), std::invalid_argument);
  EXPECT_THROW((void)host.executor.imap(square, input, 0), std::invalid_argument);
  EXPECT_THROW((void)host.executor.map_async(square, input, 0), std::invalid_argument);
}

TYPED_TEST(PoolContract, AFailureInMapIsRethrownWhenAllHasEnded) {  // C184
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

TYPED_TEST(PoolContract, MapAsyncYieldsAFuture) {
  TypeParam host;
  const auto input = numbers(10);
  EXPECT_EQ(host.executor.map_async(square, input).block(), squares(10));
  EXPECT_EQ(host.executor.map_async(square_later, input, 3).block(), squares(10));
}

TYPED_TEST(PoolContract, ExactlyOneCallbackRunsBeforeTheFutureIsDone) {  // C191
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

TYPED_TEST(PoolContract, AThrowingCallbackGoesToTheHook) {  // C192
  TypeParam host;
  unobserved = 0;
  set_unobserved_hook([](std::exception_ptr) noexcept { ++unobserved; });
  const auto bad = [](int) { throw std::runtime_error("callback"); };
  EXPECT_EQ(host.executor.apply_async(square, std::tuple(4), bad).block(), 16);
  set_unobserved_hook(nullptr);
  EXPECT_EQ(unobserved, 1);
  EXPECT_EQ(host.executor.apply(square, 2).block(), 4);
}

TYPED_TEST(PoolContract, ImapKeepsTheOrderAndGoesOnBehindAFailure) {  // C186
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

TYPED_TEST(PoolContract, AStreamIsReadByAForLoopOrACoroutine) {
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
  if constexpr (Scheduler<decltype(host.executor)>) {
    EXPECT_EQ(run(host.executor, body(host.executor)), 30);
  } else {
    EXPECT_EQ(run(body(host.executor)), 30);
  }
}

TYPED_TEST(PoolContract, AnExceptionOfTheInputAppearsAtItsPlace) {  // C187
  TypeParam host;
  int read = 0;
  auto results = host.executor.imap(square, Endless{&read, 2});
  EXPECT_EQ(results.next().block(), 0);
  EXPECT_EQ(results.next().block(), 1);
  EXPECT_EQ(what_of([&] { results.next().block(); }), "bad input");
  EXPECT_EQ(results.next().block(), std::nullopt);
}

TYPED_TEST(PoolContract, ImapUnorderedGivesEachResultOnce) {  // C188
  TypeParam host;
  std::vector<int> seen;
  auto results = host.executor.imap_unordered(square, numbers(50), 3);
  for (int x : results.blocking()) seen.push_back(x);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, squares(50));
}

TYPED_TEST(PoolContract, AnEndlessInputIsReadNoFurtherThanNeeded) {  // C189
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

TYPED_TEST(PoolContract, NothingBeginsAfterCloseAndJoinWaitsForTheRest) {  // C193
  TypeParam host;
  EXPECT_THROW((void)host.executor.join(), UsageError);
  auto future = host.executor.apply_async(square_later, std::tuple(3));
  host.executor.close();
  host.executor.close();
  EXPECT_THROW((void)host.executor.apply(square, 1), UsageError);
  EXPECT_THROW((void)host.executor.map(square, numbers(2)), UsageError);
  EXPECT_THROW((void)host.executor.apply_async(square, std::tuple(1)), UsageError);
  EXPECT_THROW((void)host.executor.submit(square, 1), ShutDown);
  host.executor.join().block();
  EXPECT_TRUE(future.done());
  EXPECT_EQ(future.block(), 9);
  host.executor.join().block();
}

TYPED_TEST(PoolContract, AStreamGoesOnAfterClose) {
  TypeParam host;
  auto results = host.executor.imap(square, numbers(20));
  host.executor.close();
  std::vector<int> seen;
  for (int x : results.blocking()) seen.push_back(x);
  EXPECT_EQ(seen, squares(20));
  host.executor.join().block();
}

TYPED_TEST(PoolContract, ShutdownLetsQueuedWorkRunIfNotToldOtherwise) {  // C244
  TypeParam host;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 4; ++i) futures.push_back(host.executor.submit(square, i));
  auto ended = host.executor.shutdown(false);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].block(), i * i);
  std::move(ended).block();
}

TYPED_TEST(PoolContract, MapShowsItsProgressOnAStream) {
  TypeParam host;
  std::ostringstream out;
  const auto input = numbers(20);
  EXPECT_EQ(host.executor.map(square, input, progress(out)).block(), squares(20));
  EXPECT_EQ(out.str().find("\r  0 % |                    | 0/20"), 0U) << out.str();
  EXPECT_EQ(last_line(out.str()).find("100 % |####################| 20/20"), 0U) << out.str();
  EXPECT_EQ(out.str().back(), '\n');
  std::ostringstream other;
  EXPECT_EQ(host.executor.map(square_later, input, 3, progress(other)).block(), squares(20));
  EXPECT_EQ(last_line(other.str()).find("100 %"), 0U) << other.str();
  const std::vector<std::pair<int, int>> pairs{{1, 2}};
  std::ostringstream third;
  EXPECT_EQ(host.executor.starmap(add, pairs, 1, progress(third)).block(), (std::vector<int>{3}));
  EXPECT_EQ(last_line(third.str()).find("100 % |####################| 1/1"), 0U);
}

TYPED_TEST(PoolContract, ProgressOfAMapThatFailsSaysHowFarItCame) {
  TypeParam host;
  std::ostringstream out;
  const auto input = numbers(2);
  const auto call = [&] { (void)host.executor.map(fail_at_one, input, 2, progress(out)).block(); };
  EXPECT_EQ(what_of(call), "one");
  EXPECT_EQ(last_line(out.str()).find("  0 %"), 0U) << out.str();
  EXPECT_EQ(out.str().back(), '\n');
}

TYPED_TEST(PoolContract, ProgressIsSilentWhereNobodyWatches) {
  testing::internal::CaptureStderr();  // a file
  {
    TypeParam host;
    const auto input = numbers(3);
    EXPECT_EQ(host.executor.map(square, input, progress()).block(), squares(3));
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace cohort::test
