// SPDX-License-Identifier: BSL-1.0

// Memory for frames: a slab belongs to one thread, whoever frees its blocks; what a burst needed
// serves other sizes, what a thread had goes to the next one.

#include <gtest/gtest.h>

#include <cstddef>
#include <set>
#include <thread>
#include <vector>

#include "cohort/core/detail/frame_pool.hpp"  // what is tested

namespace {

namespace frames = cohort::detail::frames;
using cohort::detail::allocate_block;
using cohort::detail::free_block;

constexpr bool recycles = COHORT_RECYCLE_FRAMES != 0;
constexpr std::size_t size = 888;  // of a class that nothing else here uses

using Blocks = std::vector<void*>;

Blocks allocate(std::size_t count) {
  Blocks blocks(count);
  for (auto& block : blocks) block = allocate_block(size);
  return blocks;
}
void free_all(const Blocks& blocks) {
  for (void* const block : blocks) free_block(block, size);
}
// The nests that the blocks come from.
std::set<const void*> nests_of(const Blocks& blocks) {
  std::set<const void*> nests;
  for (const void* const block : blocks) nests.insert(frames::slab_of(block).nest);
  return nests;
}
template <class Body>
void on_a_thread(Body body) {
  std::thread(body).join();
}

TEST(FramePool, GivesBlocksBackToTheThreadThatHadThemFirst) {
  if (!recycles) GTEST_SKIP() << "frames are not recycled here";
  const Blocks first = allocate(100);
  const auto left = nests_of(first);
  EXPECT_EQ(left.size(), 1U);
  free_all(first);
  // Two threads that free what the other has, as thieves do, over and over.
  for (int round = 0; round < 50; ++round) {
    const Blocks mine = allocate(100);
    EXPECT_EQ(nests_of(mine), left);
    Blocks others;
    on_a_thread([&] {
      others = allocate(100);
      const auto right = nests_of(others);
      EXPECT_EQ(right.size(), 1U);
      EXPECT_NE(right, left);
      free_all(mine);
      const Blocks again = allocate(100);
      EXPECT_EQ(nests_of(again), right);
      free_all(again);
    });
    free_all(others);
  }
}

TEST(FramePool, SendsBlocksBackWhileTheirThreadWorks) {
  if (!recycles) GTEST_SKIP() << "frames are not recycled here";
  const std::size_t before = frames::lots.load();
  for (int round = 0; round < 100; ++round) {
    const Blocks blocks = allocate(100);
    on_a_thread([&] { free_all(blocks); });
  }
  EXPECT_LE(frames::lots.load(), before + 1);
}

TEST(FramePool, UsesTheMemoryOfABurstAgainForWhateverSize) {
  if (!recycles) GTEST_SKIP() << "frames are not recycled here";
  for (const bool elsewhere : {false, true}) {  // it is another thread that frees
    on_a_thread([elsewhere] {
      const std::size_t before = frames::lots.load();
      std::size_t first = 0;
      for (const std::size_t each :
           {size, size, size - 16, size - 32, size - 48, size - 64, size}) {
        Blocks blocks(20'000);
        for (auto& block : blocks) block = allocate_block(each);
        EXPECT_EQ(std::set<const void*>(blocks.begin(), blocks.end()).size(), blocks.size());
        const auto free_them = [&] {
          for (void* const block : blocks) free_block(block, each);
        };
        elsewhere ? on_a_thread(free_them) : free_them();
        if (first == 0) first = frames::lots.load() - before;
        EXPECT_LE(frames::lots.load() - before, first + first / 2 + 3) << elsewhere;
      }
    });
  }
  EXPECT_GT(frames::lots.load(), 5U);
}

TEST(FramePool, LeavesAThreadsMemoryToTheNextOne) {
  if (!recycles) GTEST_SKIP() << "frames are not recycled here";
  on_a_thread([] { free_all(allocate(100)); });
  const std::size_t before = frames::lots.load();
  for (int round = 0; round < 20; ++round) {
    on_a_thread([] { free_all(allocate(100)); });
  }
  EXPECT_EQ(frames::lots.load(), before);
}

TEST(FramePool, ServesAThreadThatEnds) {
  if (!recycles) GTEST_SKIP() << "frames are not recycled here";
  struct AtItsEnd {
    void* early = nullptr;
    ~AtItsEnd() {
      free_block(early, size);
      free_all(allocate(3));
    }
  };
  const std::size_t before = frames::lots.load();
  for (int round = 0; round < 20; ++round) {
    on_a_thread([] {
      static thread_local AtItsEnd end;  // goes after the thread has left its blocks
      end.early = allocate_block(size);
    });
  }
  EXPECT_LE(frames::lots.load(), before + 1);
}

}  // namespace
