// SPDX-License-Identifier: BSL-1.0

// Generator: lazy, move-only, its exceptions go to whoever iterates, its frame goes when it does.

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using cohort::Generator;

Generator<int> count(int n) {
  for (int i = 0; i < n; ++i) co_yield i;
}
Generator<int> endless(std::shared_ptr<int> made) {
  for (;;) co_yield ++*made;
}

TEST(Generator, YieldsEachElementInOrder) {
  std::vector<int> seen;
  for (auto& x : count(4)) seen.push_back(x);
  EXPECT_EQ(seen, (std::vector{0, 1, 2, 3}));
  for ([[maybe_unused]] auto& x : count(0)) FAIL();
}

TEST(Generator, MakesAnElementOnlyWhenItIsAskedForAndGoesWithAllItHeld) {
  const auto made = std::make_shared<int>(0);
  {
    auto gen = endless(made);
    EXPECT_EQ(*made, 0);
    EXPECT_EQ(made.use_count(), 2);
    for (const auto& x : gen) {
      EXPECT_EQ(x, *made);
      if (x == 3) break;
    }
    EXPECT_EQ(*made, 3);
    EXPECT_EQ(*gen.begin(), 4);  // goes on where it was
  }
  EXPECT_EQ(made.use_count(), 1);
}

TEST(Generator, MovesAndDoesNotCopy) {
  static_assert(std::is_nothrow_move_constructible_v<Generator<int>>);
  static_assert(!std::is_copy_constructible_v<Generator<int>>);
  auto from = count(3);
  auto to = std::move(from);
  EXPECT_THROW(static_cast<void>(from.begin()), cohort::UsageError);  // NOLINT: what is tested
  int sum = 0;
  for (const auto& x : to) sum += x;
  EXPECT_EQ(sum, 3);
  to = count(1);
  EXPECT_EQ(*to.begin(), 0);
}

TEST(Generator, ThrowsToWhoeverIteratesAndHasEnded) {
  const auto body = []() -> Generator<int> {
    co_yield 1;
    throw std::runtime_error("broken");
  };
  auto gen = body();
  std::vector<int> seen;
  EXPECT_THROW(for (const auto& x : gen) seen.push_back(x), std::runtime_error);
  EXPECT_EQ(seen, std::vector{1});
  EXPECT_TRUE(gen.begin() == gen.end());
}

TEST(Generator, YieldsTheVeryObjectAndACopyOfAConstantOne) {
  int object = 1;
  const auto body = [](int& x) -> Generator<int&> {
    co_yield x;
    EXPECT_EQ(x, 5);
  };
  for (auto& x : body(object)) {
    EXPECT_EQ(&x, &object);
    x = 5;
  }
  const std::string constant = "constant";
  const auto texts = [](const std::string& text) -> Generator<std::string> {
    co_yield text;
    std::string own = "own";
    co_yield own;
    EXPECT_EQ(own, "own!");
    co_yield "literal";
  };
  std::vector<std::string> seen;
  for (auto& text : texts(constant)) seen.push_back(text += "!");
  EXPECT_EQ(seen, (std::vector<std::string>{"constant!", "own!", "literal!"}));
  EXPECT_EQ(constant, "constant");
  const auto constants = [](const std::string& text) -> Generator<const std::string&> {
    co_yield text;
  };
  for (const auto& text : constants(constant)) EXPECT_EQ(&text, &constant);
}

TEST(Generator, YieldsWhatOnlyMoves) {
  const auto body = []() -> Generator<std::unique_ptr<int>> {
    for (int i = 0; i < 3; ++i) co_yield std::make_unique<int>(i);
  };
  std::vector<std::unique_ptr<int>> kept;
  for (auto& p : body()) kept.push_back(std::move(p));
  EXPECT_EQ(*kept[2], 2);
}

TEST(Generator, TakesItsFrameFromThePool) {
  const auto before = cohort::live_frames();
  auto gen = count(3);
  EXPECT_EQ(cohort::live_frames(), before + 1);
  for ([[maybe_unused]] auto& x : gen) EXPECT_EQ(cohort::live_frames(), before + 1);
}

TEST(Generator, NestsAndWorksInsideATask) {
  const auto twice = [](Generator<int> gen) -> Generator<int> {
    for (auto& x : gen) {
      co_yield x;
      co_yield x;
    }
  };
  const auto task = [&]() -> cohort::Task<int> {
    int sum = 0;
    auto gen = twice(count(1000));
    for (auto& x : gen) {
      sum += x;
      if (x % 100 == 0) co_await cohort::yield_now();
    }
    co_return sum;
  };
  EXPECT_EQ(cohort::run(task()), 999'000);
}

}  // namespace
