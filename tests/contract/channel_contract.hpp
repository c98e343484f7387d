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
  for (const int capacity : {0, 1}) {
    for (const bool by_sender : {false, true}) {
      auto empty = make<int>(capacity), full = make<int>(capacity);
      std::atomic<int> in_line{0}, refused{0};
      EXPECT_EQ(full.tx.try_send(1), capacity == 1);
      Crew crew(flavour());
      crew.start([&](auto how) -> Script<decltype(how)> {
        EXPECT_EQ(co_await watched(empty.rx.recv(), in_line), std::nullopt);
        EXPECT_EQ(co_await empty.rx.recv(), std::nullopt);
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
      if (capacity == 1) {
        EXPECT_EQ(full.rx.recv().block(), 1) << "what was buffered is drained";
      }
      EXPECT_EQ(full.rx.recv().block(), std::nullopt);
      EXPECT_TRUE(full.rx.try_recv().closed());
      EXPECT_THROW(full.tx.send(3).block(), Closed);
      EXPECT_THROW(static_cast<void>(full.tx.try_send(3)), Closed);
    }
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

// API 6: a send that nobody will ever receive
TEST_P(ChannelContract, TheEndOfTheLastReceiverRefusesABlockedSender) {
  auto ends = make<std::string>(1);
  std::atomic<int> in_line{0};
  std::optional<Receiver<std::string>> rx(std::move(ends.rx));
  std::string item = "2";
  Crew crew(flavour());
  const Party& sender = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await ends.tx.send("1");
    try {
      co_await watched(ends.tx.send_from(item), in_line);
      ADD_FAILURE() << "accepted";
    } catch (const Closed&) {}
    EXPECT_EQ(item, "2") << "moved from although refused";
    EXPECT_THROW(static_cast<void>(ends.tx.try_send(std::move(item))), Closed);
    EXPECT_EQ(item, "2") << "moved from although refused";  // NOLINT: what is tested
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  rx.reset();
  EXPECT_EQ(sender.end(), Ending::finished);
}

// API 6: capacity 0 is rendezvous
TEST_P(ChannelContract, ASendWithoutABufferCompletesWhenItsItemIsTaken) {
  auto ends = make<int>(0);
  std::atomic<int> in_line{0};
  Log<int> sent;
  EXPECT_EQ(ends.tx.capacity(), 0U);
  Crew crew(flavour());
  const Party& sender = crew.start([&](auto how) -> Script<decltype(how)> {
    for (const int i : {1, 2, 3}) {
      co_await watched(ends.tx.send(i), in_line);
      sent.add(i);
    }
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  EXPECT_FALSE(ends.tx.try_send(-1)) << "nobody receives";
  EXPECT_EQ(ends.rx.size(), 0U);
  EXPECT_TRUE(sent.entries().empty());
  EXPECT_EQ(ends.rx.recv().block(), 1);
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  EXPECT_EQ(sent.entries(), std::vector{1});
  const Timed<int> second = ends.rx.try_recv();
  EXPECT_TRUE(second && *second == 2) << "taken from the sender that waits";
  ASSERT_TRUE(eventually([&] { return in_line == 3; }));
  EXPECT_EQ(ends.rx.recv().within(0ms).block().value(), 3);
  EXPECT_EQ(sender.end(), Ending::finished);
  EXPECT_TRUE(ends.rx.try_recv().timed_out());
}

// API 6: capacity 0 is rendezvous
TEST_P(ChannelContract, ATrySendWithoutABufferSucceedsOnlyIfAReceiverWaits) {
  auto ends = make<int>(0);
  std::atomic<int> in_line{0};
  Crew crew(flavour());
  EXPECT_FALSE(ends.tx.try_send(0));
  Party& gone = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await watched(ends.rx.recv(), in_line);
    ADD_FAILURE() << "not cancelled";
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  gone.cancel();
  EXPECT_EQ(gone.end(), Ending::cancelled);
  EXPECT_FALSE(ends.tx.try_send(0)) << "the receiver has left";
  const Party& receiver = crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_EQ(co_await watched(ends.rx.recv(), in_line), 1);
  });
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  EXPECT_TRUE(ends.tx.try_send(1));
  EXPECT_FALSE(ends.tx.try_send(2)) << "there was one receiver";
  EXPECT_EQ(receiver.end(), Ending::finished);
}

// API 6 C006: capacity 0 is rendezvous
TEST_P(ChannelContract, ASendWithoutABufferThatGaveUpHasLeftNothing) {
  auto ends = make<std::string>(0);
  std::string item = "1";
  std::atomic<int> in_line{0};
  Crew crew(flavour());
  const Party& late = crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_FALSE(co_await ends.tx.send_from(item).within(-1ms));
    EXPECT_FALSE(co_await ends.tx.send_from(item).within(2ms));
    const auto nothing = co_await ends.rx.recv().within(2ms);
    EXPECT_TRUE(nothing.timed_out());
    EXPECT_FALSE(ends.tx.try_send(std::move(item)));
  });
  EXPECT_EQ(late.end(), Ending::finished);
  Party& cancelled = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await watched(ends.tx.send_from(item), in_line);
    ADD_FAILURE() << "not cancelled";
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  cancelled.cancel();
  EXPECT_TRUE(ends.rx.try_recv().timed_out());
  EXPECT_EQ(cancelled.end(), Ending::cancelled);
  EXPECT_EQ(item, "1") << "moved from although nobody took it";
}

// ------------------------------------------------------------------------------------ batches

// API 6: send_many and recv_many, and mixed with send and recv
TEST_P(ChannelContract, BatchesArriveWholeAndInOrder) {
  constexpr int count = 600;
  for (const int capacity : {0, 1, 3, 64}) {
    auto ends = make<int>(capacity);
    std::vector<int> got;
    Crew crew(flavour());
    crew.start([tx = std::move(ends.tx)](auto how) -> Script<decltype(how)> {
      std::vector<int> batch;
      for (int i = 0, size = 0; i < count; ++size) {
        batch.resize(static_cast<std::size_t>(std::min(size % 10, count - i)));
        std::iota(batch.begin(), batch.end(), i);
        i += static_cast<int>(batch.size());
        if (size % 3 == 0) {
          co_await tx.send_many(std::vector<int>(batch));
        } else {
          co_await tx.send_many(batch);
          EXPECT_TRUE(batch.empty());
        }
        if (i < count) co_await tx.send(i++);
      }
    });
    crew.start([&got, rx = std::move(ends.rx)](auto how) -> Script<decltype(how)> {
      for (std::size_t most = 1;; most = most % 20 + 1) {
        const std::size_t before = got.size();
        const std::size_t more = co_await rx.recv_many(got, most);
        EXPECT_EQ(got.size(), before + more);
        EXPECT_LE(more, most);
        if (more == 0) break;
        const std::vector<int> batch = co_await rx.recv_many(most);
        EXPECT_LE(batch.size(), most);
        got.insert(got.end(), batch.begin(), batch.end());
        const std::optional<int> x = co_await rx.recv();
        if (x) got.push_back(*x);
      }
    });
    crew.join();
    std::vector<int> all(count);
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(got, all) << "capacity " << capacity;
  }
}

// API 6: recv_many
TEST_P(ChannelContract, RecvManyWaitsForOneItemAndTakesWhatIsThere) {
  auto ends = make<int>(5);
  std::atomic<int> in_line{0};
  std::vector<int> got{0}, rest;
  Crew crew(flavour());
  EXPECT_THROW(static_cast<void>(ends.rx.recv_many(got, 0)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(ends.rx.recv_many(0)), std::invalid_argument);
  const Party& receiver = crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_EQ(co_await ends.rx.recv_many(got, 3).within(0ms), std::nullopt);
    EXPECT_EQ(co_await ends.rx.recv_many(3).within(2ms), std::nullopt);
    EXPECT_EQ(co_await watched(ends.rx.recv_many(got, 3), in_line), 1U);
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  ends.tx.send(1).block();
  EXPECT_EQ(receiver.end(), Ending::finished);
  EXPECT_EQ(got, (std::vector{0, 1}));
  for (const int i : {2, 3, 4, 5, 6}) ends.tx.send(i).block();
  ends.tx.close();
  crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_EQ(co_await ends.rx.recv_many(got, 3).within(0ms), 3U);
    rest = co_await ends.rx.recv_many(3);
    EXPECT_EQ(co_await ends.rx.recv_many(got, 3), 0U);
    EXPECT_EQ(co_await ends.rx.recv_many(got, 3).within(1h), 0U);
    const std::vector<int> over = co_await ends.rx.recv_many(3);
    EXPECT_TRUE(over.empty());
  });
  crew.join();
  EXPECT_EQ(got, (std::vector{0, 1, 2, 3, 4}));
  EXPECT_EQ(rest, (std::vector{5, 6}));
}

