// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Memory for coroutine frames and the like: a per-thread free list for each size, so that creating
/// and ending a coroutine is a few loads and stores.
///
/// Blocks lie in slabs, and a slab belongs to one thread. A block that ends elsewhere, because its
/// task was stolen or started from outside, goes back in a batch. So no two threads work side by side
/// in memory: where stolen frames stay with the thief, the frames of both soon lie mixed, and fork
/// and join take up to twice the time (docs/decisions/010-frames-go-back.md).

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

// Sizes go in steps of 16.
inline constexpr std::size_t classes = 64;
inline constexpr std::size_t class_of(std::size_t size) noexcept { return (size - 1) / 16; }
inline constexpr std::size_t size_of(std::size_t cls) noexcept { return cls * 16 + 16; }
inline constexpr std::size_t slab_size = 32 * 1024;  // and its alignment
inline constexpr std::size_t together = 63;          // so many slabs come from the system at once
inline constexpr std::uint32_t batch = 32;           // foreign blocks that go back together

struct Block {
  Block* next;
};

struct Nest;

// At the beginning of its memory.
struct alignas(64) Slab {
  Nest* nest;
  std::uint32_t blocks;
  std::uint32_t idle = 0;  // counted by `sweep`
  Slab* next = nullptr;    // while it is unused
};

struct Foreign {
  Block* head;
  std::uint32_t count;
};

// What a thread has. It outlives the thread: the next one takes it over.
struct Nest {
  std::array<Block*, classes> own{};
  std::array<Foreign, classes> foreign{};   // blocks of others
  std::array<std::byte*, classes> fresh{};  // the part of the newest slab that was never used
  std::array<std::byte*, classes> fresh_end{};
  Slab* unused = nullptr;
  std::byte* untouched = nullptr;  // the slabs of the newest lot that never were used
  std::byte* untouched_end = nullptr;
  std::size_t lots = 0;
  std::size_t sweep_at = 1;                                         // lots
  alignas(64) std::array<std::atomic<Block*>, classes> returned{};  // by others
  std::atomic<bool> taken{true};
  Nest* next = nullptr;
};

inline constinit std::atomic<std::size_t> lots{0};   // obtained from the system. For tests.
inline constinit std::atomic<Nest*> nests{nullptr};  // all of them
inline constinit Nest no_nest{};                     // of a thread that has none: it is empty

inline thread_local constinit Nest* this_nest = &no_nest;
inline thread_local constinit bool thread_ends = false;

#if COHORT_CACHES_TLS_ADDRESSES
COHORT_NOINLINE inline Nest& own_nest() noexcept { return *this_nest; }
#else
inline Nest& own_nest() noexcept { return *this_nest; }
#endif

inline Slab& slab_of(const void* block) noexcept {
  return *reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(block) & ~(slab_size - 1));
}

// Sends blocks back, those in a row that are of one nest with one exchange.
inline void send_back(Block* first, std::size_t cls) noexcept {
  while (first) {
    Nest& nest = *slab_of(first).nest;
    Block* last = first;
    while (last->next && slab_of(last->next).nest == &nest) last = last->next;
    Block* const rest = last->next;
    std::atomic<Block*>& to = nest.returned[cls];
    last->next = to.load(std::memory_order_relaxed);
    // Whoever owns the nest takes all there is with one exchange, so there is no ABA.
    while (!to.compare_exchange_weak(last->next, first, std::memory_order_release,
                                     std::memory_order_relaxed)) {}
    first = rest;
  }
}

inline Nest& take_nest() {
  for (Nest* nest = nests.load(std::memory_order_acquire); nest; nest = nest->next) {
    if (!nest->taken.load(std::memory_order_relaxed) &&
        !nest->taken.exchange(true, std::memory_order_acquire)) {
      return *nest;
    }
  }
  auto* const nest = new Nest;
  nest->next = nests.load(std::memory_order_relaxed);
  while (!nests.compare_exchange_weak(nest->next, nest, std::memory_order_release,
                                      std::memory_order_relaxed)) {}
  return *nest;
}
inline void leave(Nest& nest) noexcept {
  for (std::size_t cls = 0; cls < classes; ++cls) {
    send_back(std::exchange(nest.foreign[cls], {}).head, cls);
  }
  nest.taken.store(false, std::memory_order_release);
}

// A stay in a nest: the thread's own, or while the thread ends in any, for one call.
class Stay {
 public:
  Stay() : nest_(this_nest == &no_nest ? take_nest() : *this_nest) {
    if (this_nest != &no_nest || thread_ends) return;
    this_nest = &nest_;
    struct Leave {
      ~Leave() {
        thread_ends = true;
        leave(*std::exchange(this_nest, &no_nest));
      }
    };
    [[maybe_unused]] static thread_local Leave at_its_end;
  }
  ~Stay() {
    if (this_nest == &no_nest) leave(nest_);
  }
  Stay(const Stay&) = delete;
  Stay& operator=(const Stay&) = delete;
  Nest* operator->() const noexcept { return &nest_; }
  Nest& operator*() const noexcept { return nest_; }

