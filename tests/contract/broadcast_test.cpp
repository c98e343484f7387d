// SPDX-License-Identifier: BSL-1.0

// broadcast under contract: whoever waits, and however.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // Crew

namespace {

using namespace std::chrono_literals;
using cohort::broadcast;
using cohort::BroadcastReceiver;
using cohort::BroadcastSender;
using cohort::Closed;
using cohort::Lagged;
using cohort::select;
using cohort::Task;
using cohort::UsageError;
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

class BroadcastContract : public testing::TestWithParam<Flavour> {};
INSTANTIATE_TEST_SUITE_P(Everybody, BroadcastContract, testing::ValuesIn(all_flavours),
                         flavour_name);

// Everything that can be received now; stops at the end, or where there is nothing yet.
template <class T>
std::vector<T> all_of(const BroadcastReceiver<T>& rx) {
  std::vector<T> all;
  while (auto x = rx.try_recv()) all.push_back(*x);
  return all;
}

// API 6
TEST_P(BroadcastContract, EveryReceiverGetsEveryMessageSentAfterItSubscribed) {
  auto ends = broadcast<std::string>(8);
  ends.tx.send("one");
  const auto second = ends.rx.subscribe();
  ends.tx.send("two");
  const auto third = ends.tx.subscribe();
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    co_await ends.tx.send("three");
    ends.tx = {};
  });
  const auto expect = [&crew](const BroadcastReceiver<std::string>& rx,
                              std::vector<std::string> messages) {
    crew.start([&rx, messages](auto how) -> Script<decltype(how)> {
      for (const std::string& message : messages) EXPECT_EQ(co_await rx.recv(), message);
      for (int twice = 0; twice < 2; ++twice) EXPECT_EQ(co_await rx.recv(), std::nullopt);
    });
  };
  expect(ends.rx, {"one", "two", "three"});
  expect(second, {"two", "three"});
  expect(third, {"three"});
}

// API 6
TEST_P(BroadcastContract, OneMessageWakesAllWhoWaitForIt) {
  const auto ends = broadcast<int>(1);
  std::atomic<int> in_line{0};
  Log<std::optional<int>> got;
  std::vector<BroadcastReceiver<int>> receivers(6, ends.rx);
  Crew crew(GetParam());
  for (const auto& rx : receivers) {
    crew.start(
        [&](auto how) -> Script<decltype(how)> { got.add(co_await watched(rx.recv(), in_line)); });
  }
  ASSERT_TRUE(eventually([&] { return in_line == 6; }));
  ends.tx.send(7);
  crew.join();
  EXPECT_EQ(got.entries(), std::vector<std::optional<int>>(6, 7));
  EXPECT_EQ(ends.rx.size(), 1U);
}

// API 6: nothing is lost silently
TEST_P(BroadcastContract, AReceiverThatFallsBehindIsToldHowManyItMissed) {
  const auto ends = broadcast<int>(4);
  const auto quick = ends.rx.subscribe();
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    for (int i = 0; i < 10; ++i) {
      ends.tx.send(i);
      EXPECT_EQ(co_await quick.recv(), i);
    }
    std::uint64_t missed = 0;
    try {
      co_await ends.rx.recv();
    } catch (const Lagged& e) {
      missed = e.missed();
    }
    EXPECT_EQ(missed, 6U);
    for (const int i : {6, 7}) EXPECT_EQ(co_await ends.rx.recv(), i);
    ends.tx.send(10);
    ends.tx.send(11);
    EXPECT_EQ(ends.rx.size(), 4U) << "as far behind as it can be";
    const auto at_once = co_await ends.rx.recv().within(0ms);
    EXPECT_EQ(at_once.value(), 8);
    for (int i = 12; i < 15; ++i) ends.tx.send(i);
    missed = 0;
    try {
      ends.rx.try_recv();
    } catch (const Lagged& e) {
      missed = e.missed();
    }
    EXPECT_EQ(missed, 2U);
    for (const int i : {11, 12, 13, 14}) EXPECT_EQ(co_await ends.rx.recv(), i);
  });
}

