// SPDX-License-Identifier: BSL-1.0

// Stop scopes nested deeply: each leg of when_all and each group has one of its own.

#include <gtest/gtest.h>

#include <ctime>
#include <tuple>
#include <utility>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using cohort::Cancelled;
using cohort::Event;
using cohort::EventLoop;
using cohort::run;
using cohort::Task;

constexpr int deep = 100'000;

Task<int> legs(int n, Event* wait_at_the_end) {
  if (n > 0) {
    const auto below = co_await cohort::when_all(legs(n - 1, wait_at_the_end));
    co_return 1 + std::get<0>(below);
  }
  if (wait_at_the_end) co_await wait_at_the_end->wait();
  co_return 0;
}

TEST(Depth, ManyNestedForks) { EXPECT_EQ(run(legs(deep, nullptr)), deep); }

TEST(Depth, ManyNestedForksThatWait) {
  EventLoop loop;
  Event event;
  const auto future = loop.submit(legs, deep, &event);
  loop.run_ready();
  event.set();
  EXPECT_EQ(future.block(), deep);
}

TEST(Depth, ManyNestedForksThatAreCancelled) {
  EventLoop loop;
  Event never;
  const auto future = loop.submit(legs, deep, &never);
  loop.run_ready();
  future.cancel();
  EXPECT_THROW(future.block(), Cancelled);
}

Task<int> waits_beside(int n, Event* event) {
  co_await event->wait();
  co_return n;
}
Task<int> legs_that_wait(int n, Event* event, int* waiting) {
  if (n == 0) co_return 0;
  ++*waiting;
  const auto both =
      co_await cohort::when_all(legs_that_wait(n - 1, event, waiting), waits_beside(1, event));
  co_return std::get<0>(both) + std::get<1>(both);
}

double seconds_of_processor(int n, bool cancelled) {
  const std::clock_t start = std::clock();
  EventLoop loop;
  Event event;
  int waiting = 0;
  const auto future = loop.submit(legs_that_wait, n, &event, &waiting);
  loop.run_ready();
  EXPECT_EQ(waiting, n);
  if (cancelled) {
    future.cancel();
    EXPECT_THROW(future.block(), Cancelled);
  } else {
    event.set();
    EXPECT_EQ(future.block(), n);
  }
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// Whoever waits asks whether it shall stop, but not everybody above it: that would take the square
// of the time.
TEST(Depth, ManyNestedForksWithAWaitInEach) {
  for (const bool cancelled : {false, true}) {
    const double few = seconds_of_processor(deep / 20, cancelled);
    const double all = seconds_of_processor(deep, cancelled);
    EXPECT_LT(all, 20 * few * 10) << "cancelled: " << cancelled;  // the square would be 400
  }
}

}  // namespace