// API 6 C006
TEST_P(ChannelContract, ARecvManyThatIsCancelledHasTakenNothing) {
  for (const int capacity : {0, 3}) {
    auto ends = make<int>(capacity);
    std::atomic<int> in_line{0};
    std::vector<int> got;
    Crew crew(flavour());
    Party& receiver = crew.start([&](auto how) -> Script<decltype(how)> {
      co_await watched(ends.rx.recv_many(got, 3), in_line);
      ADD_FAILURE() << "not cancelled";
    });
    ASSERT_TRUE(eventually([&] { return in_line == 1; }));
    receiver.cancel();
    EXPECT_EQ(ends.tx.try_send(1), capacity != 0);
    EXPECT_EQ(receiver.end(), Ending::cancelled);
    EXPECT_EQ(ends.rx.try_recv().has_value(), capacity != 0);
    EXPECT_TRUE(got.empty());
  }
}

// API 6: send_many
TEST_P(ChannelContract, SendManyWaitsForRoomUntilAllIsAccepted) {
  for (const int capacity : {0, 2}) {
    auto ends = make<std::string>(capacity);
    std::atomic<int> in_line{0};
    std::vector<std::string> items;
    for (int i = 0; i < 7; ++i) items.push_back(std::to_string(i));
    Crew crew(flavour());
    const Party& sender = crew.start([&](auto how) -> Script<decltype(how)> {
      co_await watched(ends.tx.send_many(items), in_line);
      EXPECT_TRUE(items.empty());
    });
    ASSERT_TRUE(eventually([&] { return in_line == 1; }));
    for (int i = 0; i < 7; ++i) {
      EXPECT_EQ(sender.ended() && i + capacity < 7, false) << i;
      const auto item = ends.rx.recv().block();
      ASSERT_TRUE(item);
      EXPECT_EQ(*item, std::to_string(i));
    }
    EXPECT_EQ(sender.end(), Ending::finished);
    EXPECT_TRUE(ends.rx.try_recv().timed_out());
  }
}

