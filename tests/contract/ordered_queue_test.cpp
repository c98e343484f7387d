// SPDX-License-Identifier: BSL-1.0

// The queues that are not first in, first out, and the simple one: whoever waits, and however.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/flavours.hpp"  // Crew

namespace {

using namespace std::chrono_literals;
using cohort::LifoQueue;
using cohort::PriorityQueue;
using cohort::ShutDown;
using cohort::SimpleQueue;
using cohort::test::all_flavours;
using cohort::test::Crew;
using cohort::test::Ending;
using cohort::test::eventually;
using cohort::test::Flavour;
using cohort::test::flavour_name;
using cohort::test::Log;
using cohort::test::Party;
using cohort::test::Script;
using cohort::test::watched;

class OrderedQueueContract : public testing::TestWithParam<Flavour> {};
INSTANTIATE_TEST_SUITE_P(Everybody, OrderedQueueContract, testing::ValuesIn(all_flavours),
                         flavour_name);

// What holds for both.
template <class Body>
void for_both(Body body) {
  {
    SCOPED_TRACE("LifoQueue");
    body(LifoQueue<int>(2));
  }
  SCOPED_TRACE("PriorityQueue");
  body(PriorityQueue<int>(2));
}

// C112
TEST_P(OrderedQueueContract, YieldsTheNewestFirstOrTheSmallestFirst) {
  LifoQueue<int> lifo;
  PriorityQueue<int> priority;
  PriorityQueue<int, std::greater<int>> greatest;
  SimpleQueue<int> simple;
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    for (const int x : {111, 333, 222}) {
      co_await lifo.put(x);
      co_await priority.put(x);
      co_await greatest.put(x);
      co_await simple.put(x);
    }
    for (const int x : {222, 333, 111}) EXPECT_EQ(co_await lifo.get(), x);
    for (const int x : {111, 222, 333}) EXPECT_EQ(co_await priority.get(), x);
    for (const int x : {333, 222, 111}) EXPECT_EQ(co_await greatest.get(), x);
    for (const int x : {111, 333, 222}) EXPECT_EQ(co_await simple.get(), x);
  });
}

// C112
TEST(PriorityQueueContract, SortsWhateverComesInWhateverOrder) {
  PriorityQueue<std::unique_ptr<int>,
                decltype([](const auto& a, const auto& b) { return *a < *b; })>
      queue;
  std::vector<int> there;
  unsigned random = 1;
  const auto take = [&] {
    const auto least = std::min_element(there.begin(), there.end());
    ASSERT_EQ(*queue.get_nowait(), *least);
    there.erase(least);
  };
  for (int i = 0; i < 2000; ++i) {
    random = random * 1664525 + 1013904223;
    if ((random >> 16) % 5 < 2 && !there.empty()) {
      take();
    } else {
      there.push_back(static_cast<int>((random >> 20) % 100));
      queue.put_nowait(std::make_unique<int>(there.back()));
    }
  }
  while (!there.empty()) take();
  EXPECT_TRUE(queue.empty());
}

// C113 C114
TEST_P(OrderedQueueContract, GivesUpAtOnceOrInTimeWhenItIsEmptyOrFull) {
  for_both([](auto&& queue) {
    Crew crew(GetParam());
    crew.start([&](auto how) -> Script<decltype(how)> {
      EXPECT_EQ(queue.try_get(), std::nullopt);
      EXPECT_THROW(queue.get_nowait(), cohort::Empty);
      EXPECT_EQ(co_await queue.get().within(1ms), std::nullopt);
      EXPECT_TRUE(co_await queue.put(1).within(0ms));
      EXPECT_TRUE(queue.try_put(1));
      EXPECT_TRUE(queue.full());
      EXPECT_EQ(queue.maxsize(), 2U);
      EXPECT_FALSE(queue.try_put(9));
      EXPECT_THROW(queue.put_nowait(9), cohort::Full);
      EXPECT_FALSE(co_await queue.put(9).within(1ms));
      EXPECT_EQ(co_await queue.get(), 1);
      EXPECT_EQ(co_await queue.get(), 1);
      EXPECT_TRUE(queue.empty());
    });
  });
}

// C115 C006
TEST_P(OrderedQueueContract, ABlockedPutOrGetContinuesAndACancelledOneLeavesNothing) {
  for_both([](auto&& queue) {
    std::atomic<int> in_line{0};
    Log<int> got;
    Crew crew(GetParam());
    Party& gives_up = crew.start([&](auto how) -> Script<decltype(how)> {
      got.add(co_await watched(queue.get(), in_line));
    });
    ASSERT_TRUE(eventually([&] { return in_line == 1; }));
    const Party& getter = crew.start([&](auto how) -> Script<decltype(how)> {
      got.add(co_await watched(queue.get(), in_line));
    });
    ASSERT_TRUE(eventually([&] { return in_line == 2; }));
    gives_up.cancel();
    queue.put_nowait(5);
    EXPECT_EQ(getter.end(), Ending::finished);
    EXPECT_EQ(got.entries(), std::vector{5});

    queue.put_nowait(7);
    queue.put_nowait(7);
    Party& withdraws = crew.start(
        [&](auto how) -> Script<decltype(how)> { co_await watched(queue.put(8), in_line); });
    ASSERT_TRUE(eventually([&] { return in_line == 3; }));
    const Party& putter = crew.start(
        [&](auto how) -> Script<decltype(how)> { co_await watched(queue.put(7), in_line); });
    ASSERT_TRUE(eventually([&] { return in_line == 4; }));
    withdraws.cancel();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.get_nowait(), 7);
    EXPECT_EQ(putter.end(), Ending::finished);
    EXPECT_TRUE(queue.empty());
  });
}

