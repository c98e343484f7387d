// SPDX-License-Identifier: BSL-1.0

// What may be an element of a queue or a channel: move-only, large, over-aligned, without a default,
// with copies and moves that throw.

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // the check of frames

namespace {

using cohort::Channel;
using cohort::channel;
using cohort::Queue;
using cohort::run;
using cohort::ShutDown;
using cohort::Task;

// Counts what lives; throws from a copy or move when told to.
class Fragile {
 public:
  static inline int alive = 0;
  static inline int until_throw = -1;  // so many copies or moves succeed; negative: all
  explicit Fragile(int v) : value(v) { ++alive; }
  Fragile(const Fragile& other) : value(other.value) {
    step();
    ++alive;
  }
  Fragile(Fragile&& other) noexcept(false) : value(other.value) {
    step();
    other.value = -1;
    ++alive;
  }
  Fragile& operator=(const Fragile&) = default;
  Fragile& operator=(Fragile&& other) noexcept {
    value = std::exchange(other.value, -1);
    return *this;
  }
  ~Fragile() { --alive; }
  int value;

 private:
  static void step() {
    if (until_throw == 0) throw std::runtime_error("a copy or move failed");
    if (until_throw > 0) --until_throw;
  }
};

class FragileElements : public testing::TestWithParam<int> {
 protected:
  void TearDown() override {
    EXPECT_EQ(Fragile::alive, 0) << "elements leaked or were destroyed twice";
    Fragile::until_throw = -1;
  }
};
INSTANTIATE_TEST_SUITE_P(BoundedAndNot, FragileElements, testing::Values(0, 3));

// C116: whichever of the steps it is that fails
TEST_P(FragileElements, APutThatThrowsLeavesTheQueueUnchangedAndUsable) {
  Queue<Fragile> queue{GetParam()};
  queue.emplace(1).block();
  const Fragile named(2);
  int failures = 0;
  for (int step = 0; step < 8; ++step) {
    const std::size_t before = queue.qsize();
    Fragile::until_throw = step;
    bool accepted = false;
    try {
      queue.put(named).block();
      accepted = true;
    } catch (const std::runtime_error&) {
      ++failures;
    }
    Fragile::until_throw = -1;
    EXPECT_EQ(queue.qsize(), before + accepted) << "step " << step;
    if (accepted) queue.get_nowait();  // keeps room for the next
  }
  EXPECT_GT(failures, 0);
  EXPECT_LT(failures, 8);
  Fragile::until_throw = 0;
  EXPECT_THROW(static_cast<void>(queue.try_put(named)), std::runtime_error);
  EXPECT_THROW(queue.put_nowait(named), std::runtime_error);
  Fragile::until_throw = -1;
  EXPECT_TRUE(queue.try_put(named));
  EXPECT_EQ(queue.qsize(), 2U);
  EXPECT_EQ(queue.get_nowait().value, 2);
  EXPECT_EQ(queue.get_nowait().value, 2);
}

// C116 C006: a full queue gives a fragile item back whole, or has never touched it
TEST_P(FragileElements, ATryPutThatIsNotAcceptedHasNotMoved) {
  Queue<Fragile> queue{GetParam()};
  while (queue.qsize() < 3) queue.put_nowait(Fragile(0));
  Fragile item(5);
  if (GetParam() == 0) queue.shutdown();
  Fragile::until_throw = 1;  // one move would succeed, the way back would not
  try {
    EXPECT_FALSE(queue.try_put(std::move(item)));
  } catch (const ShutDown&) {
    EXPECT_EQ(GetParam(), 0);
  } catch (const std::runtime_error&) {
    ADD_FAILURE() << "moved, and failed on the way back";
  }
  EXPECT_EQ(item.value, 5);  // NOLINT: what is tested
}

// API 6: nothing is taken that there is no room for
TEST_P(FragileElements, ARecvManyWhoseBufferCannotGrowHasLostNothing) {
  for (const bool single : {false, true}) {
    const auto [tx, rx] = single ? channel<Fragile>(3, cohort::one_to_one) : channel<Fragile>(3);
    for (int i = 1; i <= 3; ++i) tx.emplace(i).block();
    std::vector<Fragile> buffer;
    buffer.reserve(2);
    buffer.emplace_back(-1);
    buffer.emplace_back(0);
    Fragile::until_throw = 0;
    EXPECT_THROW(rx.recv_many(buffer, 5).block(), std::runtime_error);
    EXPECT_EQ(buffer.size(), 2U);
    EXPECT_EQ(rx.size(), 3U);
    Fragile::until_throw = 1;  // the first is moved out, but then the buffer would have to grow
    buffer.pop_back();
    EXPECT_EQ(rx.recv_many(buffer, 5).block(), 1U);
    EXPECT_EQ(buffer.back().value, 1);
    EXPECT_EQ(rx.size(), 2U);
    Fragile::until_throw = -1;
    EXPECT_EQ(rx.recv_many(buffer, 5).block(), 2U);
    EXPECT_EQ(buffer.back().value, 3);
  }
}

// API 6: emplace builds in place
TEST_P(FragileElements, AnEmplacedItemIsNotMoved) {
  Queue<Fragile> queue{GetParam()};
  const auto [tx, rx] = channel<Fragile>(3);
  Fragile::until_throw = 0;
  queue.emplace(1).block();
  tx.emplace(2).block();
  Fragile::until_throw = -1;
  EXPECT_EQ(queue.get_nowait().value, 1);
  EXPECT_EQ(rx.recv().block()->value, 2);
}

// API 6: send_many takes any range, and elements of any kind if it owns them
TEST(Channel, SendsTheElementsOfAnyRange) {
  const auto [tx, rx] = channel<std::string>(20);
  const std::vector<std::string> constant{"a", "b"};
  const char* const literals[] = {"c", "d"};
  std::list<std::string> named{"e"};
  tx.send_many(constant).block();
  tx.send_many(literals).block();
  tx.send_many(named).block();
  tx.send_many({"f", "g"}).block();
  tx.send_many(std::vector<std::string>()).block();
  EXPECT_EQ(constant.size(), 2U);
  EXPECT_EQ(named.front(), "e");
  EXPECT_EQ(rx.recv_many(20).block(),
            (std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g"}));
  const auto fragile = channel<Fragile>(2);
  std::vector<Fragile> items;
  for (int i = 0; i < 3; ++i) items.emplace_back(i);
  EXPECT_FALSE(fragile.tx.send_many(std::move(items)).within(std::chrono::seconds(0)).block());
  EXPECT_EQ(fragile.rx.recv_many(5).block().back().value, 1);
}

Task<int> through_coroutine(Queue<Fragile>* queue) {
  Fragile item(1);
  co_await queue->put(std::move(item));
  Fragile got = co_await queue->get();
  co_return got.value;
}

// C116
TEST_P(FragileElements, TravelThroughCoroutines) {
  Queue<Fragile> queue{GetParam()};
  EXPECT_EQ(run(through_coroutine(&queue)), 1);
  int failures = 0;
  for (int step = 0; step < 12; ++step) {
    Fragile::until_throw = step;
    try {
      EXPECT_EQ(run(through_coroutine(&queue)), 1);
    } catch (const std::runtime_error&) {
      ++failures;
    }
    Fragile::until_throw = -1;
    while (queue.try_get()) {}
  }
  EXPECT_GT(failures, 0);
  EXPECT_LT(failures, 12);
  queue.put_nowait(Fragile(3));  // dropped with the queue
}

// C121
TEST_P(FragileElements, AreDestroyedOnceByAnImmediateShutdown) {
  Queue<Fragile> queue{GetParam()};
  for (int i = 0; i < 3; ++i) queue.put_nowait(Fragile(i));
  queue.shutdown(true);
  EXPECT_EQ(Fragile::alive, 0);
}

// C112 C114: exact also where the capacity is no power of two, round after round
TEST(QueueElements, EveryCapacityIsKeptExactly) {
  for (int capacity = 1; capacity <= 9; ++capacity) {
    Queue<std::unique_ptr<int>> queue{capacity};
    for (int round = 0; round < 3 * capacity; ++round) {
      for (int i = 0; i < capacity; ++i) EXPECT_TRUE(queue.try_put(std::make_unique<int>(i)));
      auto more = std::make_unique<int>(99);
      EXPECT_FALSE(queue.try_put(std::move(more)));
      ASSERT_NE(more, nullptr);  // NOLINT: what is tested
      EXPECT_EQ(queue.qsize(), queue.maxsize());
      EXPECT_TRUE(queue.full());
      EXPECT_THROW(queue.put_nowait(std::move(more)), cohort::Full);
      ASSERT_NE(more, nullptr);  // NOLINT: what is tested
      const int take = round % capacity + 1;
      for (int i = 0; i < take; ++i) EXPECT_EQ(*queue.get_nowait(), i);
      for (int i = take; i < capacity; ++i) EXPECT_EQ(*queue.get_nowait(), i);
    }
  }
}

struct NoDefault {
  NoDefault(int a, std::string b) : number(a), text(std::move(b)) {}
  NoDefault(NoDefault&&) = default;
  NoDefault& operator=(NoDefault&&) = delete;
  ~NoDefault() = default;
  const int number;
  std::string text;
};

Task<std::string> emplace_and_get(Queue<NoDefault>* queue) {
  co_await queue->emplace(2, "two");
  NoDefault item = co_await queue->get();
  std::optional<NoDefault> second = co_await queue->get().within(std::chrono::hours(1));
  co_return item.text + second->text;
}

// C112
TEST(QueueElements, NeedNoDefaultNoCopyAndNoAssignment) {
  Queue<NoDefault> queue{2};
  NoDefault first(1, "one");
  queue.put_from(first).block();
  EXPECT_EQ(run(emplace_and_get(&queue)), "onetwo");
}

struct alignas(128) Aligned {
  explicit Aligned(int v) : value(v) { check(); }
  Aligned(Aligned&& other) noexcept : value(other.value) { check(); }
  Aligned& operator=(Aligned&&) = default;
  ~Aligned() { check(); }
  void check() const {
    misplaced += reinterpret_cast<std::uintptr_t>(this) % alignof(Aligned) != 0;
  }
  static inline int misplaced = 0;
  int value;
};

// C112
TEST(QueueElements, StandWhereTheirAlignmentWantsThem) {
  for (const int capacity : {0, 3}) {
    Queue<Aligned> queue{capacity};
    for (int i = 0; i < 3; ++i) queue.put_nowait(Aligned(i));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.get().block().value, i);
    for (int i = 0; i < 3; ++i) queue.emplace(i).block();
  }
  auto ends = channel<Aligned>(3);
  ends.tx.send(Aligned(1)).block();
  EXPECT_EQ(ends.rx.recv().block()->value, 1);
  ends.tx.send(Aligned(1)).block();
  EXPECT_EQ(Aligned::misplaced, 0);
}

using Large = std::array<int, 4096>;

Task<> send_large(cohort::Sender<Large> tx) {
  for (int i = 0; i < 20; ++i) {
    Large large{};
    large.front() = large.back() = i;
    co_await tx.send(large);
  }
}
Task<int> receive_large(cohort::Receiver<Large> rx) {
  int good = 0;
  for (;;) {
    std::optional<Large> large = co_await rx.recv();
    if (!large) break;
    good += large->front() == good && large->back() == good;
  }
  co_return good;
}
Task<int> exchange_large() {
  auto ends = channel<Large>(2);
  auto both =
      co_await cohort::when_all(send_large(std::move(ends.tx)), receive_large(std::move(ends.rx)));
  co_return std::get<1>(both);
}

// C112
TEST(QueueElements, MayBeLarge) { EXPECT_EQ(run(exchange_large()), 20); }

// An element whose end uses the queue that held it.
class Reentrant {
 public:
  Reentrant(Queue<Reentrant>& queue, int depth) : queue_(&queue), depth_(depth) {}
  Reentrant(Reentrant&& other) noexcept
      : queue_(std::exchange(other.queue_, nullptr)), depth_(other.depth_) {}
  Reentrant& operator=(Reentrant&&) = delete;
  ~Reentrant() {
    if (queue_ && depth_ > 0) queue_->put_nowait(Reentrant(*queue_, depth_ - 1));
  }

 private:
  Queue<Reentrant>* queue_;
  int depth_;
};

// C119
TEST(QueueElements, MayUseTheQueueInTheirDestructors) {
  for (const int maxsize : {0, 5}) {
    Queue<Reentrant> queue{maxsize};
    queue.put_nowait(Reentrant(queue, 10));
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(queue.qsize(), 1U);
      queue.get().block();
    }
    queue.get().block();
    EXPECT_TRUE(queue.empty());
  }
}

// May be a part of something else, which an object built anew in its place would not be.
struct Part {
  static inline std::function<void()> on_move;
  Part() = default;
  Part(Part&& other) noexcept : text(std::move(other.text)) {
    if (on_move) std::exchange(on_move, nullptr)();
  }
  Part& operator=(Part&&) noexcept = default;
  virtual ~Part() = default;
  virtual bool is_whole() const { return false; }
  std::string text;
};
struct Whole : Part {
  bool is_whole() const override { return true; }
};

// API 1: the channel is closed while the item is on its way in
TEST(QueueElements, ThatAreRefusedHaveNotTouchedWhatTheyArePartOf) {
  for (const bool several : {false, true}) {
    const Channel<Part> ends = channel<Part>(4, cohort::one_to_one);
    std::vector<Part> items(2);
    Whole one;
    one.text = items[0].text = "a text that is too long to be kept in place";
    Part::on_move = [&] {
      ends.rx.close();
      EXPECT_TRUE(ends.rx.try_recv().closed());
    };
    if (several) {
      EXPECT_THROW(ends.tx.send_many(items).block(), cohort::Closed);
      EXPECT_EQ(items.size(), 2U);
      EXPECT_EQ(items[0].text, one.text);
    } else {
      Part& part = one;
      EXPECT_THROW(ends.tx.send_from(part).block(), cohort::Closed);
      EXPECT_EQ(one.text, items[0].text);
      EXPECT_TRUE(part.is_whole());
    }
  }
}

// C113: what a capacity may be
TEST(Channel, RefusesANegativeOrHugeCapacity) {
  EXPECT_THROW(channel<int>(-1), std::invalid_argument);
  EXPECT_THROW(channel<int>(INT64_MIN), std::invalid_argument);
  EXPECT_THROW(channel<int>(UINT64_MAX), std::invalid_argument);
  EXPECT_THROW(channel<int>(-1, cohort::one_to_one), std::invalid_argument);
  EXPECT_EQ(channel<int>(0).tx.capacity(), 0U);
  EXPECT_EQ(channel<int>(0, cohort::one_to_one).rx.capacity(), 0U);
  EXPECT_EQ(channel<int>(std::uint8_t{200}).tx.capacity(), 200U);
}

}  // namespace
