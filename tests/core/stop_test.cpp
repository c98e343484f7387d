// SPDX-License-Identifier: BSL-1.0

// StopSource, StopToken, StopCallback; what a stop does to those who wait.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::Cancelled;
using cohort::Event;
using cohort::EventLoop;
using cohort::run;
using cohort::Semaphore;
using cohort::StopCallback;
using cohort::StopSource;
using cohort::StopToken;
using cohort::Task;

TEST(StopToken, OfNoSourceNeverStops) {
  const StopToken token;
  EXPECT_FALSE(token.stop_possible());
  EXPECT_FALSE(token.stop_requested());
  bool called = false;
  const auto note = [&called] { called = true; };
  const StopCallback callback(token, note);
  EXPECT_FALSE(called);
}

TEST(StopSource, IsRequestedOnceAndSharedByItsCopies) {
  const StopSource source;
  const StopSource copy = source;  // NOLINT: what is tested
  const StopToken token = source.token();
  EXPECT_TRUE(token.stop_possible());
  EXPECT_FALSE(token.stop_requested());
  EXPECT_TRUE(copy.request_stop());
  EXPECT_FALSE(source.request_stop());
  EXPECT_TRUE(source.stop_requested());
  EXPECT_TRUE(token.stop_requested());
  EXPECT_EQ(token, copy.token());
}

TEST(StopToken, OutlivesItsSource) {
  StopToken token;
  {
    const StopSource source;
    token = source.token();
    source.request_stop();
  }
  EXPECT_TRUE(token.stop_requested());
}

TEST(StopCallback, IsCalledOnceOnTheRequestingThread) {
  const StopSource source;
  std::vector<std::thread::id> calls;
  const auto note = [&calls] { calls.push_back(std::this_thread::get_id()); };
  const StopCallback callback(source.token(), note);
  std::thread::id requester;
  std::thread other([&] {
    requester = std::this_thread::get_id();
    source.request_stop();
    source.request_stop();
  });
  other.join();
  EXPECT_EQ(calls, std::vector{requester});
}

TEST(StopCallback, IsCalledAtOnceIfStopWasRequestedBefore) {
  const StopSource source;
  source.request_stop();
  int calls = 0;
  const auto note = [&calls] { ++calls; };
  const StopCallback callback(source.token(), note);
  EXPECT_EQ(calls, 1);
}

TEST(StopCallback, IsNotCalledOnceDestroyed) {
  const StopSource source;
  int calls = 0;
  const auto note = [&calls] { ++calls; };
  { const StopCallback callback(source.token(), note); }
  source.request_stop();
  EXPECT_EQ(calls, 0);
}

TEST(StopCallback, MayDestroyItselfWhileItRuns) {
  const StopSource source;
  int calls = 0;
  std::optional<StopCallback<std::function<void()>>> callback;
  callback.emplace(source.token(), [&] {
    ++calls;
    callback.reset();
  });
  source.request_stop();
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(callback.has_value());
}

TEST(StopCallback, IsWaitedForByItsDestructorOnAnotherThread) {
  const StopSource source;
  Event inside;
  Event go_on;
  std::atomic<bool> finished{false};
  const auto work = [&] {
    inside.set();
    go_on.wait().block();
    finished = true;
  };
  auto callback = std::make_unique<StopCallback<decltype(work)>>(source.token(), work);
  std::thread requester([&] { source.request_stop(); });
  inside.wait().block();
  std::thread releaser([&] { go_on.set(); });
  callback.reset();
  EXPECT_TRUE(finished);
  requester.join();
  releaser.join();
}

TEST(StopCallback, RacingWithItsDestructorIsCalledAtMostOnce) {
  for (int i = 0; i < 300; ++i) {
    const StopSource source;
    std::atomic<int> calls{0};
    const auto note = [&calls] { ++calls; };
    std::optional<StopCallback<decltype(note)>> callback;
    callback.emplace(source.token(), note);
    std::thread requester([&] { source.request_stop(); });
    callback.reset();
    const int before = calls;
    requester.join();
    EXPECT_EQ(calls, before) << "called after its destructor returned";
  }
}

#if defined(__cpp_lib_jthread)
TEST(StopToken, FollowsAStandardToken) {
  std::stop_source standard;
  const StopToken token = standard.get_token();
  EXPECT_FALSE(token.stop_requested());
  standard.request_stop();
  EXPECT_TRUE(token.stop_requested());
  const StopToken late = standard.get_token();
  EXPECT_TRUE(late.stop_requested());
}

TEST(StopToken, OfTheStandardEndsABlockAndARun) {
  std::stop_source standard;
  Event never;
  std::thread other([&] { standard.request_stop(); });
  EXPECT_THROW(never.wait().block(standard.get_token()), Cancelled);
  other.join();
  const auto forever = [](Event& e) -> Task<> { co_await e.wait(); };
  EXPECT_THROW(run(forever(never), standard.get_token()), Cancelled);
}
#endif