// Compares as told, and throws when told.
struct Touchy {
  int value = 0;
  static inline std::atomic<bool> angry{false};
  friend bool operator<(const Touchy& a, const Touchy& b) {
    if (angry) throw std::runtime_error("not comparable");
    return a.value < b.value;
  }
};

// C116
TEST_P(OrderedQueueContract, APutOrGetWhoseComparisonThrowsLeavesTheQueueAsItWas) {
  PriorityQueue<Touchy> queue;
  for (const int x : {4, 2, 3, 1}) queue.put_nowait(Touchy{x});
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    int thrown = 0;
    Touchy::angry = true;
    try {
      co_await queue.put(Touchy{0});
    } catch (const std::runtime_error&) {
      ++thrown;
    }
    try {
      co_await queue.get();
    } catch (const std::runtime_error&) {
      ++thrown;
    }
    Touchy::angry = false;
    EXPECT_EQ(thrown, 2);
    EXPECT_EQ(queue.qsize(), 4U);
    for (const int x : {1, 2, 3, 4}) {
      const Touchy least = co_await queue.get();
      EXPECT_EQ(least.value, x);
    }
  });
}

// C116: the comparison is made by the one who makes room
TEST_P(OrderedQueueContract, ABlockedPutWhoseComparisonThrowsThrowsItAndTheNextIsServed) {
  PriorityQueue<Touchy> queue{2};
  std::atomic<int> in_line{0};
  queue.put_nowait(Touchy{1});
  queue.put_nowait(Touchy{3});
  Log<std::string> said;
  Crew crew(GetParam());
  for (int i = 0; i < 2; ++i) {
    crew.start([&](auto how) -> Script<decltype(how)> {
      try {
        co_await watched(queue.put(Touchy{2}), in_line);
      } catch (const std::runtime_error& e) {
        said.add(e.what());
      }
    });
    ASSERT_TRUE(eventually([&] { return in_line == i + 1; }));
  }
  Touchy::angry = true;
  EXPECT_EQ(queue.get_nowait().value, 1);  // which compares nothing; both puts do
  crew.join();
  Touchy::angry = false;
  EXPECT_EQ(said.entries(), (std::vector<std::string>(2, "not comparable")));
  EXPECT_EQ(queue.get_nowait().value, 3);
  EXPECT_TRUE(queue.empty());
}

// C120
TEST_P(OrderedQueueContract, ManyProducersAndConsumersExchangeEveryItemOnce) {
  for_both([](auto&& queue) {
    constexpr int pairs = 8, items = 2000;
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
  });
}

// C121
TEST_P(OrderedQueueContract, ShutdownRefusesPutsAndDrainsInOrder) {
  for_both([](auto&& queue) {
    std::atomic<int> in_line{0};
    std::atomic<bool> refused{false};
    queue.put_nowait(1);
    queue.put_nowait(1);
    Crew crew(GetParam());
    crew.start([&](auto how) -> Script<decltype(how)> {
      try {
        co_await watched(queue.put(2), in_line);
      } catch (const ShutDown&) {
        refused = true;
      }
    });
    ASSERT_TRUE(eventually([&] { return in_line == 1; }));
    queue.shutdown();
    crew.join();
    EXPECT_TRUE(refused);
    EXPECT_EQ(queue.get_nowait(), 1);
    queue.shutdown(true);
    EXPECT_THROW(queue.try_get(), ShutDown);
    EXPECT_THROW(queue.put_nowait(3), ShutDown);
  });
}

// C119
TEST_P(OrderedQueueContract, ASimpleQueueTakesEverythingAtOnce) {
  SimpleQueue<int> queue;
  std::atomic<int> in_line{0};
  Log<int> got;
  Crew crew(GetParam());
  const Party& getter = crew.start(
      [&](auto how) -> Script<decltype(how)> { got.add(co_await watched(queue.get(), in_line)); });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  queue.put_nowait(7);
  EXPECT_EQ(getter.end(), Ending::finished);
  crew.start([&](auto how) -> Script<decltype(how)> {
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(co_await queue.put(i).within(0ms));
    EXPECT_EQ(queue.qsize(), 1000U);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(co_await queue.get(), i);
    EXPECT_EQ(queue.try_get(), std::nullopt);
    EXPECT_THROW(queue.get_nowait(), cohort::Empty);
    EXPECT_TRUE(queue.empty());
  });
  crew.join();
  EXPECT_EQ(got.entries(), std::vector{7});
}

}  // namespace
