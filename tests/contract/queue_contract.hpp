// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Queue under contract: whoever waits, and however, sees one and the same queue.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "support/flavours.hpp"  // Crew

namespace cohort::test {

class QueueContract : public testing::TestWithParam<Flavour> {};
INSTANTIATE_TEST_SUITE_P(Everybody, QueueContract, testing::ValuesIn(all_flavours), flavour_name);

bool is_function(Flavour f) {
  return f == Flavour::functions_1 || f == Flavour::functions_2 || f == Flavour::functions_8;
}

// C112
TEST_P(QueueContract, YieldsItemsInTheOrderInWhichTheyWerePut) {
  Queue<int> queue;
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    for (const int x : {111, 333, 222}) co_await queue.put(x);
    for (const int x : {111, 333, 222}) EXPECT_EQ(co_await queue.get(), x);
    EXPECT_TRUE(queue.empty());
  });
}

// C113
TEST_P(QueueContract, HasNoBoundWhereMaxsizeIsZeroOrNegative) {
  Queue<int> zero{0}, negative{-7}, defaulted;
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    for (auto* const queue : {&zero, &negative, &defaulted}) {
      for (int i = 0; i < 1000; ++i) co_await queue->put(i);
      EXPECT_EQ(queue->qsize(), 1000U);
      EXPECT_EQ(queue->maxsize(), 0U);
      EXPECT_FALSE(queue->full());
    }
  });
}

// C001 C002 C003 C114
TEST_P(QueueContract, GivesUpAtOnceOrInTimeWhenItIsEmpty) {
  Queue<int> queue{2};
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_EQ(queue.try_get(), std::nullopt);
    EXPECT_THROW(queue.get_nowait(), cohort::Empty);
    for (const auto limit : {0ms, -5ms, -86400000ms}) {
      EXPECT_EQ(co_await queue.get().within(limit), std::nullopt);
      EXPECT_EQ(co_await queue.get().until(cohort::now() + limit), std::nullopt);
    }
    const auto start = cohort::now();
    EXPECT_EQ(co_await queue.get().within(10ms), std::nullopt);
    EXPECT_GE(cohort::now() - start, 10ms);
    // What is there is had, whatever the limit.
    for (const auto limit : {0ms, -5ms, 3600000ms}) {
      EXPECT_TRUE(queue.try_put(7));
      EXPECT_EQ(co_await queue.get().within(limit), 7);
    }
    queue.put_nowait(8);
    EXPECT_EQ(queue.try_get(), 8);
  });
}

// C001 C002 C003 C114
TEST_P(QueueContract, GivesUpAtOnceOrInTimeWhenItIsFull) {
  Queue<int> queue{2};
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_TRUE(co_await queue.put(0).within(0ms));
    EXPECT_TRUE(co_await queue.put(1).within(-5ms));
    EXPECT_TRUE(queue.full());
    EXPECT_FALSE(queue.try_put(9));
    EXPECT_THROW(queue.put_nowait(9), cohort::Full);
    EXPECT_FALSE(co_await queue.put(9).within(0ms));
    EXPECT_FALSE(co_await queue.put(9).within(-5ms));
    const auto start = cohort::now();
    EXPECT_FALSE(co_await queue.put(9).within(10ms));
    EXPECT_GE(cohort::now() - start, 10ms);
    EXPECT_EQ(queue.qsize(), 2U);
    EXPECT_EQ(co_await queue.get(), 0);
    EXPECT_EQ(co_await queue.get(), 1);
    EXPECT_EQ(queue.try_get(), std::nullopt) << "a put that gave up has left its item";
  });
}

// C115 C009
TEST_P(QueueContract, ABlockedGetContinuesAfterAPut) {
  Queue<int> queue{1};
  std::atomic<int> in_line{0};
  Log<int> got;
  Crew crew(GetParam());
  const Party& endless = crew.start(
      [&](auto how) -> Script<decltype(how)> { got.add(co_await watched(queue.get(), in_line)); });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  const Party& patient = crew.start([&](auto how) -> Script<decltype(how)> {
    const std::optional<int> item = co_await watched(queue.get(), in_line).within(1h);
    got.add(item.value_or(-1));
  });
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  EXPECT_FALSE(endless.ended());
  EXPECT_FALSE(patient.ended());
  queue.put(1).block();
  EXPECT_EQ(endless.end(), Ending::finished);
  EXPECT_FALSE(patient.ended());
  queue.put(2).block();
  EXPECT_EQ(patient.end(), Ending::finished);
  EXPECT_EQ(got.entries(), (std::vector{1, 2}));
}

