// SPDX-License-Identifier: BSL-1.0

// Future and Promise: states, waiting again and again, cancellation, callbacks, and exceptions that
// nobody fetches.

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test
#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using cohort::Cancelled;
using cohort::Event;
using cohort::EventLoop;
using cohort::Future;
using cohort::InvalidState;
using cohort::Promise;
using cohort::run;
using cohort::Task;
using cohort::ThreadPool;
using cohort::test::Unobserved;
using cohort::test::Words;

int fail() { throw std::runtime_error("failed"); }
Task<int> wait_for(Event& event) {
  co_await event.wait();
  co_return 5;
}

TEST(Future, WhenNamedYieldsAReferenceAsOftenAsOneLikes) {  // C190
  EventLoop loop;
  const auto make = [] { return std::string("text"); };
  const Future<std::string> future = loop.submit(make);
  const std::string& first = future.block();
  EXPECT_EQ(first, "text");
  EXPECT_EQ(&future.block(), &first);
  const auto again = [](const Future<std::string>& f, const std::string* p) -> Task<> {
    const std::string& one = co_await f;
    const std::string& other = co_await f;
    EXPECT_EQ(&one, p);
    EXPECT_EQ(&other, p);
  };
  run(again(future, &first));
  static_assert(std::is_same_v<decltype(future.block()), const std::string&>);
}

TEST(Future, WhenTemporaryYieldsTheValueItself) {
  EventLoop loop;
  const auto make = [] { return std::make_unique<int>(3); };
  std::unique_ptr<int> out = loop.submit(make).block();
  EXPECT_EQ(*out, 3);
  const auto take = [](Future<std::unique_ptr<int>> f) -> Task<int> {
    const std::unique_ptr<int> value = co_await std::move(f);
    co_return *value;
  };
  EXPECT_EQ(run(loop, take(loop.submit(make))), 3);
}

// C236
TEST(Future, WithALimitIsAnOptionalOrABoolAndLeavesTheWorkAlone) {
  EventLoop loop(cohort::LoopTime::simulated);
  const auto slow = []() -> Task<int> {
    co_await cohort::sleep_for(10s);
    co_return 1;
  };
  const auto slow_void = []() -> Task<> { co_await cohort::sleep_for(10s); };
  const auto wait = [&]() -> Task<> {
    const Future<int> number = loop.submit(slow);
    const Future<void> nothing = loop.submit(slow_void);
    EXPECT_EQ(co_await number.within(1s), std::nullopt);
    EXPECT_FALSE(co_await nothing.within(1s));
    EXPECT_EQ(co_await number.within(0s), std::nullopt);
    EXPECT_FALSE(number.done());
    EXPECT_EQ(co_await number.within(1h), 1);
    EXPECT_TRUE(co_await nothing.until(cohort::now() + 1h));
    EXPECT_EQ(co_await number.within(-1s), 1);
  };
  run(loop, wait());
}

// C236
TEST(Future, BlocksAThreadWithALimit) {
  Promise<int> promise;
  const Future<int> future = promise.future();
  EXPECT_EQ(future.within(1ms).block(), std::nullopt);
  EXPECT_EQ(future.within(-1s).block(), std::nullopt);
  promise.set_value(2);
  EXPECT_EQ(future.within(0s).block(), 2);
}

// C235 C236 C252
TEST(Future, GoesFromPendingToRunningToDone) {
  EventLoop loop;
  Event event;
  const auto future = loop.submit(wait_for, std::ref(event));
  EXPECT_FALSE(future.running());
  EXPECT_FALSE(future.done());
  loop.run_ready();
  EXPECT_TRUE(future.running());
  EXPECT_FALSE(future.done());
  EXPECT_THROW(static_cast<void>(future.exception()), InvalidState);
  event.set();
  loop.run_ready();
  EXPECT_FALSE(future.running());
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.cancelled());
  EXPECT_EQ(future.exception(), nullptr);
}

