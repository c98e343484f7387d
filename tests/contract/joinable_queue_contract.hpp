// SPDX-License-Identifier: BSL-1.0
#pragma once

/// JoinableQueue under contract: whoever waits, and however.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "support/flavours.hpp"  // Crew

namespace cohort::test {

class JoinableQueueContract : public testing::TestWithParam<Flavour> {};
INSTANTIATE_TEST_SUITE_P(Everybody, JoinableQueueContract, testing::ValuesIn(all_flavours),
                         flavour_name);

// C117
TEST(JoinableQueueErrors, TaskDoneTooOftenIsAnErrorAndChangesNothing) {
  JoinableQueue<int> queue;
  std::string said;
  try {
    queue.task_done();
  } catch (const OverRelease& e) {
    said = e.what();
  }
  EXPECT_NE(said.find("called too many times"), std::string::npos) << said;
  queue.put_nowait(1);
  EXPECT_EQ(queue.get_nowait(), 1);
  queue.task_done();
  EXPECT_THROW(queue.task_done(), OverRelease);
  queue.put_nowait(2);
  EXPECT_FALSE(queue.join().within(0ms).block());
}

// C118
TEST_P(JoinableQueueContract, JoinReturnsWhenEveryItemIsDoneAndCanBeCalledTwice) {
  JoinableQueue<int> queue{4};
  std::atomic<int> sum{0};
  Crew crew(GetParam());
  for (int worker = 0; worker < 2; ++worker) {
    crew.start([&](auto how) -> Script<decltype(how)> {
      for (int item; (item = co_await queue.get()) >= 0; queue.task_done()) sum += item;
      queue.task_done();
    });
  }
  crew.start([&](auto how) -> Script<decltype(how)> {
    co_await queue.join();  // nothing was put
    for (int i = 0; i < 100; ++i) co_await queue.put(i);
    co_await queue.join();
    EXPECT_EQ(sum, 4950);
    for (int worker = 0; worker < 2; ++worker) co_await queue.put(-1);
    co_await queue.join();
    co_await queue.join();
  });
}

// C118
TEST_P(JoinableQueueContract, AnItemThatWasGotIsStillUnfinished) {
  JoinableQueue<int> queue;
  std::atomic<int> in_line{0};
  queue.put_nowait(1);
  queue.put_nowait(2);
  Crew crew(GetParam());
  std::array<Party*, 2> joiners{};
  for (auto& joiner : joiners) {
    joiner = &crew.start(
        [&](auto how) -> Script<decltype(how)> { co_await watched(queue.join(), in_line); });
  }
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  EXPECT_EQ(queue.get_nowait(), 1);
  EXPECT_EQ(queue.get_nowait(), 2);
  queue.task_done();
  EXPECT_FALSE(joiners[0]->ended());
  EXPECT_FALSE(queue.join().within(1ms).block());
  queue.task_done();
  for (auto* joiner : joiners) EXPECT_EQ(joiner->end(), Ending::finished);
}

// C118
TEST_P(JoinableQueueContract, WhoeverWaitsWhenTheLastIsDoneReturnsWhateverIsPutNext) {
  JoinableQueue<int> queue;
  std::atomic<int> in_line{0};
  queue.put_nowait(0);
  Crew crew(GetParam());
  for (int round = 1; round <= 20; ++round) {
    const Party& joiner = crew.start(
        [&](auto how) -> Script<decltype(how)> { co_await watched(queue.join(), in_line); });
    ASSERT_TRUE(eventually([&] { return in_line == round; }));
    queue.task_done();
    queue.put_nowait(round);
    EXPECT_EQ(joiner.end(), Ending::finished);
  }
}

// C118: a put that waits for room is not an item yet
TEST_P(JoinableQueueContract, OnlyWhatWasAcceptedCounts) {
  JoinableQueue<int> queue{1};
  std::atomic<int> in_line{0};
  queue.put_nowait(1);
  Crew crew(GetParam());
  Party& putter = crew.start(
      [&](auto how) -> Script<decltype(how)> { co_await watched(queue.put(2), in_line); });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  putter.cancel();
  EXPECT_FALSE(queue.try_put(3));
  EXPECT_EQ(queue.get_nowait(), 1);
  queue.task_done();
  EXPECT_TRUE(queue.join().within(0ms).block());
  EXPECT_THROW(queue.task_done(), OverRelease);
}

// C006
TEST_P(JoinableQueueContract, ACancelledJoinHasLeftItsLine) {
  JoinableQueue<int> queue;
  std::atomic<int> in_line{0};
  queue.put_nowait(1);
  Crew crew(GetParam());
  Party& joiner = crew.start(
      [&](auto how) -> Script<decltype(how)> { co_await watched(queue.join(), in_line); });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  joiner.cancel();
  queue.task_done();
  EXPECT_EQ(joiner.end(), Ending::cancelled);
}

// C121
TEST_P(JoinableQueueContract, AnImmediateShutdownCountsWhatItDropsAsDone) {
  for (const bool one_was_got : {false, true}) {
    JoinableQueue<int> queue;
    std::atomic<int> in_line{0};
    for (int i = 0; i < 3; ++i) queue.put_nowait(i);
    Crew crew(GetParam());
    const Party& joiner = crew.start(
        [&](auto how) -> Script<decltype(how)> { co_await watched(queue.join(), in_line); });
    ASSERT_TRUE(eventually([&] { return in_line == 1; }));
    if (one_was_got) {
      EXPECT_EQ(queue.get_nowait(), 0);
    }
    queue.shutdown();
    EXPECT_FALSE(queue.join().within(0ms).block());
    queue.shutdown(true);
    if (one_was_got) {
      EXPECT_FALSE(queue.join().within(0ms).block());
      queue.task_done();
    }
    EXPECT_EQ(joiner.end(), Ending::finished);
    EXPECT_THROW(queue.get_nowait(), ShutDown);
    EXPECT_THROW(queue.task_done(), OverRelease);
  }
}

// C117 C121: one task_done too many, which nobody could tell, leaves nobody waiting
TEST(JoinableQueueErrors, AnImmediateShutdownReleasesJoinThoughSomebodyWasDoneTooEarly) {
  JoinableQueue<int> queue;
  for (int i = 0; i < 3; ++i) queue.put_nowait(i);
  EXPECT_EQ(queue.get_nowait(), 0);
  queue.task_done();
  queue.task_done();
  queue.shutdown(true);
  EXPECT_TRUE(queue.join().within(0ms).block());
}

// C121: what was about to be put is refused or dropped, nothing in between.
TEST_P(JoinableQueueContract, AnImmediateShutdownLeavesNothingThoughOthersPut) {
  for (int round = 0; round < 100; ++round) {
    JoinableQueue<int> queue{64};
    Crew crew(GetParam());
    for (int putter = 0; putter < 2; ++putter) {
      crew.start([&](auto how) -> Script<decltype(how)> {
        try {
          for (int i = 0;; ++i) co_await queue.put(i);
        } catch (const ShutDown&) {}
      });
    }
    while (queue.empty()) std::this_thread::yield();
    queue.shutdown(true);
    EXPECT_TRUE(queue.empty());
    queue.join().block();
    EXPECT_THROW(queue.task_done(), OverRelease);
  }
}

}  // namespace cohort::test
