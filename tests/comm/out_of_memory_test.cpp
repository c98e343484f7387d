// SPDX-License-Identifier: BSL-1.0

// What a queue does when there is no memory for an item that waits for room.
#include "support/operator_new.hpp"  // whether this can be tested
#if COHORT_TESTS_MAY_REPLACE_OPERATOR_NEW

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // the check of frames

namespace {
// While it is set, over-aligned memory is to be had so many times more.
std::atomic<bool> no_memory{false};
std::atomic<int> no_memory_after{0};

bool is_refused() { return no_memory && no_memory_after-- <= 0; }
}  // namespace

// Only for types that ask for more alignment than malloc gives.
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  char* const memory = is_refused() ? nullptr : static_cast<char*>(std::malloc(size + 2 * align));
  if (!memory) throw std::bad_alloc();
  const auto past = reinterpret_cast<std::uintptr_t>(memory) % align;
  char* const place = memory + 2 * align - past;
  std::memcpy(place - sizeof(void*), &memory, sizeof(void*));
  return place;
}
void operator delete(void* place, std::align_val_t) noexcept {
  if (!place) return;
  void* memory = nullptr;
  std::memcpy(&memory, static_cast<char*>(place) - sizeof(void*), sizeof(void*));
  std::free(memory);
}
void operator delete(void* place, std::size_t, std::align_val_t alignment) noexcept {
  ::operator delete(place, alignment);
}

namespace {

using cohort::Operation;
using cohort::test::eventually;
using cohort::test::watched;

struct alignas(64) Wide {
  explicit Wide(int v) noexcept : value(v) {}
  int value;
};
// A bounded queue of this order is kept in a list, as a very large one is.
struct Listed : cohort::detail::Fifo {
  static constexpr bool plain = false;
};
class WideQueue : public cohort::detail::BasicQueue<Wide, Listed> {
 public:
  using BasicQueue::BasicQueue;
};

// C116: whoever makes the room is not to blame
TEST(OutOfMemory, APutThatWaitsThrowsItAndTheNextIsServed) {
  WideQueue queue{1};
  queue.put_nowait(Wide(1));
  std::atomic<int> in_line{0}, refused{0};
  std::vector<std::thread> putters;
  for (int i = 0; i < 2; ++i) {
    putters.emplace_back([&] {
      try {
        watched(queue.emplace(2), in_line).block();
      } catch (const std::bad_alloc&) {
        ++refused;
      }
    });
    ASSERT_TRUE(eventually([&] { return in_line == i + 1; }));
  }
  no_memory_after = 0;
  no_memory = true;
  EXPECT_EQ(queue.get_nowait().value, 1);
  no_memory = false;
  for (auto& putter : putters) putter.join();
  EXPECT_EQ(refused, 2) << "there was no memory for either";
  EXPECT_TRUE(queue.empty());
  queue.put_nowait(Wide(3));
  EXPECT_EQ(queue.get_nowait().value, 3);
}

struct WideOwner {
  using Received = int;
  cohort::detail::Conduit<Wide, Listed>* channel;
  auto& conduit() const noexcept { return *channel; }
  [[noreturn]] void refuse() const { throw cohort::Closed("closed"); }
  int received(std::optional<Wide>& item) const { return item->value; }
};
using Batch = std::vector<Wide>;

// C116: of several, those that were accepted are not forgotten
TEST(OutOfMemory, ASendManyThatThrowsHalfWayHasSentTheFirstHalf) {
  cohort::detail::Conduit<Wide, Listed> channel(100, false);
  std::atomic<int> in_line{0}, got{0};
  std::thread receiver([&] {
    using Receive = cohort::detail::ReceiveItem<Wide, WideOwner>;
    got = watched(Operation(Receive{{&channel}}), in_line).block();
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  Batch items;
  for (int i = 1; i <= 50; ++i) items.emplace_back(i);
  using Send = cohort::detail::SendMany<Wide, WideOwner, Batch&>;
  Operation sending(Send{{&channel}, items});
  no_memory_after = 1;  // room for the first 16
  no_memory = true;
  EXPECT_THROW(std::move(sending).block(), std::bad_alloc);
  no_memory = false;
  EXPECT_TRUE(eventually([&] { return got != 0; })) << "the receiver was not woken";
  channel.close();
  receiver.join();
  EXPECT_EQ(got, 1);
  EXPECT_EQ(items.size(), 34U);
  EXPECT_EQ(items.front().value, 17);
  EXPECT_EQ(channel.size(), 15U);
}

}  // namespace

#endif