// C235 C236
TEST(Future, CancelledWhilePendingIsDoneAtOnceAndNeverRuns) {
  EventLoop loop;
  bool ran = false;
  auto argument = std::make_shared<int>(1);
  const auto body = [&ran](const std::shared_ptr<int>&) { ran = true; };
  const auto future = loop.submit(body, argument);
  EXPECT_TRUE(future.cancel());
  EXPECT_TRUE(future.done());
  EXPECT_TRUE(future.cancelled());
  EXPECT_FALSE(future.cancel());
  EXPECT_THROW(future.block(), Cancelled);
  loop.run();
  EXPECT_FALSE(ran);
  EXPECT_EQ(argument.use_count(), 1);
}

// C235
TEST(Future, CancelledWhileRunningIsAskedToStop) {
  EventLoop loop;
  Event event;
  const auto future = loop.submit(wait_for, std::ref(event));
  loop.run_ready();
  EXPECT_TRUE(future.cancel());
  EXPECT_FALSE(future.done());
  EXPECT_TRUE(future.cancel());  // true unless done
  loop.run_ready();
  EXPECT_TRUE(future.cancelled());
  EXPECT_FALSE(future.cancel());
  EXPECT_THROW(future.block(), Cancelled);
}

TEST(Future, OfWorkThatIgnoresTheStopYieldsItsValue) {
  EventLoop loop;
  const auto stubborn = []() -> Task<int> {
    try {
      co_await cohort::sleep_for(1h);
    } catch (const Cancelled&) {}
    co_return 8;
  };
  const auto future = loop.submit(stubborn);
  loop.run_ready();
  EXPECT_TRUE(future.cancel());
  EXPECT_EQ(future.block(), 8);
  EXPECT_FALSE(future.cancelled());
}

// C235
TEST(Future, CancelledAfterItIsDoneSaysNo) {
  EventLoop loop;
  const auto one = [] { return 1; };
  const auto future = loop.submit(one);
  EXPECT_EQ(future.block(), 1);
  EXPECT_FALSE(future.cancel());
  EXPECT_EQ(future.block(), 1);
}

// C238
TEST(Future, CallsBackWhenDoneWithItself) {
  EventLoop loop;
  Event event;
  const auto future = loop.submit(wait_for, std::ref(event));
  Words log;
  future.add_done_callback([&](const Future<int>& f) {
    EXPECT_EQ(f, future);
    log.push_back("first " + std::to_string(f.block()));
  });
  future.add_done_callback([&](const Future<int>&) { log.push_back("second"); });
  loop.run_ready();
  EXPECT_EQ(log, Words{});
  event.set();
  loop.run();
  EXPECT_EQ(log, (Words{"first 5", "second"}));
  future.add_done_callback([&](const Future<int>&) { log.push_back("late"); });
  EXPECT_EQ(log.back(), "late");
}

// C238
TEST(Future, CallsBackWhenItIsCancelledPending) {
  EventLoop loop;
  const auto future = loop.submit(fail);
  bool cancelled = false;
  future.add_done_callback([&](const Future<int>& f) { cancelled = f.cancelled(); });
  future.cancel();
  EXPECT_TRUE(cancelled);
  loop.run();
}

// C238
TEST(Future, ReportsWhatACallbackThrows) {
  const Unobserved unobserved;
  Promise<int> promise;
  bool called = false;
  promise.future().add_done_callback([](const auto&) { throw std::logic_error("callback"); });
  promise.future().add_done_callback([&](const auto&) { called = true; });
  promise.set_value(1);
  EXPECT_TRUE(called);
  EXPECT_EQ(unobserved.texts(), Words{"callback"});
}