// C115
TEST_P(QueueContract, ABlockedPutContinuesAfterAGet) {
  Queue<int> queue{1};
  std::atomic<int> in_line{0};
  queue.put_nowait(0);
  Crew crew(GetParam());
  const Party& endless = crew.start(
      [&](auto how) -> Script<decltype(how)> { co_await watched(queue.put(1), in_line); });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  const Party& patient = crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_TRUE(co_await watched(queue.put(2), in_line).within(1h));
  });
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  EXPECT_FALSE(endless.ended());
  EXPECT_EQ(queue.get().block(), 0);
  EXPECT_EQ(endless.end(), Ending::finished);
  EXPECT_FALSE(patient.ended());
  EXPECT_EQ(queue.get().block(), 1);
  EXPECT_EQ(patient.end(), Ending::finished);
  EXPECT_EQ(queue.get().block(), 2);
}

// C006
TEST_P(QueueContract, ACancelledGetHasLeftItsLineAndTakenNothing) {
  Queue<int> queue{1};
  std::atomic<int> in_line{0};
  Log<int> got;
  Crew crew(GetParam());
  std::array<Party*, 3> parties{};
  for (int i = 0; i < 3; ++i) {
    parties[static_cast<std::size_t>(i)] = &crew.start([&](auto how) -> Script<decltype(how)> {
      got.add(co_await watched(queue.get(), in_line));
    });
    ASSERT_TRUE(eventually([&] { return in_line == i + 1; }));
  }
  parties[0]->cancel();
  queue.put_nowait(5);  // the first is out of line already
  EXPECT_EQ(parties[1]->end(), Ending::finished);
  EXPECT_EQ(parties[0]->end(), Ending::cancelled);
  parties[2]->cancel();
  EXPECT_EQ(parties[2]->end(), Ending::cancelled);
  queue.put_nowait(6);
  EXPECT_EQ(got.entries(), std::vector{5});
  EXPECT_EQ(queue.try_get(), 6);
}

// C006
TEST_P(QueueContract, ACancelledPutHasLeftItsLineAndNothingBehind) {
  Queue<int> queue{1};
  std::atomic<int> in_line{0};
  queue.put_nowait(0);
  Crew crew(GetParam());
  std::array<Party*, 2> parties{};
  for (int i = 0; i < 2; ++i) {
    parties[static_cast<std::size_t>(i)] = &crew.start(
        [&, i](auto how) -> Script<decltype(how)> { co_await watched(queue.put(i + 1), in_line); });
    ASSERT_TRUE(eventually([&] { return in_line == i + 1; }));
  }
  parties[0]->cancel();
  EXPECT_EQ(queue.get_nowait(), 0);
  EXPECT_EQ(queue.get_nowait(), 2) << "the second's item has taken the room";
  EXPECT_EQ(parties[0]->end(), Ending::cancelled);
  EXPECT_EQ(parties[1]->end(), Ending::finished);
  EXPECT_TRUE(queue.empty());
}

// C006
TEST_P(QueueContract, ATimedOutWaiterIsSteppedOver) {
  Queue<int> queue{1};
  std::atomic<int> in_line{0};
  Log<int> got;
  Crew crew(GetParam());
  const Party& late = crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_EQ(co_await watched(queue.get(), in_line).within(1ms), std::nullopt);
  });
  EXPECT_EQ(late.end(), Ending::finished);
  in_line = 0;  // where all is slow, the first is late before it comes into line
  const Party& next = crew.start(
      [&](auto how) -> Script<decltype(how)> { got.add(co_await watched(queue.get(), in_line)); });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  queue.put_nowait(3);
  EXPECT_EQ(next.end(), Ending::finished);
  EXPECT_EQ(got.entries(), std::vector{3});
}

// C007
TEST_P(QueueContract, ServesGettersInTheOrderInWhichTheyCame) {
  Queue<int> queue;
  std::atomic<int> in_line{0};
  std::array<std::atomic<int>, 8> got{};
  Crew crew(GetParam());
  for (int i = 0; i < 8; ++i) {
    crew.start([&, i](auto how) -> Script<decltype(how)> {
      got[static_cast<std::size_t>(i)] = co_await watched(queue.get(), in_line);
    });
    ASSERT_TRUE(eventually([&] { return in_line == i + 1; }));
  }
  for (int i = 0; i < 8; ++i) queue.put_nowait(100 + i);
  crew.join();
  for (int i = 0; i < 8; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], 100 + i);
}

