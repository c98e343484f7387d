// SPDX-License-Identifier: BSL-1.0

// The ends of a channel: who holds them, and what it means when the last one goes.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // eventually

namespace {

using namespace std::chrono_literals;
using cohort::channel;
using cohort::Closed;
using cohort::EventLoop;
using cohort::Future;
using cohort::one_to_one;
using cohort::Receiver;
using cohort::run;
using cohort::Sender;
using cohort::spawn;
using cohort::Task;
using cohort::ThreadPool;
using cohort::UsageError;
using cohort::when_all;

static_assert(std::is_copy_constructible_v<Sender<std::unique_ptr<int>>>);
static_assert(std::is_nothrow_move_constructible_v<Receiver<int>>);

// API 6
TEST(ChannelEnds, CopiesShareTheStreamAndTheLastSenderEndsIt) {
  auto [tx, rx] = channel<int>(5);
  std::optional<Sender<int>> first(tx), second(*first), third(std::move(tx));
  EXPECT_FALSE(tx);  // NOLINT: what is tested
  EXPECT_TRUE(*first == *second);
  EXPECT_THROW(static_cast<void>(tx.try_send(1)), UsageError);
  first->send(1).block();
  first.reset();
  *second = *third;
  third.reset();
  EXPECT_TRUE(rx.try_recv().has_value());
  EXPECT_TRUE(rx.try_recv().timed_out());
  second->send(2).block();
  second.reset();
  EXPECT_EQ(rx.recv().block(), 2) << "the buffer is drained first";
  EXPECT_EQ(rx.recv().block(), std::nullopt);
  EXPECT_EQ(rx.recv().block(), std::nullopt) << "an end stays an end";
}

// API 6
TEST(ChannelEnds, TheLastReceiverDropsWhatIsBufferedAndRefusesSenders) {
  auto [tx, rx] = channel<std::shared_ptr<int>>(2);
  const auto item = std::make_shared<int>(1);
  ASSERT_TRUE(tx.try_send(item));
  std::optional<Receiver<std::shared_ptr<int>>> other(rx);
  Receiver<std::shared_ptr<int>>(std::move(rx));
  EXPECT_FALSE(tx.closed());
  EXPECT_EQ(item.use_count(), 2);
  other.reset();
  EXPECT_TRUE(tx.closed());
  EXPECT_EQ(item.use_count(), 1);
  EXPECT_THROW(tx.send(item).block(), Closed);
  EXPECT_THROW(static_cast<void>(tx.send(item).within(0s).block()), Closed);
  EXPECT_THROW(static_cast<void>(tx.try_send(item)), Closed);
  EXPECT_EQ(item.use_count(), 1);
}

// API 6
TEST(ChannelEnds, CancelDropsWhatIsBuffered) {
  auto [tx, rx] = channel<std::shared_ptr<int>>(3);
  const auto item = std::make_shared<int>(1);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(tx.try_send(item));
  tx.cancel();
  EXPECT_EQ(item.use_count(), 1);
  EXPECT_TRUE(rx.try_recv().closed());
  EXPECT_TRUE(rx.closed());
}

// A channel that goes with items in it destroys them.
TEST(ChannelEnds, AnAbandonedChannelDestroysItsItems) {
  const auto item = std::make_shared<int>(1);
  {
    auto ends = channel<std::shared_ptr<int>>(3);
    ASSERT_TRUE(ends.tx.try_send(item));
    auto keep = ends.rx;
  }
  EXPECT_EQ(item.use_count(), 1);
}

Task<> send_one(Sender<int> tx) { co_await tx.send(1); }
Task<int> count_all(Receiver<int> rx) {
  int count = 0;
  for (;;) {
    const std::optional<int> x = co_await rx.recv();
    if (!x) co_return count;
    ++count;
  }
}

// API 6: not when the Future goes
TEST(ChannelEnds, ACoroutineDropsItsSenderWhenItEnds) {
  for (const int workers : {1, 2}) {
    ThreadPool pool{workers};
    auto ends = channel<int>(1);
    std::vector<Future<void>> senders;
    for (int i = 0; i < 3; ++i) senders.push_back(spawn(pool, send_one, ends.tx));
    senders.push_back(pool.submit(send_one, ends.tx));
    senders.push_back(spawn(pool, send_one(std::move(ends.tx))));
    const auto count = spawn(pool, count_all, std::move(ends.rx));
    ASSERT_TRUE(cohort::test::eventually([&] { return count.done(); })) << "a sender is kept";
    EXPECT_EQ(count.block(), 5);
  }
}

Task<int> all_together() {
  auto ends = channel<int>(1);
  auto all = co_await when_all(send_one(ends.tx), count_all(std::move(ends.rx)),
                               send_one(std::move(ends.tx)));
  co_return std::get<1>(all);
}

// API 6: not when when_all ends, which waits for the receiver
TEST(ChannelEnds, ALegOfWhenAllDropsItsSenderWhenItEnds) {
  EXPECT_EQ(run(all_together()), 2);
  ThreadPool pool{2};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(run(pool, all_together()), 2);
}

Task<> fail_with(Sender<int> tx) {
  co_await tx.send(1);
  throw Closed("gave up");
}

// API 6
TEST(ChannelEnds, ACoroutineThatFailsDropsItsSenderToo) {
  EventLoop loop;
  auto ends = channel<int>(1);
  const auto failed = spawn(loop, fail_with, std::move(ends.tx));
  EXPECT_EQ(run(loop, count_all(std::move(ends.rx))), 1);
  EXPECT_THROW(failed.block(), Closed);
}

// API 6
TEST(ChannelEnds, ACancelledCoroutineDropsItsSenderToo) {
  EventLoop loop;
  auto ends = channel<int>(1);
  ASSERT_TRUE(ends.tx.try_send(0));
  const auto stuck = spawn(loop, send_one, std::move(ends.tx));
  loop.run_ready();
  const auto never_ran = spawn(loop, send_one, ends.tx ? ends.tx : Sender<int>());
  never_ran.cancel();
  stuck.cancel();
  EXPECT_EQ(run(loop, count_all(std::move(ends.rx))), 1);
  EXPECT_TRUE(stuck.cancelled());
}

// Two threads and a channel for each round; the second one's part is `leave`.
template <class Leave>
int rounds_in_which_the_sender_hears(int rounds, Leave leave) {
  std::atomic<int> round{0};
  std::optional<Receiver<int>> rx;
  std::thread receiver([&] {
    for (int mine = 1; mine <= rounds; ++mine) {
      while (round.load(std::memory_order_acquire) != mine) std::this_thread::yield();
      for (int i = 0; i < mine % 5; ++i) static_cast<void>(rx->try_recv());
      leave(*rx);
      rx.reset();
      round.store(-mine, std::memory_order_release);
    }
  });
  int heard = 0;
  for (int mine = 1; mine <= rounds; ++mine) {
    auto ends = channel<int>(4, one_to_one);
    rx.emplace(std::move(ends.rx));
    round.store(mine, std::memory_order_release);
    try {
      while (heard == mine - 1 && ends.tx.send(1).within(5s).block()) {}
    } catch (const Closed&) {
      ++heard;
    }
    while (round.load(std::memory_order_acquire) != -mine) std::this_thread::yield();
  }
  receiver.join();
  return heard;
}

// API 6: while the sender is in the middle of an item
TEST(ChannelEnds, ASenderOfOneToOneHearsThatTheReceiverIsGone) {
  EXPECT_EQ(rounds_in_which_the_sender_hears(5000, [](Receiver<int>&) {}), 5000);
}

// API 6
TEST(ChannelEnds, ASenderOfOneToOneHearsThatTheReceiverClosed) {
  EXPECT_EQ(rounds_in_which_the_sender_hears(5000, [](Receiver<int>& rx) { rx.close(); }), 5000);
}

// API 6: "any end may call it"
TEST(ChannelEnds, ASenderOfOneToOneMayCancelWhileTheReceiverReceives) {
  for (int round = 0; round < 2000; ++round) {
    auto ends = channel<std::unique_ptr<int>>(8, one_to_one);
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(ends.tx.try_send(std::make_unique<int>(i)));
    std::atomic<bool> go{false};
    std::thread receiver([&go, rx = std::move(ends.rx)] {
      while (!go) std::this_thread::yield();
      int before = -1;
      for (;;) {
        const auto item = rx.recv().block();
        if (!item) break;
        ASSERT_NE(*item, nullptr) << "received twice";
        EXPECT_GT(**item, before);
        before = **item;
      }
    });
    go = true;
    ends.tx.cancel();
    receiver.join();
  }
}

}  // namespace