TEST(Future, CallsEachCallbackOnceInTheOrderInWhichTheyWereAdded) {  // C238
  const Unobserved unobserved;
  Words log;
  const auto note = [&log](const char* what) {
    return [&log, what](const auto&) { log.push_back(what); };
  };
  const auto bad = [&log](const auto&) {
    log.push_back("bad");
    throw std::logic_error("bad");
  };
  Promise<void> promise;
  promise.future().add_done_callback(note("one"));
  promise.future().add_done_callback(bad);
  promise.future().add_done_callback(note("two"));
  promise.set_value();
  EXPECT_EQ(log, (Words{"one", "bad", "two"}));
  promise.future().add_done_callback(bad);  // at once
  promise.future().add_done_callback(note("three"));
  EXPECT_EQ(log, (Words{"one", "bad", "two", "bad", "three"}));
  EXPECT_FALSE(promise.future().cancel());
  EXPECT_EQ(log.size(), 5U);
  EXPECT_EQ(unobserved.texts(), (Words{"bad", "bad"}));
  Promise<void> cancelled;
  cancelled.future().add_done_callback(note("four"));
  EXPECT_TRUE(cancelled.future().cancel());
  EXPECT_FALSE(cancelled.future().cancel());
  EXPECT_EQ(log.back(), "four");
  EXPECT_EQ(log.size(), 6U);
}

TEST(Future, WhenCancelledThrowsHoweverLittleOneWaits) {  // C236
  Promise<int> promise;
  const Future<int> future = promise.future();
  future.cancel();
  EXPECT_THROW(static_cast<void>(future.within(0s).block()), Cancelled);
  EXPECT_THROW(static_cast<void>(future.within(-1s).block()), Cancelled);
  EXPECT_THROW(std::rethrow_exception(future.exception()), Cancelled);
}

TEST(Future, FreesACallbackThatItHasCalled) {
  const auto captured = std::make_shared<int>(1);
  Promise<int> promise;
  const Future<int> future = promise.future();
  future.add_done_callback([captured](const Future<int>&) {});
  EXPECT_EQ(captured.use_count(), 2);
  promise.set_value(1);
  EXPECT_EQ(captured.use_count(), 1);
}

TEST(Future, WhenDroppedLeavesItsWorkRunning) {
  EventLoop loop;
  bool ran = false;
  const auto note = [&ran] { ran = true; };
  static_cast<void>(loop.submit(note));
  loop.run();
  EXPECT_TRUE(ran);
}

TEST(Future, ReportsAnExceptionThatNobodyFetched) {
  const Unobserved unobserved;
  EventLoop loop;
  static_cast<void>(loop.submit(fail));
  loop.run();
  EXPECT_EQ(unobserved.texts(), Words{"failed"});
}

TEST(Future, DoesNotReportAnExceptionThatWasFetchedNorACancellation) {
  const Unobserved unobserved;
  EventLoop loop;
  {
    const auto thrown = loop.submit(fail);
    EXPECT_THROW(thrown.block(), std::runtime_error);
    EXPECT_THROW(thrown.block(), std::runtime_error);  // as often as one likes
    const auto looked_at = loop.submit(fail);
    loop.run();
    EXPECT_NE(looked_at.exception(), nullptr);
    const auto cancelled = loop.submit(fail);
    cancelled.cancel();
    loop.run();
  }
  EXPECT_EQ(unobserved.texts(), Words{});
}

TEST(Future, OfAReferenceYieldsTheVeryObject) {
  EventLoop loop;
  int object = 1;
  const auto refer = [](int& x) -> int& { return x; };
  const Future<int&> future = loop.submit(refer, std::ref(object));
  EXPECT_EQ(&future.block(), &object);
  EXPECT_EQ(&loop.submit(refer, std::ref(object)).block(), &object);
}

TEST(Future, ThatIsEmptySaysSo) {
  Future<int> empty;
  EXPECT_FALSE(empty.valid());
  EXPECT_THROW(static_cast<void>(empty.done()), InvalidState);
  EXPECT_THROW(empty.block(), InvalidState);
  EXPECT_THROW(empty.cancel(), InvalidState);
}

