// SPDX-License-Identifier: BSL-1.0

// oneshot under contract: whoever waits, and however.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <variant>

#include "support/flavours.hpp"  // Crew

namespace {

using namespace std::chrono_literals;
using cohort::Closed;
using cohort::InvalidState;
using cohort::oneshot;
using cohort::OneshotReceiver;
using cohort::OneshotSender;
using cohort::select;
using cohort::Task;
using cohort::UsageError;
using cohort::test::all_flavours;
using cohort::test::Crew;
using cohort::test::Ending;
using cohort::test::eventually;
using cohort::test::Flavour;
using cohort::test::flavour_name;
using cohort::test::Party;
using cohort::test::Script;
using cohort::test::watched;

class OneshotContract : public testing::TestWithParam<Flavour> {};
INSTANTIATE_TEST_SUITE_P(Everybody, OneshotContract, testing::ValuesIn(all_flavours), flavour_name);

// API 6
TEST_P(OneshotContract, TheValueArrivesOnceWhetherItIsWaitedForOrNot) {
  for (const bool waited_for : {false, true}) {
    auto ends = oneshot<std::unique_ptr<int>>();
    std::atomic<int> in_line{0};
    Crew crew(GetParam());
    if (!waited_for) ends.tx.send(std::make_unique<int>(7));
    crew.start([&](auto how) -> Script<decltype(how)> {
      auto value = co_await watched(ends.rx.recv(), in_line);
      EXPECT_EQ(**value, 7);
      for (int twice = 0; twice < 2; ++twice) {
        value = co_await ends.rx.recv();
        EXPECT_FALSE(value) << "there is only one";
      }
    });
    if (waited_for) {
      ASSERT_TRUE(eventually([&] { return in_line == 1; }));
      ends.tx.send(std::make_unique<int>(7));
    }
  }
}

// API 6
TEST_P(OneshotContract, TheReceiverHearsThatTheSenderIsGone) {
  auto ends = oneshot<int>();
  auto copy = ends.tx;
  std::atomic<int> in_line{0};
  std::atomic<bool> heard{false};
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    const auto value = co_await watched(ends.rx.recv(), in_line);
    heard = !value;
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  ends.tx = {};
  EXPECT_TRUE(ends.rx.try_recv().timed_out());
  EXPECT_FALSE(ends.rx.closed());
  copy = {};
  crew.join();
  EXPECT_TRUE(heard);
  EXPECT_TRUE(ends.rx.closed());
  EXPECT_TRUE(ends.rx.try_recv().closed());
}

// API 6: send with no receiver left
TEST(Oneshot, SendingToAReceiverThatIsGoneIsRefused) {
  auto ends = oneshot<std::unique_ptr<int>>();
  auto copy = ends.rx;
  ends.rx = {};
  EXPECT_FALSE(ends.tx.closed());
  copy = {};
  EXPECT_TRUE(ends.tx.closed());
  auto value = std::make_unique<int>(1);
  EXPECT_FALSE(ends.tx.try_send(std::move(value)));
  ASSERT_NE(value, nullptr) << "was moved from";
  EXPECT_THROW(ends.tx.send(std::move(value)), Closed);
}

// API 6
TEST(Oneshot, IsSentOnlyOnce) {
  const auto ends = oneshot<int>();
  const OneshotSender<int> copy = ends.tx;
  ends.tx.send(1);
  EXPECT_TRUE(copy.closed());
  EXPECT_THROW(copy.send(2), InvalidState);
  EXPECT_EQ(ends.rx.try_recv().value(), 1);
  EXPECT_THROW(static_cast<void>(ends.tx.try_send(3)), InvalidState);
  EXPECT_TRUE(ends.rx.try_recv().closed());
}

// API 6
TEST(Oneshot, AValueThatNobodyReceivedGoesWithTheReceiver) {
  const auto item = std::make_shared<int>(1);
  auto ends = oneshot<std::shared_ptr<int>>();
  ends.tx.send(item);
  EXPECT_EQ(item.use_count(), 2);
  auto moved = std::move(ends.rx);
  EXPECT_FALSE(ends.rx);  // NOLINT: what is tested
  EXPECT_THROW(static_cast<void>(ends.rx.recv()), UsageError);
  EXPECT_EQ(item.use_count(), 2);
  moved = {};
  EXPECT_EQ(item.use_count(), 1);
}

// API 6: what was sent before can be received
TEST(Oneshot, AReceiverThatClosesRefusesWhatWasNotSentYet) {
  const auto sent = oneshot<int>(), not_sent = oneshot<int>();
  sent.tx.send(1);
  for (const auto* ends : {&sent, &not_sent}) ends->rx.close();
  EXPECT_EQ(sent.rx.recv().block(), 1);
  EXPECT_EQ(not_sent.rx.recv().block(), std::nullopt);
  EXPECT_THROW(not_sent.tx.send(1), Closed);
}

// C006
TEST_P(OneshotContract, AWaitThatGaveUpHasTakenNothing) {
  const auto ends = oneshot<int>();
  std::atomic<int> in_line{0};
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    const auto late = co_await ends.rx.recv().within(1ms);
    EXPECT_TRUE(late.timed_out());
    co_await watched(ends.rx.recv(), in_line);
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  party.cancel();
  ends.tx.send(7);
  EXPECT_EQ(party.end(), Ending::cancelled);
  const auto value = ends.rx.recv().within(0ms).block();
  EXPECT_EQ(value.value(), 7);
}

Task<std::size_t> first_oneshot(const OneshotReceiver<int>* a, const OneshotReceiver<int>* b) {
  auto first = co_await select(a->recv(), b->recv());
  co_return first.index();
}

// C006
TEST(Oneshot, ASelectTakesOneValueOnly) {
  const auto a = oneshot<int>(), b = oneshot<int>();
  cohort::EventLoop loop;
  const auto winner = cohort::spawn(loop, first_oneshot, &a.rx, &b.rx);
  loop.run_ready();
  b.tx.send(2);
  a.tx.send(1);
  EXPECT_EQ(winner.block(), 1U);
  EXPECT_EQ(a.rx.try_recv().value(), 1);
  EXPECT_TRUE(b.rx.try_recv().closed());
}

struct ThrowsWhenMoved {
  static inline bool throws = false;
  explicit ThrowsWhenMoved(int v) : value(v) {}
  ThrowsWhenMoved(ThrowsWhenMoved&& other) noexcept(false) : value(other.value) {
    if (throws) throw std::runtime_error("a move failed");
  }
  int value;
};

TEST(Oneshot, ASendThatThrowsHasSentNothing) {
  auto ends = oneshot<ThrowsWhenMoved>();
  ThrowsWhenMoved value(1);
  ThrowsWhenMoved::throws = true;
  EXPECT_THROW(static_cast<void>(ends.tx.try_send(std::move(value))), std::runtime_error);
  ThrowsWhenMoved::throws = false;
  EXPECT_FALSE(ends.tx.closed());
  EXPECT_TRUE(ends.rx.try_recv().timed_out());
  ends.tx.send(ThrowsWhenMoved(2));
  EXPECT_EQ(ends.rx.recv().block()->value, 2);
}

// The sender sends, the receiver goes or takes it, at about the same time: the value ends up in one
// place.
TEST(Oneshot, NoValueIsLostOrThereTwiceWhenBothEndsAreQuick) {
  constexpr int rounds = 5000;
  std::atomic<int> round{0};
  std::optional<OneshotReceiver<std::shared_ptr<int>>> rx;
  int received = 0, refused = 0;
  std::thread receiver([&] {
    for (int mine = 1; mine <= rounds; ++mine) {
      while (round.load(std::memory_order_acquire) != mine) std::this_thread::yield();
      for (int i = 0; i < mine % 50; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
      if (mine % 2 == 0) rx->close();
      if (const auto value = rx->try_recv()) ++received;
      rx.reset();
      round.store(-mine, std::memory_order_release);
    }
  });
  const auto item = std::make_shared<int>(1);
  for (int mine = 1; mine <= rounds; ++mine) {
    {
      auto ends = oneshot<std::shared_ptr<int>>();
      rx.emplace(std::move(ends.rx));
      round.store(mine, std::memory_order_release);
      auto copy = item;
      if (!ends.tx.try_send(std::move(copy))) {
        ++refused;
        EXPECT_NE(copy, nullptr);
      }
      while (round.load(std::memory_order_acquire) != -mine) std::this_thread::yield();
    }
    ASSERT_EQ(item.use_count(), 1);
  }
  receiver.join();
  EXPECT_LE(received + refused, rounds);
}

}  // namespace
