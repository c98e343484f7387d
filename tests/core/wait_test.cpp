// SPDX-License-Identifier: BSL-1.0

// wait and as_completed over futures: the split, the order, and that no future is ever touched.

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::as_completed;
using cohort::Cancelled;
using cohort::Event;
using cohort::EventLoop;
using cohort::Future;
using cohort::Promise;
using cohort::ReturnWhen;
using cohort::run;
using cohort::StopSource;
using cohort::Task;
using cohort::ThreadPool;
using cohort::wait;
using cohort::Waited;
using Futures = std::vector<Future<int>>;

// Promises and their futures, in order.
struct Open {
  explicit Open(int n) : promises(static_cast<std::size_t>(n)) {
    for (auto& promise : promises) futures.push_back(promise.future());
  }
  Futures pick(std::initializer_list<std::size_t> which) const {
    Futures picked;
    for (const auto i : which) picked.push_back(futures[i]);
    return picked;
  }
  std::vector<Promise<int>> promises;
  Futures futures;
};
std::exception_ptr error() { return std::make_exception_ptr(std::runtime_error("failed")); }

// A drop of what was set to fail would be reported: fetch it.
void fetch(const Futures& futures) {
  for (const auto& future : futures) {
    if (future.done()) static_cast<void>(future.exception());
  }
}

TEST(Wait, C240_ForTheFirstYieldsDoneAndNotDoneInTheGivenOrder) {
  Open open(4);
  open.promises[2].set_value(2);
  open.promises[1].set_value(1);
  const Waited<int> split = wait(open.futures, ReturnWhen::first_completed).block();
  EXPECT_EQ(split.done, open.pick({1, 2}));
  EXPECT_EQ(split.not_done, open.pick({0, 3}));
}

TEST(Wait, C240_ForAllReturnsWhenTheLastIsDone) {
  Open open(3);
  const auto waiter = [](Futures futures) -> Task<std::size_t> {
    const Waited<int> split = co_await wait(futures);
    EXPECT_TRUE(split.not_done.empty());
    co_return split.done.size();
  };
  EventLoop loop;
  const auto count = loop.submit(waiter, open.futures);
  for (const std::size_t i : {2u, 0u, 1u}) {
    loop.run_ready();
    EXPECT_FALSE(count.done());
    open.promises[i].set_value(1);
  }
  EXPECT_EQ(count.block(), 3u);
}

TEST(Wait, C240_ForTheFirstExceptionReturnsAtOneAndNotAtACancellation) {
  Open open(3);
  const auto until = [&] { return wait(open.futures, ReturnWhen::first_exception); };
  open.promises[0].set_value(0);
  open.futures[1].cancel();
  EXPECT_FALSE(until().within(0s).block());
  open.promises[2].set_exception(error());
  EXPECT_EQ(until().block().done, open.futures);
  fetch(open.futures);

  Open other(2);
  other.promises[1].set_exception(error());
  const Waited<int> split = wait(other.futures, ReturnWhen::first_exception).block();
  EXPECT_EQ(split.done, other.pick({1}));
  EXPECT_EQ(split.not_done, other.pick({0}));
  fetch(other.futures);
}

TEST(Wait, C240_OfNoFutureYieldsTwoEmptyListsAtOnce) {
  for (const auto when :
       {ReturnWhen::first_completed, ReturnWhen::first_exception, ReturnWhen::all_completed}) {
    const Waited<int> split = wait(Futures{}, when).block();
    EXPECT_TRUE(split.done.empty());
    EXPECT_TRUE(split.not_done.empty());
  }
}

TEST(Wait, C240_CountsAFutureGivenTwiceOnce) {
  Open open(2);
  open.promises[1].set_value(1);
  const Waited<int> split = wait(open.pick({1, 0, 1, 0}), ReturnWhen::first_completed).block();
  EXPECT_EQ(split.done, open.pick({1}));
  EXPECT_EQ(split.not_done, open.pick({0}));
}

TEST(Wait, C240_RefusesAnUnknownModeAndAnEmptyFuture) {
  EXPECT_THROW(static_cast<void>(wait(Futures{}, static_cast<ReturnWhen>(7))),
               std::invalid_argument);
  EXPECT_THROW(static_cast<void>(wait(Futures(1))), cohort::InvalidState);
}

TEST(Wait, C241_SeesACancelledFutureAsDoneAtOnce) {
  Open open(2);
  EXPECT_TRUE(open.futures[1].cancel());
  const auto split = wait(open.futures, ReturnWhen::first_completed).within(0s).block();
  ASSERT_TRUE(split);
  EXPECT_EQ(split->done, open.pick({1}));
}

