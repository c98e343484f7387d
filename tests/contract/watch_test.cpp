// SPDX-License-Identifier: BSL-1.0

// watch under contract: whoever waits, and however.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "support/flavours.hpp"  // Crew

namespace {

using namespace std::chrono_literals;
using cohort::Closed;
using cohort::select;
using cohort::Task;
using cohort::UsageError;
using cohort::watch;
using cohort::WatchReceiver;
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

class WatchContract : public testing::TestWithParam<Flavour> {};
INSTANTIATE_TEST_SUITE_P(Everybody, WatchContract, testing::ValuesIn(all_flavours), flavour_name);

// API 6
TEST_P(WatchContract, AReceiverSeesTheLatestValueOnce) {
  const auto ends = watch<std::string>("initial");
  const auto other = ends.rx;
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_EQ(ends.rx.get(), "initial");
    EXPECT_FALSE(co_await ends.rx.changed().within(1ms));
    for (const char* value : {"one", "two", "three"}) co_await ends.tx.send(value);
    EXPECT_TRUE(co_await ends.rx.changed().within(0ms));
    EXPECT_EQ(ends.rx.get(), "three");
    EXPECT_FALSE(co_await ends.rx.changed().within(0ms)) << "those before it are not shown";
    EXPECT_EQ(co_await other.recv(), "three");
    const auto late = co_await other.recv().within(1ms);
    EXPECT_TRUE(late.timed_out());
    co_await ends.tx.send("three");
    EXPECT_EQ(co_await other.recv(), "three") << "sent again: it counts, whatever it is";
  });
}

// API 6: whoever has got the latest knows it
TEST(Watch, AReceiverHasSeenWhatItGot) {
  const auto ends = watch(1);
  ends.tx.send(2);
  EXPECT_EQ(ends.tx.get(), 2);
  const auto copy = ends.rx;
  const auto from_now_on = ends.rx.subscribe(), the_same = ends.tx.subscribe();
  EXPECT_EQ(ends.rx.get(), 2);
  EXPECT_FALSE(ends.rx.try_changed());
  EXPECT_FALSE(from_now_on.try_changed() || the_same.try_changed());
  EXPECT_TRUE(copy.try_changed()) << "a copy has seen what the other had then";
  EXPECT_FALSE(copy.try_changed());
  ends.tx.send(3);
  EXPECT_EQ(*copy.borrow(), 3);
  EXPECT_TRUE(copy.try_recv().timed_out());
  EXPECT_EQ(from_now_on.try_recv().value(), 3);
  EXPECT_TRUE(the_same.try_changed());
  EXPECT_EQ(ends.tx.receivers(), 4U);
}

// API 6
TEST_P(WatchContract, AllWhoWaitHearOfAChange) {
  const auto ends = watch(0);
  const auto other = ends.rx;
  std::atomic<int> in_line{0};
  Log<int> seen;
  Crew crew(GetParam());
  for (int i = 0; i < 2; ++i) {
    crew.start([&](auto how) -> Script<decltype(how)> {
      co_await watched(ends.rx.changed(), in_line);
      seen.add(ends.rx.get());
    });
    crew.start([&](auto how) -> Script<decltype(how)> {
      const auto value = co_await watched(other.recv(), in_line);
      seen.add(value.value());
    });
  }
  ASSERT_TRUE(eventually([&] { return in_line == 4; }));
  ends.tx.send(5);
  crew.join();
  EXPECT_EQ(seen.entries(), std::vector<int>(4, 5));
  EXPECT_FALSE(other.try_changed());
}

// API 6: closed when the senders are gone
TEST_P(WatchContract, TheEndComesWhenTheLastSenderIsGoneAndTheLastValueWasSeen) {
  auto ends = watch(0);
  auto copy = ends.tx;
  const auto unseen = ends.rx;
  std::atomic<int> in_line{0}, closed{0}, empty{0};
  copy.send(1);
  EXPECT_EQ(ends.rx.get(), 1);
  Crew crew(GetParam());
  crew.start([&](auto how) -> Script<decltype(how)> {
    try {
      co_await watched(ends.rx.changed(), in_line);
    } catch (const Closed&) {
      ++closed;
    }
  });
  crew.start([&](auto how) -> Script<decltype(how)> {
    if (!co_await watched(ends.rx.recv(), in_line)) ++empty;
  });
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  ends.tx = {};
  EXPECT_FALSE(ends.rx.closed());
  EXPECT_EQ(closed + empty, 0);
  copy = {};
  crew.join();
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(empty, 1);
  EXPECT_TRUE(ends.rx.closed());
  EXPECT_THROW(ends.rx.changed().block(), Closed);
  EXPECT_TRUE(ends.rx.try_recv().closed());
  EXPECT_FALSE(ends.rx.try_changed());
  EXPECT_EQ(unseen.recv().block(), 1);
  EXPECT_EQ(unseen.recv().block(), std::nullopt);
  EXPECT_EQ(unseen.get(), 1) << "which stays";
}

