// SPDX-License-Identifier: BSL-1.0

// A worker's deque, in the model checker.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cohort/exec/detail/deque.hpp"  // what is tested
#include "faults.hpp"                    // Fault, Policy
#include "model.hpp"                     // explore, Data

namespace {

namespace model = cohort::model;
using namespace cohort::model;
using cohort::detail::BasicDeque;

struct Item {
  model::Data<int> value;
  int taken = 0;
};

struct Work {
  BasicDeque<Policy, Item> deque{2};
  std::array<Item, 6> items;
  std::size_t pushed = 0;

  void push() {
    Item& item = items[pushed++];
    item.value.set(42);
    deque.push(item);
  }
  std::ptrdiff_t take(Item* item) {
    if (item == nullptr) return -1;
    require(item->value.get() == 42, "what was written before push is seen");
    require(++item->taken == 1, "an item is taken once");
    return item - items.data();
  }
  // '+' pushes, '-' pops, '<' takes the newest back
  void own(std::string_view program) {
    for (const char c : program) {
      if (c == '+') push();
      if (c == '-') take(deque.pop());
      if (c == '<' && pushed > 0 && deque.take_back(items[pushed - 1])) take(&items[pushed - 1]);
    }
  }
  void steal(int times) {
    for (std::ptrdiff_t last = -1; times > 0; --times) {
      const auto now = take(deque.steal());
      require(now == -1 || now > last, "a thief gets the oldest first");
      if (now != -1) last = now;
    }
  }
  void check() {
    while (Item* const item = deque.pop()) take(item);
    for (std::size_t i = 0; i < pushed; ++i) require(items[i].taken == 1, "no item is lost");
    require(deque.empty(), "nothing is left");
  }
};

Outcome steal(std::string_view before, std::string_view program, int thieves, int steals,
              const Options& options, Fault planted = {}) {
  return explore(planted, options, [=](Execution& ex) {
    auto& work = ex.make<Work>();
    work.own(before);
    ex.thread([&work, program] { work.own(program); });
    for (int i = 0; i < thieves; ++i) ex.thread([&work, steals] { work.steal(steals); });
    ex.finally([&work] { work.check(); });
  });
}

TEST(DequeInTheModel, GivesEachItemOnceToItsOwnerOrAThiefWhateverTheOwnerDoes) {
  std::vector<std::string> programs{""};
  for (int i = 0; i < 3; ++i) {
    std::vector<std::string> longer;
    for (const auto& program : programs) {
      for (const char c : {'+', '-', '<'}) longer.push_back(program + c);
    }
    programs = longer;
  }
  std::size_t executions = 0;
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const auto* const before : {"", "++"}) {
      for (const auto& program : programs) {
        const auto outcome = steal(before, program, 1, 3, {.memory = memory, .random = 200});
        expect_passed(outcome, before + program);
        EXPECT_TRUE(outcome.exhausted);
        executions += outcome.executions;
      }
    }
  }
  RecordProperty("executions", std::to_string(executions));
}

TEST(DequeInTheModel, GivesEachItemOnceWhenTwoThievesMeetAndTheRingGrows) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const auto asymmetric : {true, false}) {
      const Options options{
          .memory = memory, .asymmetric = asymmetric, .executions = 20'000, .random = 2'000};
      expect_passed(steal("+", "++-+-", 2, 2, options));
      expect_passed(steal("++", "-+-", 2, 2, options));
    }
  }
}

TEST(DequeInTheModel, IsSeenToFailWhenAnOrderOfItIsWeakened) {
  const auto fails = [](Fault planted, Memory memory = Memory::weak) {
    return steal("", "++-", 1, 3, {.memory = memory}, planted).failed ||
           steal("++", "+--", 2, 2, {.memory = memory}, planted).failed;
  };
  EXPECT_TRUE(fails({Op::heavy_barrier}, Memory::tso));
  EXPECT_TRUE(fails({Op::heavy_barrier}));
  EXPECT_TRUE(fails({Op::fence_of_store}));
  EXPECT_TRUE(fails({Op::load, "steal", acquire, relaxed}));
  EXPECT_TRUE(fails({Op::store, "make_room", release, relaxed}));
}

}  // namespace