// API 6
TEST(Broadcast, ACopyOfAReceiverGetsWhatThatOneHasYetToGet) {
  const auto ends = broadcast<std::shared_ptr<int>>(2);
  const auto item = std::make_shared<int>(1);
  ends.tx.send(item);
  ends.tx.send(item);
  ASSERT_TRUE(ends.rx.try_recv());
  const auto copy = ends.rx;
  ends.tx.send(item);
  EXPECT_EQ(all_of(ends.rx).size(), 2U);
  EXPECT_EQ(item.use_count(), 3) << "the copy has yet to get two";
  EXPECT_EQ(all_of(copy).size(), 2U);
  EXPECT_EQ(item.use_count(), 1);
  for (int i = 0; i < 3; ++i) ends.tx.send(item);
  const auto behind = copy;
  EXPECT_THROW(behind.try_recv(), Lagged);
  EXPECT_EQ(all_of(behind).size(), 2U);
  EXPECT_THROW(copy.try_recv(), Lagged);
  EXPECT_EQ(ends.tx.receivers(), 3U);
}

// API 6
TEST_P(BroadcastContract, EachMessageGoesToTheFirstOfThoseWhoWaitAtOneReceiver) {
  auto ends = broadcast<int>(4);
  const auto other = ends.rx.subscribe();
  std::atomic<int> in_line{0};
  Log<std::optional<int>> got;
  Crew crew(GetParam());
  std::array<Party*, 3> waiting{};
  for (std::size_t i = 0; i < 3; ++i) {
    waiting[i] = &crew.start([&](auto how) -> Script<decltype(how)> {
      got.add(co_await watched(ends.rx.recv(), in_line));
    });
    ASSERT_TRUE(eventually([&] { return in_line == static_cast<int>(i) + 1; }));
  }
  crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_EQ(co_await watched(other.recv(), in_line), 1);
  });
  ASSERT_TRUE(eventually([&] { return in_line == 4; }));
  ends.tx.send(1);
  EXPECT_EQ(waiting[0]->end(), Ending::finished);
  EXPECT_EQ(got.size(), 1U);
  ends.tx.send(2);
  EXPECT_EQ(waiting[1]->end(), Ending::finished);
  EXPECT_EQ(got.size(), 2U);
  ends.tx.close();
  crew.join();
  EXPECT_EQ(got.entries(), (std::vector<std::optional<int>>{1, 2, std::nullopt}));
  EXPECT_EQ(other.recv().block(), 2);
  EXPECT_EQ(other.recv().block(), std::nullopt);
}