TEST(Future, ServesThreadsAndCoroutinesAlike) {
  Promise<int> promise;
  const Future<int> future = promise.future();
  ThreadPool pool{2};
  const auto get = [](Future<int> f) -> Task<int> {
    const int& x = co_await f;
    co_return x;
  };
  std::vector<Future<int>> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(pool.submit(get, future));
  std::vector<int> got(3);
  std::vector<std::thread> threads;
  for (int& g : got) threads.emplace_back([&g, future] { g = future.block(); });
  promise.set_value(6);
  for (auto& thread : threads) thread.join();
  for (const auto& task : tasks) EXPECT_EQ(task.block(), 6);
  EXPECT_EQ(got, (std::vector{6, 6, 6}));
}

TEST(Future, CancelRacingWithTheEndOfItsTaskDoesNoHarm) {
  ThreadPool pool{2};
  const auto short_task = []() -> Task<int> {
    Event never;
    const bool in_time = co_await never.wait().within(0s);
    co_return in_time ? 1 : 2;
  };
  int values = 0;
  int cancellations = 0;
  for (int i = 0; i < 5000; ++i) {
    const auto future = pool.submit(short_task);
    for (int k = 0; k < i % 50; ++k) static_cast<void>(future.done());
    future.cancel();
    try {
      values += future.block() == 2 ? 1 : 0;
    } catch (const Cancelled&) {
      ++cancellations;
    }
  }
  EXPECT_EQ(values + cancellations, 5000);
}

// C237
TEST(Promise, CompletesItsFutureOnce) {
  Promise<int> promise;
  const Future<int> future = promise.future();
  EXPECT_FALSE(future.done());
  promise.set_value(4);
  EXPECT_TRUE(future.done());
  EXPECT_EQ(future.block(), 4);
  EXPECT_THROW(promise.set_value(5), InvalidState);
  EXPECT_THROW(promise.set_exception(std::make_exception_ptr(1)), InvalidState);
  EXPECT_EQ(future.block(), 4);
}

TEST(Promise, OfVoidAndOfAReference) {
  Promise<void> nothing;
  nothing.set_value();
  nothing.future().block();
  int object = 1;
  Promise<int&> refers;
  refers.set_value(object);
  EXPECT_EQ(&refers.future().block(), &object);
}

TEST(Promise, HandsOverAnException) {  // C239
  Promise<int> promise;
  promise.set_exception(std::make_exception_ptr(std::range_error("far")));
  EXPECT_THROW(promise.future().block(), std::range_error);
}

TEST(Promise, DestroyedUnsetFailsItsFuture) {
  Future<int> dropped;
  Future<int> overwritten;
  {
    Promise<int> promise;
    overwritten = promise.future();
    promise = Promise<int>();
    EXPECT_TRUE(overwritten.done());
    dropped = promise.future();
    EXPECT_FALSE(dropped.done());
  }
  EXPECT_THROW(dropped.block(), InvalidState);
  EXPECT_THROW(overwritten.block(), InvalidState);
}

// C237
TEST(Promise, OfACancelledFutureCannotBeSet) {
  Promise<int> promise;
  EXPECT_TRUE(promise.future().cancel());
  EXPECT_THROW(promise.set_value(1), InvalidState);
  EXPECT_THROW(promise.future().block(), Cancelled);
}

TEST(Promise, WhoseValueCannotBeMadeMayStillFail) {
  struct Picky {
    explicit Picky(int x) {
      if (x < 0) throw std::invalid_argument("negative");
    }
  };
  Promise<Picky> promise;
  EXPECT_THROW(promise.set_value(-1), std::invalid_argument);
  promise.set_exception(std::current_exception() ? std::current_exception()
                                                 : std::make_exception_ptr(std::range_error("x")));
  EXPECT_THROW(promise.future().block(), std::range_error);
}

}  // namespace
