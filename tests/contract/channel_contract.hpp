// SPDX-License-Identifier: BSL-1.0
#pragma once

/// channel under contract: whoever waits, and however, and whatever kind of channel it is. Before it is
/// included there is a fixture, ChannelContract, that makes channels.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // Crew

namespace cohort::test {

// C112 C120
TEST_P(ChannelContract, YieldsItemsInTheOrderInWhichTheyWereSentAndThenTheEnd) {
  for (const int capacity : capacities) {
    auto ends = make<int>(capacity);
    int next = 0;
    Crew crew(flavour());
    crew.start([tx = std::move(ends.tx)](auto how) -> Script<decltype(how)> {
      for (int i = 0; i < 1000; ++i) co_await tx.send(i);
    });
    crew.start([&next, rx = std::move(ends.rx)](auto how) -> Script<decltype(how)> {
      for (;;) {
        const std::optional<int> x = co_await rx.recv();
        if (!x) break;
        EXPECT_EQ(*x, next++);
      }
    });
    crew.join();
    EXPECT_EQ(next, 1000);
  }
}

// C114
TEST_P(ChannelContract, HoldsExactlyItsCapacity) {
  for (const int capacity : {1, 2, 3, 5, 8}) {
    auto ends = make<int>(capacity);
    Crew crew(flavour());
    crew.start([&ends, capacity](auto how) -> Script<decltype(how)> {
      for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < capacity; ++i) EXPECT_TRUE(co_await ends.tx.send(i).within(0ms));
        EXPECT_EQ(ends.tx.size(), static_cast<std::size_t>(capacity));
        EXPECT_FALSE(co_await ends.tx.send(-1).within(0ms));
        EXPECT_FALSE(ends.tx.try_send(-1));
        for (int i = 0; i < capacity; ++i) EXPECT_EQ(co_await ends.rx.recv(), i);
        EXPECT_TRUE(ends.rx.try_recv().timed_out());
      }
    });
  }
}

// C001 C002 C003
TEST_P(ChannelContract, ATimedReceiveSaysWhetherItWasTooEarlyOrForEver) {
  auto ends = make<int>(2);
  Crew crew(flavour());
  crew.start([&ends](auto how) -> Script<decltype(how)> {
    for (const auto limit : {0ms, -5ms, 5ms}) {
      const Timed<int> early = co_await ends.rx.recv().within(limit);
      EXPECT_FALSE(early);
      EXPECT_TRUE(early.timed_out());
      EXPECT_FALSE(early.closed());
    }
    co_await ends.tx.send(1);
    const Timed<int> item = co_await ends.rx.recv().within(-5ms);
    EXPECT_TRUE(item.has_value());
    EXPECT_FALSE(item.timed_out());
    co_await ends.tx.send(2);
    ends.tx.close();
    const Timed<int> last = co_await ends.rx.recv().within(0ms);
    EXPECT_TRUE(last && *last == 2);
    const Timed<int> over = co_await ends.rx.recv().within(1h);
    EXPECT_TRUE(over.closed());
    EXPECT_FALSE(over.timed_out());
    EXPECT_TRUE(ends.rx.try_recv().closed());
    EXPECT_EQ(co_await ends.rx.recv(), std::nullopt);
  });
}

// C115
TEST_P(ChannelContract, ABlockedReceiverContinuesAfterASendAndASenderAfterAReceive) {
  auto ends = make<int>(1);
  std::atomic<int> in_line{0};
  Log<int> got;
  Crew crew(flavour());
  const Party& receiver = crew.start([&](auto how) -> Script<decltype(how)> {
    const std::optional<int> x = co_await watched(ends.rx.recv(), in_line);
    got.add(x.value_or(-1));
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  EXPECT_FALSE(receiver.ended());
  ends.tx.send(1).block();
  EXPECT_EQ(receiver.end(), Ending::finished);
  ends.tx.send(2).block();
  const Party& sender = crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_TRUE(co_await watched(ends.tx.send(3), in_line).within(1h));
  });
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  EXPECT_FALSE(sender.ended());
  EXPECT_EQ(ends.rx.recv().block(), 2);
  EXPECT_EQ(sender.end(), Ending::finished);
  EXPECT_EQ(ends.rx.recv().block(), 3);
  EXPECT_EQ(got.entries(), std::vector{1});
}

