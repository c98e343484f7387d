// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Memory for coroutine frames and the like: a per-thread free list for each size, so that creating and ending
/// a coroutine is two loads and two stores. A thread that frees more than it allocates passes
/// batches on through a small depot of lock-free slots; one exchange moves 64 frames.
///
/// A frame that was stolen ends up in the thief's list, between frames of its first owner in memory.
/// So the first blocks of a thread, those that fork and join use over and over, share no cache line
/// with others; where there are many, most of them rest, and they are packed.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "cohort/config.hpp"  // COHORT_RECYCLE_FRAMES, COHORT_COUNT_FRAMES

namespace cohort::inline v0 {

/// Coroutine frames that live now, where COHORT_COUNT_FRAMES is set; else 0. For tests.
namespace detail {
inline std::atomic<std::ptrdiff_t> frame_count{0};
}
inline std::ptrdiff_t live_frames() noexcept {
  return detail::frame_count.load(std::memory_order_relaxed);
}

namespace detail::frames {

// Sizes go in steps of 16, offset by 8: exactly what a malloc with an 8-byte header hands out.
inline constexpr std::size_t classes = 64;
inline constexpr std::size_t class_of(std::size_t size) noexcept { return (size + 7) / 16; }
inline constexpr std::size_t size_of(std::size_t cls) noexcept { return cls * 16 + 8; }
inline constexpr std::int32_t batch = 64;
inline constexpr std::int32_t apart = 4 * batch;  // so many of a thread's blocks share no line
inline constexpr std::size_t line = 64;

struct Block {
  Block* next;
};

struct FreeList {
  Block* head;
  std::int32_t room;  // blocks it takes before the slow path looks after it; 0 at first
  std::int32_t made;  // blocks got from the system, up to `apart`, since it last passed some on
};

// Batches of exactly `batch` blocks on their way from thread to thread. A slot is taken by an
// exchange and filled by a compare-exchange from null, so there is no ABA.
struct Depot {
  std::array<std::array<std::atomic<Block*>, 16>, classes> slots{};
  std::array<std::atomic<std::int32_t>, classes> filled{};  // a hint; may be off for a moment
};
inline constinit Depot depot{};

inline void free_all(Block* block) noexcept {
  while (block) {
    Block* const next = block->next;
    ::operator delete(block);
    block = next;
  }
}

inline void give(std::size_t cls, Block* blocks) noexcept {
  for (auto& slot : depot.slots[cls]) {
    Block* expected = nullptr;
    if (slot.load(std::memory_order_relaxed) == nullptr &&
        slot.compare_exchange_strong(expected, blocks, std::memory_order_release,
                                     std::memory_order_relaxed)) {
      depot.filled[cls].fetch_add(1, std::memory_order_relaxed);
      return;
    }
  }
  free_all(blocks);
}

inline Block* take(std::size_t cls) noexcept {
  if (depot.filled[cls].load(std::memory_order_relaxed) <= 0) return nullptr;
  for (auto& slot : depot.slots[cls]) {
    if (slot.load(std::memory_order_relaxed) == nullptr) continue;
    if (Block* blocks = slot.exchange(nullptr, std::memory_order_acquire)) {
      depot.filled[cls].fetch_sub(1, std::memory_order_relaxed);
      return blocks;
    }
  }
  return nullptr;
}

// Zero-initialised and trivially destroyed, so that access needs no guard; `Flush` cleans up.
struct Cache {
  std::array<FreeList, classes> lists;
  bool registered;
  bool closed;
};
inline thread_local constinit Cache thread_cache{};

// Gives a thread's blocks back when it ends. Coroutines destroyed later go to operator delete.
struct Flush {
  ~Flush() {
    thread_cache.closed = true;
    for (auto& list : thread_cache.lists) free_all(std::exchange(list, {}).head);
  }
};

inline Cache& this_cache() noexcept {
#if COHORT_CACHES_TLS_ADDRESSES
  struct Hidden {
    COHORT_NOINLINE static Cache* get() noexcept {
      Cache* p = &thread_cache;
      asm volatile("" : "+r"(p) : : "memory");
      return p;
    }
  };
  return *Hidden::get();
#else
  return thread_cache;
#endif
}

// The thread's first call comes here: its cache is flushed when the thread ends.
inline bool ready(Cache& cache) {
  if (!cache.registered) {
    cache.registered = true;
    [[maybe_unused]] static thread_local Flush flush;
  }
  return !cache.closed;
}

COHORT_COLD inline void* allocate_slowly(Cache& cache, std::size_t cls) {
  FreeList& list = cache.lists[cls];
  list.head = nullptr;
  list.room = 0;
  std::size_t gap = 0;
  if (ready(cache)) {
    list.room = 2 * batch;
    if (Block* blocks = take(cls)) {
      list.head = blocks->next;
      list.room = batch + 1;
      return blocks;
    }
    if (list.made < apart) {
      ++list.made;
      gap = line - 16;  // blocks begin at multiples of 16 and end 8 before one
    }
  }
  return ::operator new(size_of(cls) + gap);
}

COHORT_COLD inline void free_slowly(Cache& cache, std::size_t cls, Block* block) noexcept {
  if (!ready(cache)) {
    ::operator delete(block);
    return;
  }
  FreeList& list = cache.lists[cls];
  block->next = std::exchange(list.head, block);
  if (!block->next) {
    list.room = 2 * batch - 1;
    return;
  }
  // 2 * batch + 1 of them: keep the newer half, pass on the older.
  list.room = batch - 1;
  list.made = 0;
  for (std::int32_t i = 0; i < batch; ++i) block = block->next;
  give(cls, std::exchange(block->next, nullptr));
}

}  // namespace detail::frames

namespace detail {

inline void* allocate_block(std::size_t size) {
#if COHORT_RECYCLE_FRAMES
  using namespace frames;
  const std::size_t cls = class_of(size);
  if (cls < classes) {
    Cache& cache = this_cache();
    FreeList& list = cache.lists[cls];
    if (Block* block = list.head) [[likely]] {
      list.head = block->next;
      ++list.room;
      return block;
    }
    return allocate_slowly(cache, cls);
  }
#endif
  return ::operator new(size);
}

inline void free_block(void* memory, [[maybe_unused]] std::size_t size) noexcept {
#if COHORT_RECYCLE_FRAMES
  using namespace frames;
  const std::size_t cls = class_of(size);
  if (cls < classes) {
    Cache& cache = this_cache();
    FreeList& list = cache.lists[cls];
    auto* const block = static_cast<Block*>(memory);
    if (list.room == 0) [[unlikely]] {
      free_slowly(cache, cls, block);
      return;
    }
    block->next = list.head;
    list.head = block;
    --list.room;
    return;
  }
#endif
  ::operator delete(memory);
}

inline void* allocate_frame(std::size_t size) {
  void* const memory = allocate_block(size);
#if COHORT_COUNT_FRAMES
  frame_count.fetch_add(1, std::memory_order_relaxed);
#endif
  return memory;
}

inline void free_frame(void* memory, std::size_t size) noexcept {
#if COHORT_COUNT_FRAMES
  frame_count.fetch_sub(1, std::memory_order_relaxed);
#endif
  free_block(memory, size);
}

}  // namespace detail
}  // namespace cohort::inline v0
