// SPDX-License-Identifier: BSL-1.0

// select over operations: the first wins, the others have taken nothing.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "support/flavours.hpp"  // watched, eventually

namespace {

using namespace std::chrono_literals;
using cohort::channel;
using cohort::Event;
using cohort::EventLoop;
using cohort::Future;
using cohort::LoopTime;
using cohort::Promise;
using cohort::Queue;
using cohort::Receiver;
using cohort::run;
using cohort::select;
using cohort::Sender;
using cohort::sleep_for;
using cohort::spawn;
using cohort::Task;
using cohort::ThreadPool;
using cohort::test::eventually;
using cohort::test::watched;

// Where coroutines run: on a pool of so many workers, or, 0, on a loop.
class SelectContract : public testing::TestWithParam<int> {
 protected:
  SelectContract() {
    if (GetParam()) pool_.emplace(GetParam());
  }
  ~SelectContract() override {
    closing_.set();
    if (driver_.joinable()) driver_.join();
  }
  /// Starts it; a loop is driven by a thread of its own.
  template <class T>
  Future<T> start(Task<T> task) {
    if (pool_) return spawn(*pool_, std::move(task));
    if (!driver_.joinable()) driver_ = std::thread([this] { run(loop_, wait_for(&closing_)); });
    return spawn(loop_, std::move(task));
  }

 private:
  static Task<> wait_for(Event* event) { co_await event->wait(); }