TEST(Wait, TimedOutOrStoppedLeavesTheFuturesAlone) {
  Open open(2);
  const auto waiter = [](Futures futures) -> Task<> {
    EXPECT_FALSE(co_await wait(futures).within(1h));
    co_await wait(futures);
  };
  EventLoop loop(cohort::LoopTime::simulated);
  const auto waiting = loop.submit(waiter, open.futures);
  const auto jump = []() -> Task<> { co_await cohort::sleep_for(2h); };
  run(loop, jump());
  EXPECT_TRUE(waiting.cancel());
  EXPECT_THROW(waiting.block(), Cancelled);
  StopSource stop;
  stop.request_stop();
  EXPECT_THROW(wait(open.futures).block(stop.token()), Cancelled);
  for (auto& promise : open.promises) promise.set_value(1);  // not cancelled
  EXPECT_EQ(open.futures[0].block(), 1);
}

TEST(Wait, RacesInASelect) {
  Open open(2);
  const auto waiter = [](Futures futures) -> Task<std::size_t> {
    const auto first = co_await cohort::select(wait(futures), cohort::sleep_for(1h));
    co_return first.index();
  };
  EventLoop loop(cohort::LoopTime::simulated);
  EXPECT_EQ(run(loop, waiter(open.futures)), 1u);
  for (auto& promise : open.promises) promise.set_value(1);
  EXPECT_EQ(run(loop, waiter(open.futures)), 0u);
}

TEST(Wait, ThatBlocksDrivesEveryLoopItWaitsFor) {
  EventLoop one;
  EventLoop other;
  const auto get = [](int x) { return x; };
  const Futures futures{one.submit(get, 1), other.submit(get, 2), one.submit(get, 3)};
  EXPECT_EQ(wait(futures).block().done, futures);
  const Futures more{one.submit(get, 1), other.submit(get, 2)};
  int sum = 0;
  for (auto& future : as_completed(more).blocking()) sum += future.block();
  EXPECT_EQ(sum, 3);
}

TEST(Wait, OfVoidFuturesOnAPool) {
  ThreadPool pool{2};
  const auto nothing = [] {};
  std::vector<Future<void>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(pool.submit(nothing));
  EXPECT_EQ(wait(futures).block().done.size(), 100u);
}

TEST(AsCompleted, C242_YieldsWhatIsDoneAlreadyFirstThenInFinishingOrderEachOnce) {
  Open open(5);
  open.promises[3].set_value(3);
  open.promises[1].set_value(1);
  auto done = as_completed(open.pick({0, 1, 2, 3, 4, 1, 0}));
  open.promises[4].set_value(4);
  open.promises[0].set_value(0);
  open.promises[2].set_value(2);
  std::vector<int> order;
  while (auto future = done.next().block()) order.push_back(future->block());
  EXPECT_EQ(order, (std::vector{1, 3, 4, 0, 2}));
  EXPECT_EQ(done.next().block(), std::nullopt);
}

TEST(AsCompleted, C242_WaitsForTheNextOneAndCanTimeOut) {
  EventLoop loop(cohort::LoopTime::simulated);
  const auto after = [](int seconds) -> Task<int> {
    co_await cohort::sleep_for(std::chrono::seconds(seconds));
    co_return seconds;
  };
  const auto consume = [&]() -> Task<std::vector<int>> {
    const Futures futures{loop.submit(after, 30), loop.submit(after, 10), loop.submit(after, 20)};
    auto done = as_completed(futures);
    std::vector<int> order;
    const auto early = co_await done.next().within(5s);
    EXPECT_TRUE(early.timed_out());
    while (const auto future = co_await done.next()) {
      const int& x = co_await *future;
      order.push_back(x);
    }
    const auto late = co_await done.next().within(5s);
    EXPECT_TRUE(late.closed());
    co_return order;
  };
  EXPECT_EQ(run(loop, consume()), (std::vector{10, 20, 30}));
}

