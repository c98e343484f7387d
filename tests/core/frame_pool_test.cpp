// SPDX-License-Identifier: BSL-1.0

// Memory for frames: what a thread uses over and over shares no cache line with what it may have to
// leave to another thread; where there are many blocks they cost no more than their size.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "cohort/core/detail/frame_pool.hpp"  // what is tested

namespace {

namespace frames = cohort::detail::frames;
using cohort::detail::allocate_block;
using cohort::detail::free_block;

// Of a new thread, in the order of memory; given back.
std::vector<std::uintptr_t> blocks_of_a_thread(std::size_t count, std::size_t size) {
  std::vector<void*> blocks(count);
  std::thread([&] {
    for (auto& block : blocks) block = allocate_block(size);
    for (void* const block : blocks) free_block(block, size);
  }).join();
  std::vector<std::uintptr_t> places;
  for (void* const block : blocks) places.push_back(reinterpret_cast<std::uintptr_t>(block));
  std::sort(places.begin(), places.end());
  return places;
}

constexpr bool recycles = COHORT_RECYCLE_FRAMES != 0;

TEST(FramePool, GivesAThreadItsFirstBlocksWithoutASharedCacheLine) {
  if (!recycles) GTEST_SKIP() << "frames are not recycled here";
  // Sizes that nothing else in the process uses, or the depot may hold blocks of others.
  for (const std::size_t size : {8U, 872U, 904U, 1000U}) {
    const auto places = blocks_of_a_thread(frames::apart, size);
    for (std::size_t i = 1; i < places.size(); ++i) {
      const auto end = places[i - 1] + frames::size_of(frames::class_of(size)) - 1;
      ASSERT_LT(end / frames::line, places[i] / frames::line) << "size " << size;
    }
  }
}

TEST(FramePool, PacksManyBlocks) {
  if (!recycles) GTEST_SKIP() << "frames are not recycled here";
  const std::size_t size = 840;
  const auto places = blocks_of_a_thread(10'000, size);
  std::size_t packed = 0;
  for (std::size_t i = 1; i < places.size(); ++i) packed += places[i] - places[i - 1] < size + 32;
  EXPECT_GT(packed, places.size() * 9 / 10);
}

}  // namespace