// C006
TEST_P(WatchContract, AWaitThatGaveUpHasSeenNothingNew) {
  const auto ends = watch(0);
  std::atomic<int> in_line{0};
  Crew crew(GetParam());
  Party& first = crew.start(
      [&](auto how) -> Script<decltype(how)> { co_await watched(ends.rx.changed(), in_line); });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  const Party& second = crew.start(
      [&](auto how) -> Script<decltype(how)> { co_await watched(ends.rx.changed(), in_line); });
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  first.cancel();
  EXPECT_EQ(first.end(), Ending::cancelled);
  EXPECT_FALSE(second.ended());
  ends.tx.send(1);
  EXPECT_EQ(second.end(), Ending::finished);
}

Task<int> next_of(const WatchReceiver<int>* rx) {
  const auto value = co_await rx->recv();
  co_return value.value_or(-1);
}

// API 6: the latest when it goes on, not when it was woken
TEST(Watch, AReceiverThatWasWokenSeesWhatIsTheLatestByThen) {
  const auto ends = watch(0);
  cohort::EventLoop loop;
  const auto next = cohort::spawn(loop, next_of, &ends.rx);
  loop.run_ready();
  ends.tx.send(1);
  ends.tx.send(2);
  EXPECT_EQ(next.block(), 2);
  EXPECT_FALSE(ends.rx.try_changed());
}

Task<int> winner_of(const WatchReceiver<int>* a, const WatchReceiver<int>* b,
                    std::atomic<int>* in_line) {
  auto first = co_await select(watched(a->recv(), *in_line), watched(b->recv(), *in_line));
  co_return first.index() == 0 ? 0 : 1;
}

// C006: two legs at the same gate
TEST(Watch, ASelectSeesItWithOneReceiverOnly) {
  const auto ends = watch(0);
  const auto other = ends.rx;
  cohort::EventLoop loop;
  std::atomic<int> in_line{0};
  const auto winner = cohort::spawn(loop, winner_of, &ends.rx, &other, &in_line);
  loop.run_ready();
  EXPECT_EQ(in_line, 2);
  ends.tx.send(1);
  EXPECT_EQ(winner.block(), 0);
  EXPECT_FALSE(ends.rx.try_changed());
  EXPECT_TRUE(other.try_changed());
}

// API 6: the value is there for those to come
TEST(Watch, AValueSentToNobodyIsKeptForThoseToCome) {
  auto ends = watch(std::make_unique<int>(1));
  ends.rx = {};
  EXPECT_EQ(ends.tx.receivers(), 0U);
  ends.tx.send(std::make_unique<int>(2));
  const auto rx = ends.tx.subscribe();
  const auto two = rx.borrow();
  EXPECT_EQ(**two, 2);
  ends.tx.send(std::make_unique<int>(3));
  EXPECT_EQ(**two, 2) << "replaced, not changed";
  EXPECT_EQ(**rx.borrow(), 3);
  ends.tx.close();
  EXPECT_TRUE(ends.tx.closed() && rx.closed());
  EXPECT_THROW(ends.tx.send(nullptr), Closed);
  EXPECT_EQ(**ends.tx.borrow(), 3);
  const auto moved = std::move(ends.tx);
  EXPECT_THROW(ends.tx.send(nullptr), UsageError);  // NOLINT: what is tested
}

// The value that was replaced is destroyed, unless somebody still looks at it.
TEST(Watch, KeepsOneValue) {
  const auto item = std::make_shared<int>(1);
  auto ends = watch(item);
  EXPECT_EQ(item.use_count(), 2);
  ends.tx.send(item);
  EXPECT_EQ(item.use_count(), 2);
  ends.tx.send(nullptr);
  EXPECT_EQ(item.use_count(), 1);
}

// API 6: from value to value, never back, and the last is seen
TEST_P(WatchContract, ReceiversSeeValuesInTheirOrderAndMissNotTheLast) {
  static constexpr int values = 3000;
  auto ends = watch(0);
  Crew crew(GetParam());
  for (int r = 0; r < 3; ++r) {
    crew.start([r, rx = ends.rx](auto how) -> Script<decltype(how)> {
      int last = 0;
      if (r == 0) {
        try {
          for (;;) {
            co_await rx.changed();
            const int value = *rx.borrow();
            EXPECT_GE(value, last);
            last = value;
          }
        } catch (const Closed&) {}
      } else {
        while (const auto value = co_await rx.recv()) {
          EXPECT_GT(*value, last);
          last = *value;
        }
      }
      EXPECT_EQ(last, values);
    });
  }
  crew.start([&](auto how) -> Script<decltype(how)> {
    for (int i = 1; i <= values; ++i) {
      co_await ends.tx.send(i);
      if (i % 5 == 0) co_await cohort::yield_now();
    }
    ends.tx = {};
  });
}

}  // namespace