TEST(Stop, EndsAThreadsWaitWhichHasTakenNothing) {
  Semaphore permits{0};
  const StopSource source;
  std::thread other([&] { source.request_stop(); });
  EXPECT_THROW(permits.acquire().block(source.token()), Cancelled);
  other.join();
  permits.release();
  EXPECT_EQ(permits.value(), 1U);
}

TEST(Stop, BeforeAWaitMakesEvenAReadyOneThrow) {
  Semaphore permits{1};
  const StopSource source;
  source.request_stop();
  EXPECT_THROW(permits.acquire().block(source.token()), Cancelled);
  EXPECT_EQ(permits.value(), 1U);
}

TEST(Stop, OfTheFirstInLineLeavesThePermitToTheSecond) {
  EventLoop loop;
  Semaphore permits{0};
  const auto take = [](Semaphore& s) -> Task<> { co_await s.acquire(); };
  const auto first = loop.submit(take, std::ref(permits));
  const auto second = loop.submit(take, std::ref(permits));
  loop.run_ready();
  EXPECT_TRUE(first.cancel());
  permits.release();
  second.block();
  EXPECT_EQ(permits.value(), 0U);
  EXPECT_THROW(first.block(), Cancelled);
}

TEST(Stop, AfterAGrantLetsTheWaitCompleteNormally) {
  EventLoop loop;
  Event event;
  bool got = false;
  const auto wait = [](Event& e, bool& flag) -> Task<> {
    co_await e.wait();
    flag = true;
    co_await cohort::checkpoint();
  };
  const auto future = loop.submit(wait, std::ref(event), std::ref(got));
  loop.run_ready();
  event.set();
  EXPECT_TRUE(future.cancel());  // too late for this wait, in time for the next
  EXPECT_THROW(future.block(), Cancelled);
  EXPECT_TRUE(got);
}

TEST(Stop, OfANudgedAcquireLosesNoPermit) {
  EventLoop loop;
  Semaphore permits{0};
  const auto take = [](Semaphore& s) -> Task<> { co_await s.acquire(); };
  const auto first = loop.submit(take, std::ref(permits));
  const auto second = loop.submit(take, std::ref(permits));
  loop.run_ready();
  permits.release();
  first.cancel();
  second.block();
  EXPECT_THROW(first.block(), Cancelled);
  EXPECT_EQ(permits.value(), 0U);
}

TEST(Stop, IsLevelTriggered) {
  EventLoop loop;
  const auto stubborn = []() -> Task<int> {
    int thrown = 0;
    Event never;
    for (int i = 0; i < 3; ++i) {
      try {
        co_await never.wait();
      } catch (const Cancelled&) {
        ++thrown;
      }
    }
    try {
      co_await cohort::sleep_for(1h);
    } catch (const Cancelled&) {
      ++thrown;
    }
    try {
      co_await cohort::yield_now();
    } catch (const Cancelled&) {
      ++thrown;
    }
    co_return thrown;
  };
  const auto future = loop.submit(stubborn);
  loop.run_ready();
  future.cancel();
  EXPECT_EQ(future.block(), 5);
  EXPECT_FALSE(future.cancelled());
}

TEST(Stop, IsSeenByTheTokenOfTheTask) {
  EventLoop loop;
  std::vector<bool> seen;
  const auto look = [](std::vector<bool>& s) -> Task<> {
    const StopToken token = cohort::this_task::stop_token();
    s.push_back(token.stop_requested());
    try {
      co_await cohort::sleep_for(1h);
    } catch (const Cancelled&) {}
    s.push_back(token.stop_requested());
  };
  const auto future = loop.submit(look, std::ref(seen));
  loop.run_ready();
  future.cancel();
  future.block();
  EXPECT_EQ(seen, (std::vector{false, true}));
  EXPECT_FALSE(cohort::this_task::stop_token().stop_possible());
}

TEST(Stop, OfACallerDoesNotReachWhatItSpawned) {
  EventLoop loop;
  cohort::Future<int> inner;
  const auto outer = [](EventLoop& l, cohort::Future<int>& out) -> Task<> {
    out = l.submit([] { return 1; });
    co_await cohort::sleep_for(1h);
  };
  const auto future = loop.submit(outer, std::ref(loop), std::ref(inner));
  loop.run_ready();
  future.cancel();
  EXPECT_THROW(future.block(), Cancelled);
  EXPECT_EQ(inner.block(), 1);
}

TEST(Cancelled, IsNoStandardException) {
  static_assert(!std::is_base_of_v<std::exception, Cancelled>);
  bool swallowed = false;
  try {
    try {
      throw Cancelled{};
    } catch (const std::exception&) {
      swallowed = true;
    }
  } catch (const Cancelled&) {}
  EXPECT_FALSE(swallowed);
}

}  // namespace