 private:
  Nest& nest_;
};

// Finds the slabs whose blocks are all in the list.
inline void sweep(Nest& nest, Block*& list) noexcept {
  for (Block* block = list; block; block = block->next) ++slab_of(block).idle;
  Block** end = &list;
  while (Block* const block = *end) {
    Slab& slab = slab_of(block);
    if (slab.idle < slab.blocks) {
      slab.idle = 0;
      end = &block->next;
    } else {
      *end = block->next;
      if (++slab.idle == 2 * slab.blocks) slab.next = std::exchange(nest.unused, &slab);
    }
  }
}

inline void* memory_for_slab(Nest& nest) {
  if (!nest.unused && nest.untouched == nest.untouched_end && nest.lots >= nest.sweep_at) {
    // There may be many blocks of sizes that are not wanted any more. If not, the next look waits
    // until there is half as much again, so that sweeping costs no more than filling all that.
    for (std::size_t cls = 0; cls < classes; ++cls) {
      Block** end = &nest.own[cls];
      while (*end) end = &(*end)->next;
      *end = nest.returned[cls].exchange(nullptr, std::memory_order_acquire);
      sweep(nest, nest.own[cls]);
    }
    std::size_t found = 0;
    for (const Slab* slab = nest.unused; slab; slab = slab->next) ++found;
    if (found < nest.lots * together / 2) nest.sweep_at = nest.lots + nest.lots / 2 + 1;
  }
  if (Slab* const slab = nest.unused) {
    nest.unused = slab->next;
    return slab;
  }
  if (nest.untouched == nest.untouched_end) {
    // Aligned by hand, and many at once: malloc touches two pages for each aligned piece.
    auto* const memory = static_cast<std::byte*>(::operator new(slab_size*(together + 1)));
    nest.untouched = reinterpret_cast<std::byte*>(&slab_of(memory + slab_size - 1));
    nest.untouched_end = nest.untouched + slab_size * together;
    ++nest.lots;
    lots.fetch_add(1, std::memory_order_relaxed);
  }
  return std::exchange(nest.untouched, nest.untouched + slab_size);
}

COHORT_COLD inline void* allocate_slowly(std::size_t cls) {
  const Stay nest;
  Block*& list = nest->own[cls];
  if (!list && nest->returned[cls].load(std::memory_order_relaxed)) {
    list = nest->returned[cls].exchange(nullptr, std::memory_order_acquire);
  }
  if (Block* const block = list) {
    list = block->next;
    return block;
  }
  const std::size_t size = size_of(cls);
  if (nest->fresh[cls] == nest->fresh_end[cls]) {
    const std::size_t blocks = (slab_size - sizeof(Slab)) / size;
    auto* const slab =
        new (memory_for_slab(*nest)) Slab{&*nest, static_cast<std::uint32_t>(blocks)};
    nest->fresh[cls] = reinterpret_cast<std::byte*>(slab + 1);
    nest->fresh_end[cls] = nest->fresh[cls] + blocks * size;
  }
  return std::exchange(nest->fresh[cls], nest->fresh[cls] + size);
}

COHORT_COLD inline void free_foreign(std::size_t cls, Block* block) noexcept {
  try {
    const Stay nest;
    Foreign& list = nest->foreign[cls];
    block->next = std::exchange(list.head, block);
    if (++list.count == batch) send_back(std::exchange(list, {}).head, cls);
  } catch (...) {  // no memory for a nest
    block->next = nullptr;
    send_back(block, cls);
  }
}

}  // namespace detail::frames

namespace detail {

inline void* allocate_block(std::size_t size) {
#if COHORT_RECYCLE_FRAMES
  using namespace frames;
  const std::size_t cls = class_of(size);
  if (cls < classes) {
    Block*& list = own_nest().own[cls];
    if (Block* const block = list) [[likely]] {
      list = block->next;
      return block;
    }
    return allocate_slowly(cls);
  }
#endif
  return ::operator new(size);
}

inline void free_block(void* memory, [[maybe_unused]] std::size_t size) noexcept {
#if COHORT_RECYCLE_FRAMES
  using namespace frames;
  const std::size_t cls = class_of(size);
  if (cls < classes) {
    auto* const block = static_cast<Block*>(memory);
    Nest& nest = own_nest();
    if (slab_of(block).nest != &nest) [[unlikely]] {
      free_foreign(cls, block);
      return;
    }
    block->next = std::exchange(nest.own[cls], block);
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