TEST(AsCompleted, C242_WithALimitThrowsAndSaysHowManyAreUnfinished) {
  const auto text = [](auto&& next) -> std::string {
    try {
      std::forward<decltype(next)>(next).block();
    } catch (const cohort::TimedOut& late) {
      return late.what();
    }
    return "in time";
  };
  Open open(3);
  auto one = as_completed(open.pick({0}), 0s);
  EXPECT_EQ(text(one.next()), "1 (of 1) futures unfinished");
  auto three = as_completed(open.pick({0, 1, 2, 1}), 1ms);
  open.promises[1].set_value(1);
  EXPECT_EQ(text(three.next()), "in time");
  EXPECT_EQ(text(three.next()), "2 (of 3) futures unfinished");
  open.promises[2].set_value(2);  // what is done is yielded all the same
  EXPECT_EQ(three.next().block(), open.futures[2]);
  EXPECT_EQ(text(three.next()), "1 (of 3) futures unfinished");
  auto patient = as_completed(open.pick({0}), std::chrono::hours::max());
  EXPECT_TRUE(patient.next().within(1ms).block().timed_out());
  auto none = as_completed(Futures{}, -1s);
  EXPECT_EQ(none.next().block(), std::nullopt);
}

TEST(AsCompleted, C242_CountsItsLimitOnTheExecutorsClock) {
  EventLoop loop(cohort::LoopTime::simulated);
  const auto after = [](int seconds) -> Task<int> {
    co_await cohort::sleep_for(std::chrono::seconds(seconds));
    co_return seconds;
  };
  const auto consume = [&]() -> Task<int> {
    const Futures futures{loop.submit(after, 30), loop.submit(after, 10), loop.submit(after, 20)};
    auto done = as_completed(futures, 25s);
    int sum = 0;
    try {
      while (const auto future = co_await done.next()) {
        const int& x = co_await *future;
        sum += x;
      }
    } catch (const cohort::TimedOut&) {
      ++sum;
    }
    EXPECT_FALSE(futures[0].done());
    co_await futures[0];
    co_return sum;
  };
  EXPECT_EQ(run(loop, consume()), 31);
}

TEST(AsCompleted, C241_YieldsACancelledFutureAndOneThatFailed) {
  Open open(2);
  auto done = as_completed(open.futures);
  open.futures[1].cancel();
  EXPECT_TRUE(done.next().within(0s).block()->cancelled());
  open.promises[0].set_exception(error());
  EXPECT_THROW((*done.next().block()).block(), std::runtime_error);
}

TEST(AsCompleted, AbandonedHalfwayLeavesTheFuturesAlone) {
  Open open(3);
  open.promises[0].set_value(1);
  for (auto& future : as_completed(open.futures).blocking()) {
    EXPECT_EQ(future, open.futures[0]);
    break;
  }
  open.promises[1].set_value(2);
  open.promises[2].set_value(3);
  EXPECT_EQ(open.futures[2].block(), 3);
}

TEST(AsCompleted, KeepsNoFutureThatItHasYielded) {
  const auto value = std::make_shared<int>(1);
  std::vector<Promise<std::shared_ptr<int>>> promises(2);
  std::vector<Future<std::shared_ptr<int>>> futures;
  for (auto& promise : promises) futures.push_back(promise.future());
  promises[0].set_value(value);
  auto done = as_completed(std::move(futures));
  futures.clear();
  promises.clear();  // fails the second
  { const auto first = done.next().block(); }
  EXPECT_EQ(value.use_count(), 1);
}

TEST(AsCompleted, StopsAtAToken) {
  Open open(1);
  StopSource stop;
  auto done = as_completed(open.futures);
  std::thread later([&] { stop.request_stop(); });
  EXPECT_THROW(for ([[maybe_unused]] auto& future : done.blocking(stop.token())) FAIL(), Cancelled);
  later.join();
}

TEST(AsCompleted, ServesSeveralConsumersEachFutureToOne) {
  ThreadPool pool{4};
  const auto get = [](int x) { return x; };
  Futures futures;
  for (int i = 0; i < 2000; ++i) futures.push_back(pool.submit(get, 1));
  auto done = as_completed(futures);
  const auto consume = [&done]() -> Task<int> {
    int sum = 0;
    while (const auto future = co_await done.next()) {
      const int& x = co_await *future;
      sum += x;
    }
    co_return sum;
  };
  const Futures consumers{pool.submit(consume), pool.submit(consume)};
  int sum = 0;
  for (auto& future : done.blocking()) sum += future.block();
  for (const auto& consumer : consumers) sum += consumer.block();
  EXPECT_EQ(sum, 2000);
}

TEST(AsCompleted, DestroyedWhileFuturesFinishDoesNoHarm) {
  ThreadPool pool{2};
  const auto get = [](int x) { return x; };
  for (int i = 0; i < 300; ++i) {
    Futures futures;
    for (int k = 0; k < 8; ++k) futures.push_back(pool.submit(get, k));
    auto done = as_completed(futures);
    static_cast<void>(done.next().block());
    static_cast<void>(wait(futures, ReturnWhen::first_completed).block());
  }
}

}  // namespace