// C006
TEST_P(BroadcastContract, AWaitThatGaveUpHasTakenNothing) {
  const auto ends = broadcast<int>(4);
  std::atomic<int> in_line{0};
  Log<std::optional<int>> got;
  Crew crew(GetParam());
  Party& gives_up = crew.start([&](auto how) -> Script<decltype(how)> {
    const auto late = co_await ends.rx.recv().within(1ms);
    EXPECT_TRUE(late.timed_out());
    got.add(co_await watched(ends.rx.recv(), in_line));
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  const Party& next = crew.start([&](auto how) -> Script<decltype(how)> {
    got.add(co_await watched(ends.rx.recv(), in_line));
  });
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  gives_up.cancel();
  ends.tx.send(1);
  ends.tx.send(2);
  EXPECT_EQ(gives_up.end(), Ending::cancelled);
  EXPECT_EQ(next.end(), Ending::finished);
  EXPECT_EQ(got.entries(), std::vector<std::optional<int>>{1});
  EXPECT_EQ(all_of(ends.rx), std::vector{2});
}

// API 6: send with no receiver left
TEST(Broadcast, SendingToNobodyIsAnErrorUntilSomebodySubscribes) {
  auto ends = broadcast<int>(2);
  const BroadcastSender<int> copy = ends.tx;
  ends.rx = {};
  EXPECT_THROW(ends.tx.send(1), Closed);
  EXPECT_FALSE(copy.try_send(1));
  EXPECT_FALSE(copy.closed()) << "that can change";
  const auto rx = copy.subscribe();
  ends.tx.send(2);
  EXPECT_TRUE(copy.try_send(3));
  copy.close();
  EXPECT_TRUE(ends.tx.closed() && rx.closed());
  EXPECT_THROW(ends.tx.send(4), Closed);
  EXPECT_FALSE(ends.tx.try_send(4));
  EXPECT_EQ(all_of(rx), (std::vector{2, 3}));
  EXPECT_TRUE(rx.try_recv().closed());
  EXPECT_TRUE(rx.subscribe().try_recv().closed());
}

// API 6
TEST_P(BroadcastContract, TheEndComesWhenTheLastSenderIsGone) {
  auto ends = broadcast<int>(2);
  auto copy = ends.tx;
  const auto other = ends.rx;
  std::atomic<int> in_line{0}, ended{0};
  Crew crew(GetParam());
  for (const BroadcastReceiver<int>& rx : {std::cref(ends.rx), std::cref(other)}) {
    crew.start([&](auto how) -> Script<decltype(how)> {
      if (!co_await watched(rx.recv(), in_line)) ++ended;
    });
  }
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  ends.tx = {};
  EXPECT_FALSE(ends.rx.closed());
  EXPECT_EQ(ended, 0);
  copy = {};
  crew.join();
  EXPECT_EQ(ended, 2);
}

// A message is kept only for those who have yet to get it.
TEST(Broadcast, AMessageGoesWhenTheLastReceiverGotItOrIsGone) {
  auto ends = broadcast<std::shared_ptr<int>>(100);
  const auto item = std::make_shared<int>(1);
  const auto held = [&] { return item.use_count() - 1; };
  auto slow = std::optional(ends.rx);
  for (int i = 0; i < 50; ++i) ends.tx.send(item);
  EXPECT_EQ(held(), 50);
  EXPECT_EQ(all_of(ends.rx).size(), 50U);
  EXPECT_EQ(held(), 50);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(slow->try_recv());
  EXPECT_EQ(held(), 40);
  slow.reset();
  EXPECT_EQ(held(), 0);
  slow = ends.rx;
  for (int i = 0; i < 150; ++i) ends.tx.send(item);
  EXPECT_EQ(held(), 100) << "overwritten";
  EXPECT_THROW(ends.rx.try_recv(), Lagged);
  EXPECT_EQ(all_of(ends.rx).size(), 100U);
  slow.reset();
  EXPECT_EQ(held(), 0) << "it did not even learn that it lagged";
  ends.tx.send(item);
  ends.tx = {};
  EXPECT_EQ(held(), 1);
  ends.rx = {};
  EXPECT_EQ(held(), 0);
}

Task<std::size_t> first_receiver(const BroadcastReceiver<int>* a, const BroadcastReceiver<int>* b,
                                 std::atomic<int>* in_line) {
  auto first = co_await select(watched(a->recv(), *in_line), watched(b->recv(), *in_line));
  co_return first.index();
}

// C006: two legs at the same gate
TEST(Broadcast, ASelectTakesFromOneReceiverOnly) {
  const auto ends = broadcast<int>(4);
  const auto other = ends.rx;
  cohort::EventLoop loop;
  std::atomic<int> in_line{0};
  const auto winner = cohort::spawn(loop, first_receiver, &ends.rx, &other, &in_line);
  loop.run_ready();
  EXPECT_EQ(in_line, 2);
  ends.tx.send(1);
  EXPECT_EQ(winner.block(), 0U);
  EXPECT_EQ(ends.rx.size(), 0U);
  EXPECT_EQ(all_of(other), std::vector{1});
}

// C120: nothing is missed where nobody falls behind
TEST_P(BroadcastContract, ManySendersAndReceiversSeeEverythingInEachSendersOrder) {
  static constexpr int senders = 3, receivers = 3, each = 300;
  auto ends = broadcast<std::pair<int, int>>(senders * each);
  Crew crew(GetParam());
  for (int r = 0; r < receivers; ++r) {
    crew.start([rx = ends.rx](auto how) -> Script<decltype(how)> {
      std::array<int, senders> next{};
      int count = 0;
      for (; const auto message = co_await rx.recv(); ++count) {
        EXPECT_EQ(message->second, next.at(static_cast<std::size_t>(message->first))++);
      }
      EXPECT_EQ(count, senders * each);
    });
  }
  for (int s = 0; s < senders; ++s) {
    crew.start([s, tx = ends.tx](auto how) mutable -> Script<decltype(how)> {
      for (int i = 0; i < each; ++i) {
        const std::pair message(s, i);
        co_await tx.send(message);
      }
      tx = {};
    });
  }
  ends.tx = {};
  ends.rx = {};
}

// API 6
TEST_P(BroadcastContract, WhatIsReceivedAndWhatIsMissedIsAllThatWasSent) {
  static constexpr int receivers = 3, messages = 3000;
  auto ends = broadcast<int>(3);
  Crew crew(GetParam());
  for (int r = 0; r < receivers; ++r) {
    crew.start([rx = ends.rx](auto how) -> Script<decltype(how)> {
      for (int expected = 0;;) {
        try {
          const std::optional<int> x = co_await rx.recv();
          EXPECT_EQ(x.value_or(messages), expected);
          if (!x) break;
          ++expected;
        } catch (const Lagged& e) {
          expected += static_cast<int>(e.missed());
        }
      }
    });
  }
  crew.start([&](auto how) -> Script<decltype(how)> {
    for (int i = 0; i < messages; ++i) {
      co_await ends.tx.send(i);
      if (i % 7 == 0) co_await cohort::yield_now();
    }
    ends.tx = {};
  });
}

struct ThrowsWhenCopied {
  static inline int until_throw = -1;
  explicit ThrowsWhenCopied(int v) : value(v) {}
  ThrowsWhenCopied(const ThrowsWhenCopied& other) : value(other.value) {
    if (until_throw-- == 0) throw std::runtime_error("a copy failed");
  }
  ThrowsWhenCopied(ThrowsWhenCopied&&) = default;
  int value;
};

// The copy is made by the one who receives.
TEST(Broadcast, ACopyThatThrowsIsTheReceiversAlone) {
  const auto ends = broadcast<ThrowsWhenCopied>(4);
  const auto other = ends.rx;
  ends.tx.send(ThrowsWhenCopied(1));
  ends.tx.send(ThrowsWhenCopied(2));
  ThrowsWhenCopied::until_throw = 0;
  EXPECT_THROW(ends.rx.recv().block(), std::runtime_error);
  EXPECT_EQ(ends.rx.recv().block()->value, 2);
  EXPECT_EQ(other.recv().block()->value, 1);
  EXPECT_EQ(other.recv().block()->value, 2);
}

TEST(Broadcast, RefusesToKeepNothingAndSaysThatAnEndWasMovedFrom) {
  EXPECT_THROW(broadcast<int>(0), std::invalid_argument);
  EXPECT_THROW(broadcast<int>(-1), std::invalid_argument);
  auto ends = broadcast<int>(1U);
  EXPECT_EQ(ends.tx.capacity(), 1U);
  const auto rx = std::move(ends.rx);
  const auto tx = std::move(ends.tx);
  EXPECT_FALSE(ends.rx || ends.tx);  // NOLINT: what is tested
  EXPECT_TRUE(rx && tx);
  EXPECT_THROW(static_cast<void>(ends.rx.recv()), UsageError);
  EXPECT_THROW(ends.tx.send(1), UsageError);
}

}  // namespace
