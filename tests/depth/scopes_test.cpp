// SPDX-License-Identifier: BSL-1.0

// Stop scopes nested deeply: each leg of when_all and each group has one of its own.

#include <gtest/gtest.h>

#include <tuple>
#include <utility>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using cohort::Cancelled;
using cohort::Event;
using cohort::EventLoop;
using cohort::run;
using cohort::Task;

// With an ordinary stack: reaching a stop scope from the one at the root is a recursion, and asking
// whether stop was requested a walk.
constexpr int deep = 100'000;
constexpr int less_deep = 5'000;

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
  const auto future = loop.submit(legs, less_deep, &event);
  loop.run_ready();
  event.set();
  EXPECT_EQ(future.block(), less_deep);
}

TEST(Depth, ManyNestedForksThatAreCancelled) {
  EventLoop loop;
  Event never;
  const auto future = loop.submit(legs, less_deep, &never);
  loop.run_ready();
  future.cancel();
  EXPECT_THROW(future.block(), Cancelled);
}

}  // namespace
