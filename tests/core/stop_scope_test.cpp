// SPDX-License-Identifier: BSL-1.0

// The tree of stop scopes: who is told, and what is seen, while scopes join it.

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using cohort::detail::StopHook;
using cohort::detail::StopScope;

struct Count final : StopHook {
  void on_stop() noexcept override { ++told; }
  std::atomic<int> told{0};
};

// Scopes below each other, the first without a parent.
struct Chain {
  explicit Chain(std::size_t length) {
    for (std::size_t i = 0; i < length; ++i) {
      scopes.push_back(std::make_unique<StopScope>(i == 0 ? nullptr : scopes.back().get()));
    }
  }
  ~Chain() {
    while (!scopes.empty()) scopes.pop_back();
  }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  StopScope& operator[](std::size_t i) { return *scopes[i]; }
  std::vector<std::unique_ptr<StopScope>> scopes;
};

TEST(StopScope, TellsEverybodyBelowAndNobodyAbove) {
  Chain chain(5);
  StopScope branch(&chain[1]);
  Count in_branch, above, below[2];
  EXPECT_TRUE(chain[4].add(below[0]));
  EXPECT_TRUE(branch.add(in_branch));
  EXPECT_TRUE(chain[2].add(below[1]));
  EXPECT_TRUE(chain[1].add(above));
  EXPECT_TRUE(chain[2].request_stop());
  EXPECT_FALSE(chain[2].request_stop());
  for (const Count& hook : below) EXPECT_EQ(hook.told, 1);
  for (const Count* hook : {&in_branch, &above}) EXPECT_EQ(hook->told, 0);
  for (const std::size_t i : {2U, 3U, 4U}) EXPECT_TRUE(chain[i].stop_requested()) << i;
  for (const std::size_t i : {0U, 1U}) EXPECT_FALSE(chain[i].stop_requested()) << i;
  Count late;
  EXPECT_FALSE(chain[4].add(late));
  chain[1].remove(above);
  EXPECT_TRUE(chain[0].request_stop());
  EXPECT_EQ(in_branch.told, 1);
  EXPECT_EQ(above.told, 0);
  for (const Count& hook : below) EXPECT_EQ(hook.told, 1);
}

// A scope that was stopped itself is passed over; those beside it are not.
TEST(StopScope, IsStoppedFromAboveAfterAPartOfItWas) {
  Chain chain(3);
  StopScope branch(&chain[1]);
  Count first, second;
  EXPECT_TRUE(chain[2].add(first));
  EXPECT_TRUE(branch.add(second));
  EXPECT_TRUE(chain[2].request_stop());
  EXPECT_TRUE(chain[0].request_stop());
  EXPECT_EQ(first.told, 1);
  EXPECT_EQ(second.told, 1);
}

// While a hook takes its time, what it has not told yet is seen all the same.
TEST(StopScope, IsSeenToBeStoppedBeforeItsHooksHaveRun) {
  Chain chain(2);
  Count waiting;
  struct Slow final : StopHook {
    explicit Slow(StopScope& s) : scope(s) {}
    void on_stop() noexcept override {
      std::thread other([this] {
        Count late;
        seen = scope.stop_requested() && !scope.add(late);
      });
      other.join();
    }
    StopScope& scope;
    bool seen = false;
  } slow(chain[1]);
  EXPECT_TRUE(chain[1].add(waiting));
  EXPECT_TRUE(chain[0].add(slow));  // told first
  EXPECT_TRUE(chain[0].request_stop());
  EXPECT_TRUE(slow.seen);
  EXPECT_EQ(waiting.told, 1);
}

// Three threads meet in each round.
class Rounds {
 public:
  void meet() {
    const int mine = arrived_.fetch_add(1) + 1;
    const int all = (mine + 2) / 3 * 3;
    while (arrived_ < all) std::this_thread::yield();
  }

 private:
  std::atomic<int> arrived_{0};
};

// Two ask for a stop, at different heights, while a third one stands in line further down.
TEST(StopScope, TellsThoseWhoComeMeanwhileOrRefusesThem) {
  constexpr int rounds = 3000;
  Rounds rounds_of;
  std::unique_ptr<Chain> chain;
  std::atomic<int> refused{0}, told{0};
  const auto stop = [&](std::size_t at) {
    for (int round = 0; round < rounds; ++round) {
      rounds_of.meet();
      for (int i = 0; i < round % 7 * 5; ++i) std::this_thread::yield();
      (*chain)[at].request_stop();
      EXPECT_TRUE((*chain)[5].stop_requested());
      EXPECT_TRUE((*chain)[at].stop_requested());
      rounds_of.meet();
    }
  };
  std::thread top(stop, 0U), middle(stop, 2U);
  for (int round = 0; round < rounds; ++round) {
    chain = std::make_unique<Chain>(6);
    Count before, hook;
    if (round % 2 == 0) {
      EXPECT_TRUE((*chain)[3].add(before));
    }
    rounds_of.meet();
    const bool open = (*chain)[5].add(hook);
    EXPECT_TRUE(open || (*chain)[5].stop_requested());
    rounds_of.meet();
    EXPECT_EQ(hook.told, open ? 1 : 0);
    EXPECT_EQ(before.told, round % 2 == 0 ? 1 : 0);
    Count late;
    EXPECT_FALSE((*chain)[4].add(late));
    ++(open ? told : refused);
  }
  top.join();
  middle.join();
  EXPECT_EQ(told + refused, rounds);
}

}  // namespace