// C006
TEST_P(ChannelContract, CancelledWaitsHaveTakenNothingAndLeftNothing) {
  auto ends = make<int>(1);
  std::atomic<int> in_line{0};
  Crew crew(flavour());
  Party& receiver = crew.start([&](auto how) -> Script<decltype(how)> {
    static_cast<void>(co_await watched(ends.rx.recv(), in_line).within(1h));
    ADD_FAILURE() << "not cancelled";
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  receiver.cancel();
  ASSERT_TRUE(ends.tx.try_send(1));
  EXPECT_EQ(receiver.end(), Ending::cancelled);
  Party& sender = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await watched(ends.tx.send(2), in_line);
    ADD_FAILURE() << "not cancelled";
  });
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  sender.cancel();
  EXPECT_EQ(ends.rx.recv().block(), 1);
  EXPECT_TRUE(ends.rx.try_recv().timed_out());
  EXPECT_EQ(sender.end(), Ending::cancelled);
}

// API 6: the end of the stream
TEST_P(ChannelContract, TheEndOfTheLastSenderWakesAReceiver) {
  auto ends = make<int>(3);
  std::atomic<int> in_line{0};
  std::optional<Sender<int>> tx(std::move(ends.tx));
  Crew crew(flavour());
  const Party& receiver = crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_EQ(co_await watched(ends.rx.recv(), in_line), std::nullopt);
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  tx.reset();
  EXPECT_EQ(receiver.end(), Ending::finished);
}

// API 6: close() of either end, with both sides blocked
TEST_P(ChannelContract, CloseWakesWhoeverWaits) {
  for (const bool by_sender : {false, true}) {
    auto empty = make<int>(1), full = make<int>(1);
    std::atomic<int> in_line{0}, refused{0};
    ASSERT_TRUE(full.tx.try_send(1));
    Crew crew(flavour());
    crew.start([&](auto how) -> Script<decltype(how)> {
      EXPECT_EQ(co_await watched(empty.rx.recv(), in_line), std::nullopt);
    });
    crew.start([&](auto how) -> Script<decltype(how)> {
      try {
        co_await watched(full.tx.send(2), in_line).within(1h);
      } catch (const Closed&) {
        ++refused;
      }
    });
    ASSERT_TRUE(eventually([&] { return in_line == 2; }));
    if (by_sender) {
      empty.tx.close();
      full.tx.close();
    } else {
      empty.rx.close();
      full.rx.close();
    }
    crew.join();
    EXPECT_EQ(refused, 1);
    EXPECT_TRUE(full.tx.closed());
    EXPECT_EQ(full.rx.recv().block(), 1) << "what was buffered is drained";
    EXPECT_EQ(full.rx.recv().block(), std::nullopt);
    EXPECT_THROW(full.tx.send(3).block(), Closed);
  }
}

// API 6: a sender among many others does not miss the end of the receiver
TEST_P(ChannelContract, ASenderAtFullSpeedHearsThatItsReceiverIsGone) {
  constexpr int rounds = 30;
  std::atomic<int> refused{0};
  for (int round = 0; round < rounds; ++round) {
    auto ends = make<int>(4);
    Crew crew(flavour());
    crew.start([&refused, tx = std::move(ends.tx)](auto how) -> Script<decltype(how)> {
      try {
        while (co_await tx.send(1).within(20s)) {}
      } catch (const Closed&) {
        ++refused;
      }
    });
    for (int i = 0; i < round % 7; ++i) static_cast<void>(ends.rx.try_recv());
    Receiver<int>(std::move(ends.rx));
  }
  EXPECT_EQ(refused, rounds);
}

// API 6: an item in the buffer when close() came is not lost
TEST_P(ChannelContract, WhatWasAcceptedBeforeCloseIsReceived) {
  for (int round = 0; round < 30; ++round) {
    auto ends = make<int>(3);
    std::atomic<int> accepted{0}, received{0};
    Crew crew(flavour());
    crew.start([&](auto how) -> Script<decltype(how)> {
      try {
        while (co_await ends.tx.send(1).within(20s)) ++accepted;
        ADD_FAILURE() << "did not hear of close()";
      } catch (const Closed&) {}
    });
    crew.start([&](auto how) -> Script<decltype(how)> {
      for (;;) {
        const std::optional<int> x = co_await ends.rx.recv();
        if (!x) break;
        if (++received == round) ends.rx.close();
      }
    });
    if (round == 0) ends.tx.close();
    crew.join();
    EXPECT_EQ(received, accepted);
  }
}

// ---------------------------------------------------------------------------------- capacity 0

}  // namespace cohort::test
