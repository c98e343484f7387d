// SPDX-License-Identifier: BSL-1.0

// Value and Array: whole accesses, range checks, and the lock that goes with them.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using cohort::Array;
using cohort::Thread;
using cohort::Threads;
using cohort::Value;

static_assert(!std::is_copy_constructible_v<Value<int>> &&
              !std::is_move_constructible_v<Value<int>>);
static_assert(!std::is_copy_constructible_v<Array<int>> &&
              !std::is_move_constructible_v<Array<int>>);
static_assert(std::is_copy_constructible_v<Threads::Value<int>>);
static_assert(std::is_copy_constructible_v<Threads::Array<int>>);

struct Big {
  std::uint64_t words[5];
};

TEST(Value, LoadsStoresAndAdds) {
  EXPECT_EQ(Value<int>().load(), 0);
  Value<int> i{5};
  EXPECT_EQ(i.fetch_add(3), 5);
  EXPECT_EQ(i.load(), 8);
  i.store(-1);
  EXPECT_EQ(i.load(), -1);
  Value<double> d{0.5};
  EXPECT_EQ(d.fetch_add(0.25), 0.5);
  EXPECT_EQ(d.load(), 0.75);
  Value<char> c{'a'};
  c.fetch_add(1);
  EXPECT_EQ(c.load(), 'b');
  Value<bool> b{true};
  EXPECT_TRUE(b.load());
}

TEST(Value, EveryAccessIsAWholeForEveryType) {
  Value<Big> big;
  Value<double> sum{0};
  Value<int> count{0};
  std::atomic<int> torn{0};
  const auto body = [&](std::uint64_t mine) {
    for (int i = 0; i < 2000; ++i) {
      big.store({{mine, mine, mine, mine, mine}});
      const Big seen = big.load();
      for (const auto word : seen.words) torn += word != seen.words[0];
      sum.fetch_add(1);
      count.fetch_add(1);
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t i = 1; i < 4; ++i) threads.emplace_back(body, i);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(torn.load(), 0);
  EXPECT_EQ(sum.load(), 6000);
  EXPECT_EQ(count.load(), 6000);
}

TEST(Value, ItsLockHoldsSeveralAccessesTogether) {
  Value<int> value{0};
  const auto body = [&] {
    for (int i = 0; i < 500; ++i) {
      const auto held = value.get_lock().hold().block();
      const auto again = value.get_lock().hold().block();  // recursive
      value.store(value.load() + 1);
    }
  };
  std::thread one(body);
  std::thread two(body);
  one.join();
  two.join();
  EXPECT_EQ(value.load(), 1000);
}

TEST(Array, ChecksTheIndexAndTheSize) {
  Array<int> array(3);
  EXPECT_EQ(array.size(), 3u);
  array.at(2) = 5;
  array.at(0u) = 1;
  EXPECT_EQ(array.at(std::uint8_t{1}), 0);
  EXPECT_THROW(array.at(3), std::out_of_range);
  EXPECT_THROW(array.at(-1), std::out_of_range);
  EXPECT_THROW(Array<int>(-1), std::invalid_argument);
  EXPECT_EQ(Array<int>(0).size(), 0u);
  const Array<int>& constant = array;
  EXPECT_EQ(constant.at(2), 5);
  int sum = 0;
  for (const int x : constant.span()) sum += x;
  EXPECT_EQ(sum, 6);
  array.span()[1] = 4;
  EXPECT_EQ(array.at(1), 4);
}

TEST(Array, CopiesARange) {
  const std::vector<int> numbers{3, 1, 2};
  Array<double> array(numbers);
  ASSERT_EQ(array.size(), 3u);
  EXPECT_EQ(array.at(0), 3.0);
  EXPECT_EQ(array.at(2), 2.0);
  Array<bool> flags(std::vector<bool>{true, false});
  EXPECT_TRUE(flags.at(0));
}

TEST(Threads, ValuesAndArraysAreHandlesWhoseLocksKeepThem) {
  Threads::Value<int> value{1};
  const Threads::Value<int> same = value;  // NOLINT: a copy, to be compared
  same.fetch_add(1);
  EXPECT_EQ(value.load(), 2);
  EXPECT_EQ(value, same);
  EXPECT_NE(value, Threads::Value<int>());
  Threads::RLock lock;
  {
    const Threads::Array<int> array(std::vector<int>{1, 2, 3});
    lock = array.get_lock();
    EXPECT_EQ(lock, array.get_lock());
    EXPECT_EQ(array.span().size(), array.size());
  }
  const auto held = lock.hold().block();  // what it belongs to is still there
  EXPECT_TRUE(lock.locked());
}

}  // namespace