// API 6 C006: what is left in the vector is what was not accepted
TEST_P(ChannelContract, ASendManyThatEndsEarlyKeepsWhatWasNotAccepted) {
  for (const std::string why : {"late", "late at once", "closed", "cancelled"}) {
    for (const int capacity : {0, 3}) {
      auto ends = make<std::string>(capacity);
      std::atomic<int> in_line{0};
      std::vector<std::string> items;
      for (int i = 0; i < 8; ++i) items.push_back(std::to_string(i));
      Crew crew(flavour());
      Party& sender = crew.start([&](auto how) -> Script<decltype(how)> {
        try {
          if (why == "late at once") {
            EXPECT_FALSE(co_await ends.tx.send_many(items).within(0ms));
          } else if (why == "late") {
            EXPECT_FALSE(co_await ends.tx.send_many(items).within(2ms));
          } else {
            co_await watched(ends.tx.send_many(items), in_line);
            ADD_FAILURE() << "accepted";
          }
        } catch (const Closed&) {
          EXPECT_EQ(why, "closed");
        }
      });
      if (why == "closed" || why == "cancelled") {
        ASSERT_TRUE(eventually([&] { return in_line == 1; }));
        EXPECT_EQ(*ends.rx.recv().block(), "0") << "which makes room for another";
        EXPECT_EQ(*ends.rx.recv().block(), "1");
      }
      if (why == "closed") ends.rx.close();
      if (why == "cancelled") sender.cancel();
      EXPECT_EQ(sender.end(), why == "cancelled" ? Ending::cancelled : Ending::finished);
      int next = in_line == 1 ? 2 : 0;
      for (Timed<std::string> item; (item = ends.rx.try_recv());)
        EXPECT_EQ(*item, std::to_string(next++));
      EXPECT_EQ(next, (in_line == 1 ? 2 : 0) + capacity);
      EXPECT_EQ(items.size(), static_cast<std::size_t>(8 - next)) << why << capacity;
      for (const auto& item : items) EXPECT_EQ(item, std::to_string(next++));
    }
  }
}

// API 6: whatever close() comes between
TEST_P(ChannelContract, BatchesAreReceivedOrLeftWhenItIsClosed) {
  for (int round = 0; round < 30; ++round) {
    auto ends = make<int>(round % 4);
    std::atomic<int> accepted{0}, received{0};
    Crew crew(flavour());
    crew.start([&](auto how) -> Script<decltype(how)> {
      std::vector<int> items;
      try {
        for (;;) {
          items.assign(5, 1);
          EXPECT_TRUE(co_await ends.tx.send_many(items).within(20s));
          accepted += 5;
        }
      } catch (const Closed&) {
        accepted += 5 - static_cast<int>(items.size());
      }
    });
    crew.start([&](auto how) -> Script<decltype(how)> {
      std::vector<int> items;
      for (;;) {
        items.clear();
        const std::size_t count = co_await ends.rx.recv_many(items, 3);
        if (count == 0) break;
        const int before = received.fetch_add(static_cast<int>(count));
        if (before < round && received >= round) ends.rx.close();
      }
    });
    if (round == 0) ends.tx.close();
    crew.join();
    EXPECT_EQ(received, accepted);
  }
}

}  // namespace cohort::test