// C007
TEST_P(QueueContract, ServesPuttersInTheOrderInWhichTheyCame) {
  Queue<int> queue{1};
  std::atomic<int> in_line{0};
  queue.put_nowait(0);
  Crew crew(GetParam());
  for (int i = 1; i < 8; ++i) {
    crew.start(
        [&, i](auto how) -> Script<decltype(how)> { co_await watched(queue.put(i), in_line); });
    ASSERT_TRUE(eventually([&] { return in_line == i; }));
  }
  for (int i = 0; i < 8; ++i) EXPECT_EQ(queue.get_nowait(), i);
}

// C121
TEST_P(QueueContract, ShutdownWakesEverybodyWhoWaits) {
  for (const bool immediate : {false, true}) {
    Queue<int> empty{2}, full{1};
    std::atomic<int> in_line{0}, refused{0};
    full.put_nowait(1);
    Crew crew(GetParam());
    for (int i = 0; i < 3; ++i) {
      crew.start([&](auto how) -> Script<decltype(how)> {
        try {
          co_await watched(empty.get(), in_line);
        } catch (const ShutDown&) {
          ++refused;
        }
      });
      crew.start([&](auto how) -> Script<decltype(how)> {
        try {
          co_await watched(full.put(2), in_line).within(1h);
        } catch (const ShutDown&) {
          ++refused;
        }
      });
    }
    ASSERT_TRUE(eventually([&] { return in_line == 6; }));
    empty.shutdown(immediate);
    full.shutdown(immediate);
    crew.join();
    EXPECT_EQ(refused, 6);
    EXPECT_EQ(full.qsize(), immediate ? 0U : 1U);
    if (!immediate) {
      EXPECT_EQ(full.try_get(), 1);
    }
    EXPECT_THROW(full.try_get(), ShutDown);
  }
}

// C121 C001
TEST_P(QueueContract, AfterShutdownItIsDrainedAndTakesNothing) {
  for (const int maxsize : {0, 3}) {
    Queue<int> queue{maxsize};
    Crew crew(GetParam());
    crew.start([&](auto how) -> Script<decltype(how)> {
      for (int i = 0; i < 3; ++i) co_await queue.put(i);
      for (int twice = 0; twice < 2; ++twice) queue.shutdown();
      int refused = 0;
      for (const auto limit : {0ms, 3600000ms}) {
        try {
          co_await queue.put(9).within(limit);
        } catch (const ShutDown&) {
          ++refused;
        }
      }
      EXPECT_THROW(static_cast<void>(queue.try_put(9)), ShutDown);
      EXPECT_THROW(queue.put_nowait(9), ShutDown);
      EXPECT_EQ(co_await queue.get(), 0);
      EXPECT_EQ(co_await queue.get().within(0ms), 1);
      EXPECT_EQ(queue.try_get(), 2);
      for (const auto limit : {0ms, 3600000ms}) {
        try {
          co_await queue.get().within(limit);
        } catch (const ShutDown&) {
          ++refused;
        }
      }
      EXPECT_THROW(queue.try_get(), ShutDown);
      EXPECT_THROW(queue.get_nowait(), ShutDown);
      EXPECT_EQ(refused, 4);
    });
  }
}

// C120
TEST_P(QueueContract, FiftyProducersAndFiftyConsumersExchangeEveryItemOnce) {
  constexpr int items = 10000;
  const int pairs = is_function(GetParam()) ? 25 : 50;  // a pool has so many spare threads
  for (const int maxsize : {7, 0}) {
    Queue<int> queue{maxsize};
    std::vector<std::atomic<int>> seen(items);
    Crew crew(GetParam());
    for (int p = 0; p < pairs; ++p) {
      crew.start([&, p](auto how) -> Script<decltype(how)> {
        for (int i = p; i < items; i += pairs) co_await queue.put(i);
      });
      crew.start([&](auto how) -> Script<decltype(how)> {
        for (int i = 0; i < items / pairs; ++i) ++seen.at(std::size_t(co_await queue.get()));
      });
    }
    crew.join();
    for (const auto& times : seen) ASSERT_EQ(times, 1);
    EXPECT_TRUE(queue.empty());
  }
}

// C120
TEST_P(QueueContract, OneProducerAndOneConsumerKeepTheOrder) {
  for (const int maxsize : {1, 3, 0}) {
    Queue<int> queue{maxsize};
    int mistakes = 0;
    Crew crew(GetParam());
    crew.start([&](auto how) -> Script<decltype(how)> {
      for (int i = 0; i < 1000; ++i) co_await queue.put(i);
    });
    crew.start([&](auto how) -> Script<decltype(how)> {
      for (int i = 0; i < 1000; ++i) mistakes += co_await queue.get() != i;
    });
    crew.join();
    EXPECT_EQ(mistakes, 0);
  }
}

}  // namespace cohort::test
