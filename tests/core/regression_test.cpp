// SPDX-License-Identifier: BSL-1.0

// Interleavings in which waiting once went wrong. Where a Spec of the test's own can bring them
// about, on purpose; else by trying often.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::Cancelled;
using cohort::EventLoop;
using cohort::Operation;
using cohort::run;
using cohort::StopSource;
using cohort::Task;
using cohort::ThreadPool;
using cohort::detail::Waiter;
using CoreEvent = cohort::detail::BasicEvent<cohort::detail::Gate>;

// Is granted while it is being armed.
struct GrantedInArm {
  using Result = void;
  struct Place : Waiter {
    using Waiter::BasicWaiter;
  };
  bool try_now(Place&) noexcept { return false; }
  void arm(Place& place) noexcept {
    if (place.wait().claim()) place.wait().publish(cohort::detail::Outcome::granted);
  }
  void disarm(Place&) noexcept {}
  bool retry(Place&) noexcept { return false; }
  void result(Place&) noexcept {}
};

TEST(Await, OfAWaitThatIsGrantedWhileItArmsGoesOn) {
  const auto twice = []() -> Task<int> {
    co_await Operation(GrantedInArm{});
    co_await cohort::this_task::executor().submit([] {});  // a wait that suspends
    co_await Operation(GrantedInArm{});
    co_await cohort::yield_now();
    co_return 2;
  };
  EXPECT_EQ(run(twice()), 2);
  ThreadPool pool{1};
  EXPECT_EQ(run(pool, twice()), 2);
}

TEST(Block, OfAWaitThatIsGrantedWhileItArmsReturns) {
  Operation(GrantedInArm{}).block();
  EXPECT_TRUE(Operation(GrantedInArm{}).within(1h).block());
}

// An event's wait; another thread requests stop when it has entered the stop scope and not yet
// entered the line.
struct StoppedBeforeArm {
  using Result = void;
  struct Place : Waiter {
    using Waiter::BasicWaiter;
  };
  CoreEvent* event;
  const StopSource* source;
  bool try_now(Place&) noexcept { return false; }
  void arm(Place& place) noexcept {
    std::thread([this] { source->request_stop(); }).join();
    event->arm(place);
  }
  void disarm(Place& place) noexcept { event->disarm(place); }
  bool retry(Place&) noexcept { return false; }
  void result(Place&) noexcept {}
};

bool nobody_in_line(CoreEvent& event) {
  bool empty = false;
  event.gate().with(event, [&](auto& line) { empty = line.empty(); });
  return empty;
}

TEST(Block, StoppedWhileItArmsHasLeftTheLine) {
  CoreEvent event;
  const StopSource source;
  const StoppedBeforeArm spec{&event, &source};
  EXPECT_THROW(Operation(spec).block(source.token()), Cancelled);
  EXPECT_TRUE(nobody_in_line(event));
  event.set();
}

TEST(Block, WithALimitStoppedWhileItArmsHasLeftTheLine) {
  CoreEvent event;
  const StopSource source;
  const StoppedBeforeArm spec{&event, &source};
  EXPECT_THROW(static_cast<void>(Operation(spec).within(1h).block(source.token())), Cancelled);
  EXPECT_TRUE(nobody_in_line(event));
}

TEST(Await, StoppedWhileItArmsHasLeftTheLine) {
  CoreEvent event;
  const StopSource source;
  const auto wait = [](StoppedBeforeArm spec) -> Task<> { co_await Operation(std::move(spec)); };
  const auto timed = [](StoppedBeforeArm spec) -> Task<> {
    EXPECT_FALSE(co_await Operation(std::move(spec)).within(1h));
  };
  const StoppedBeforeArm spec{&event, &source};
  EXPECT_THROW(run(wait(spec), source.token()), Cancelled);
  EXPECT_TRUE(nobody_in_line(event));
  const StopSource other;
  const StoppedBeforeArm again{&event, &other};
  EXPECT_THROW(run(timed(again), other.token()), Cancelled);
  EXPECT_TRUE(nobody_in_line(event));
}

TEST(Await, WithLimitsOfNanosecondsEndsEveryTime) {
  CoreEvent event;
  const auto wait = [](CoreEvent* e) -> Task<int> {
    int late = 0;
    for (int i = 0; i < 4000; ++i) {
      const std::chrono::nanoseconds limit(200 + i % 3000);
      auto operation = Operation(cohort::detail::EventWait<CoreEvent>{e});
      if (!co_await std::move(operation).within(limit)) ++late;
    }
    co_return late;
  };
  ThreadPool pool{3};
  std::vector<cohort::Future<int>> futures;
  for (int i = 0; i < 4; ++i) futures.push_back(pool.submit(wait, &event));
  for (const auto& future : futures) EXPECT_EQ(future.block(), 4000);
}

TEST(Block, RacingWithAStopEndsEveryTime) {
  cohort::Event never;
  std::atomic<int> go{0};
  std::atomic<const StopSource*> source{nullptr};
  constexpr int rounds = 5000;
  std::thread stopper([&] {
    for (int i = 1; i <= rounds; ++i) {
      while (go.load() < i) std::this_thread::yield();
      for (std::atomic<int> k{0}; k < i % 1000; ++k) {}
      source.load()->request_stop();
      go.store(-i);
      while (go.load() < 0) std::this_thread::yield();
    }
  });
  int cancelled = 0;
  for (int i = 1; i <= rounds; ++i) {
    const StopSource s;
    source = &s;
    go = i;
    try {
      never.wait().block(s.token());
    } catch (const Cancelled&) {
      ++cancelled;
    }
    while (go.load() != -i) std::this_thread::yield();
    go = 0;
  }
  stopper.join();
  EXPECT_EQ(cancelled, rounds);
}

struct NoHook : cohort::detail::StopHook {};

// Spins, so that the two threads meet closely; not for long, because there may be one CPU.
void wait_until_equal(const std::atomic<int>& word, int value) {
  for (int i = 0; word.load() != value; ++i) {
    if (i < 5000) {
      cohort::detail::RealAtomics::pause();
    } else {
      std::this_thread::yield();
    }
  }
}

TEST(StopScope, DetachedWhileItIsBeingStoppedIsUnlockedAfterwards) {
  cohort::detail::StopScope parent;
  std::atomic<int> go{0};
  std::atomic<cohort::detail::StopScope*> child{nullptr};
  constexpr int rounds = 30000;
  std::thread stopper([&] {
    for (int i = 1; i <= rounds; ++i) {
      wait_until_equal(go, i);
      child.load()->request_stop();
      go.store(-i);
    }
  });
  for (int i = 1; i <= rounds; ++i) {
    cohort::detail::StopScope scope(&parent);
    NoHook hook;
    ASSERT_TRUE(scope.add(hook));
    scope.remove(hook);
    child = &scope;
    go = i;
    for (std::atomic<int> k{0}; k < i % 40; ++k) {}
    scope.detach();
    wait_until_equal(go, -i);
    EXPECT_TRUE(scope.stop_requested());
  }
  stopper.join();
}

}  // namespace