  EventLoop loop_;
  std::optional<ThreadPool> pool_;
  Event closing_;
  std::thread driver_;
};
INSTANTIATE_TEST_SUITE_P(Everywhere, SelectContract, testing::Values(1, 2, 8, 0),
                         [](const auto& of) {
                           return of.param ? "pool_" + std::to_string(of.param) : "loop";
                         });

Task<std::size_t> receive_either(Receiver<int> a, Receiver<int> b, std::atomic<int>* in_line,
                                 int* item) {
  auto first = co_await select(watched(a.recv(), *in_line), watched(b.recv(), *in_line));
  const auto& got = first.index() == 0 ? std::get<0>(first) : std::get<1>(first);
  *item = got.value_or(-1);
  co_return first.index();
}

// C006
TEST_P(SelectContract, TakesTheFirstThatComesAndLeavesTheOtherLine) {
  for (const std::size_t winner : {0U, 1U}) {
    std::array channels{channel<int>(1), channel<int>(1)};
    std::atomic<int> in_line{0};
    int item = 0;
    const auto index = start(receive_either(channels[0].rx, channels[1].rx, &in_line, &item));
    ASSERT_TRUE(eventually([&] { return in_line == 2; }));
    EXPECT_FALSE(index.done());
    channels[winner].tx.send(7).block();
    EXPECT_EQ(index.block(), winner);
    EXPECT_EQ(item, 7);
    channels[1 - winner].tx.send(8).block();
    const auto left = channels[1 - winner].rx.try_recv();
    EXPECT_TRUE(left && *left == 8) << "the loser has taken an item";
  }
}

// C006
TEST_P(SelectContract, ACancelledSelectHasLeftEveryLine) {
  auto a = channel<int>(1), b = channel<int>(1);
  std::atomic<int> in_line{0};
  int item = 0;
  const auto index = start(receive_either(a.rx, b.rx, &in_line, &item));
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  EXPECT_TRUE(index.cancel());
  ASSERT_TRUE(a.tx.try_send(1) && b.tx.try_send(2));
  ASSERT_TRUE(eventually([&] { return index.done(); }));
  EXPECT_TRUE(index.cancelled());
  const auto from_a = a.rx.try_recv(), from_b = b.rx.try_recv();
  EXPECT_TRUE(from_a && *from_a == 1);
  EXPECT_TRUE(from_b && *from_b == 2);
}

// C007
TEST_P(SelectContract, StandsInTheSameLineAsEverybodyElse) {
  auto a = channel<int>(1), b = channel<int>(1);
  std::atomic<int> in_line{0};
  std::array<int, 3> items{};
  std::vector<Future<std::size_t>> parties;
  for (std::size_t i = 0; i < 3; ++i) {
    parties.push_back(start(receive_either(a.rx, b.rx, &in_line, &items[i])));
    ASSERT_TRUE(eventually([&] { return in_line == 2 * (static_cast<int>(i) + 1); }));
  }
  // One at a time: who is served leaves the other line, and whoever is there then serves it.
  b.tx.send(10).block();
  EXPECT_EQ(parties[0].block(), 1U);
  a.tx.send(11).block();
  EXPECT_EQ(parties[1].block(), 0U);
  b.tx.send(12).block();
  EXPECT_EQ(parties[2].block(), 1U);
  EXPECT_EQ(items, (std::array{10, 11, 12}));
}

Task<int> count_both(Receiver<int> a, Receiver<int> b, long* sum) {
  int count = 0;
  for (bool a_open = true, b_open = true; a_open && b_open;) {
    auto first = co_await select(a.recv(), b.recv());
    std::optional<int> x = first.index() == 0 ? std::get<0>(first) : std::get<1>(first);
    if (x) {
      ++count;
      *sum += *x;
    } else {
      (first.index() == 0 ? a_open : b_open) = false;
    }
  }
  for (auto* const rest : {&a, &b}) {
    for (;;) {
      const std::optional<int> x = co_await rest->recv();
      if (!x) break;
      ++count;
      *sum += *x;
    }
  }
  co_return count;
}
Task<> send_many(Sender<int> tx, int from, int to) {
  for (int i = from; i < to; ++i) co_await tx.send(i);
}

// C006 C120: 10⁵ races in all, two channels under one select
TEST_P(SelectContract, LosesAndDoublesNothingInManyRaces) {
  constexpr int each = 12500;
  auto a = channel<int>(1), b = channel<int>(3);
  long sum = 0;
  const auto count = start(count_both(std::move(a.rx), std::move(b.rx), &sum));
  start(send_many(std::move(a.tx), 0, each));
  std::thread other([tx = std::move(b.tx)]() mutable {
    const Sender<int> mine = std::move(tx);
    for (int i = each; i < 2 * each; ++i) mine.send(i).block();
  });
  EXPECT_EQ(count.block(), 2 * each);
  EXPECT_EQ(sum, long{each} * (2 * each - 1));
  other.join();
}

Task<int> count_second(Receiver<int> noise, Receiver<int> wanted, int items) {
  int count = 0;
  while (count < items) {
    auto first = co_await select(noise.recv(), wanted.recv());
    if (first.index() == 1) ++count;
  }
  co_return count;
}

// C006: another's look at one line must not keep the select out of the next
TEST_P(SelectContract, HearsOfOneChannelHoweverBusyTheOtherIs) {
  constexpr int items = 5000;
  auto noise = channel<int>(1), wanted = channel<int>(1);
  std::atomic<bool> enough{false};
  std::thread rival([&] {
    while (!enough) {
      static_cast<void>(noise.tx.try_send(0));
      static_cast<void>(noise.rx.try_recv());
    }
  });
  const auto count = start(count_second(noise.rx, wanted.rx, items));
  int sent = 0;
  while (sent < items && wanted.tx.send(sent).within(20s).block()) ++sent;
  EXPECT_EQ(sent, items) << "the select does not stand in the second line";
  enough = true;
  rival.join();
  if (sent < items) count.cancel();
  ASSERT_TRUE(eventually([&] { return count.done(); }));
}

Task<> trade(Sender<int> to, Receiver<int> from, int rounds, std::atomic<int>* balance) {
  for (int i = 0; i < rounds; ++i) {
    auto first = co_await select(to.send(1), from.recv());
    balance->fetch_add(first.index() == 0 ? 1 : -1);
  }
}

// C006
TEST_P(SelectContract, SendsOrReceivesWithoutLosingAnything) {
  auto a = channel<int>(1), b = channel<int>(1);
  std::atomic<int> balance{0};
  std::vector<Future<void>> traders;
  for (int i = 0; i < 2; ++i) {
    traders.push_back(start(trade(a.tx, a.rx, 1000, &balance)));
    traders.push_back(start(trade(a.tx, b.rx, 1000, &balance)));
    traders.push_back(start(trade(b.tx, a.rx, 1000, &balance)));
  }
  // At the end a trader may be alone with one full and one empty channel: this thread helps out.
  for (auto& trader : traders) {
    const bool ended = eventually([&] {
      if (trader.done()) return true;
      for (const auto* const c : {&a, &b}) {
        if (c->rx.try_recv()) {
          --balance;
        } else if (c->tx.try_send(1)) {
          ++balance;
        }
      }
      return false;
    });
    if (!ended) std::abort();  // it spins, so nothing can be joined
  }
  EXPECT_EQ(static_cast<std::size_t>(balance), a.rx.size() + b.rx.size());
}

// ---------------------------------------------------------------- in a line of known order

Task<std::size_t> ready_wins(Receiver<int> a, Receiver<int> b) {
  auto first = co_await select(a.recv(), b.recv(), sleep_for(0s));
  co_return first.index();
}

// API 2: in the order of the arguments
TEST(Select, PrefersTheFirstArgumentThatIsReady) {
  auto a = channel<int>(2), b = channel<int>(2);
  EXPECT_EQ(run(ready_wins(a.rx, b.rx)), 2U);
  ASSERT_TRUE(b.tx.try_send(1));
  ASSERT_TRUE(a.tx.try_send(2));
  EXPECT_EQ(run(ready_wins(a.rx, b.rx)), 0U);
  EXPECT_EQ(b.rx.size(), 1U);
  EXPECT_EQ(run(ready_wins(a.rx, b.rx)), 1U);
  EXPECT_EQ(run(ready_wins(a.rx, b.rx)), 2U);
  a.tx.close();
  EXPECT_EQ(run(ready_wins(a.rx, b.rx)), 0U) << "the end is a result, too";
}

Task<std::vector<std::size_t>> with_time(Receiver<int> rx, Sender<int> tx) {
  std::vector<std::size_t> order;
  const auto start = cohort::now();
  auto late = co_await select(rx.recv(), sleep_for(2s), sleep_for(1s));
  order.push_back(late.index());
  EXPECT_EQ(cohort::now() - start, 1s);
  auto limited = co_await select(rx.recv().within(3s), sleep_for(1h));
  order.push_back(limited.index());
  EXPECT_TRUE(std::get<0>(limited).timed_out());
  EXPECT_EQ(cohort::now() - start, 4s);
  co_await tx.send(5);
  auto early = co_await select(sleep_for(1h), rx.recv().within(1h));
  order.push_back(early.index());
  EXPECT_EQ(std::get<1>(early).value(), 5);
  EXPECT_EQ(cohort::now() - start, 4s);
  co_await sleep_for(10h);  // the timers of the losers must be gone
  co_return order;
}

// C004
TEST(Select, WithSleepForIsATimeLimit) {
  EventLoop loop(LoopTime::simulated);
  auto [tx, rx] = channel<int>(1);
  EXPECT_EQ(run(loop, with_time(rx, tx)), (std::vector<std::size_t>{2, 0, 1}));
}

Task<std::string> future_or_time(Future<std::string> future, std::chrono::hours limit) {
  auto first = co_await select(future, sleep_for(limit));
  if (first.index() == 1) co_return "late";
  co_return std::string(std::get<0>(first));
}

// API 2: a Future is never cancelled by losing
TEST(Select, WithAFutureLeavesItRunningWhenItLoses) {
  EventLoop loop(LoopTime::simulated);
  Promise<std::string> promise;
  EXPECT_EQ(run(loop, future_or_time(promise.future(), 1h)), "late");
  EXPECT_FALSE(promise.future().cancelled());
  promise.set_value(std::string(100, 'x'));
  EXPECT_EQ(run(loop, future_or_time(promise.future(), 1h)), std::string(100, 'x'));
}

Task<std::string> temporary_future(ThreadPool* pool) {
  const auto make = [] { return std::string(100, 'x'); };
  auto first = co_await select(pool->submit(make), sleep_for(1h));
  co_await pool->submit([] {});  // now the only worker has let go of the first
  co_return std::string(std::get<0>(first));
}

// API 2: what a temporary Future yields is the awaiter's own
TEST(Select, WithATemporaryFutureYieldsAValueThatLasts) {
  ThreadPool pool{1};
  EXPECT_EQ(run(temporary_future(&pool)), std::string(100, 'x'));
}

Task<std::size_t> put_or_get(Queue<std::unique_ptr<int>>* full, Queue<int>* empty,
                             std::unique_ptr<int>* item) {
  auto first = co_await select(full->put_from(*item), empty->get());
  co_return first.index();
}

// C006: a put that lost still owns its item
TEST(Select, APutFromThatLostHasNotMoved) {
  Queue<std::unique_ptr<int>> full{1};
  Queue<int> empty{1};
  auto item = std::make_unique<int>(1);
  ASSERT_TRUE(full.try_put(std::make_unique<int>(0)));
  EventLoop loop;
  const auto index = spawn(loop, put_or_get(&full, &empty, &item));
  loop.run_ready();
  empty.put(1).block();
  EXPECT_EQ(index.block(), 1U);
  EXPECT_NE(item, nullptr);
  EXPECT_EQ(*full.get_nowait(), 0);
  EXPECT_TRUE(full.empty());
}

}  // namespace
