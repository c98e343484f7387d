// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What lies where in the memory that a family of processes shares.
///
/// Nothing in it is a pointer: every process maps it where it likes. Everything is kept such that
/// whoever dies at any instruction leaves a state from which another can go on.

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cohort/ipc/detail/robust_lock.hpp"  // RobustLock
#include "cohort/ipc/detail/world.hpp"        // Offset, RealWorld

namespace cohort::inline v0::ipc::detail {

inline constexpr std::uint32_t max_members = RealWorld::max_members;

/// A place in the process table.
struct MemberSlot {
  enum State : std::uint64_t { free, claimed, live, dead };

  // generation << 8 | state. Reused, one generation later, once nothing is left of the dead one.
  std::atomic<std::uint64_t> word;
  std::atomic<std::int32_t> pid;
  std::atomic<std::uint32_t> bell;  // rises when there is something for it; its warden sleeps here
  std::atomic<std::uint64_t> started;  // tells it from a later process with that pid
  std::atomic<std::uint64_t> parent;   // Member
  // WakeBits, once somebody here has waited. Kept for the next one: a late wake-up may still come.
  std::atomic<Offset> wakes;
};

/// Which of a process's waits were decided or nudged. A bit set twice, or for nothing, does no harm.
struct WakeBits {
  static constexpr std::uint32_t count = 1U << 15;
  std::atomic<std::uint64_t> summary[count / 64 / 64];
  std::atomic<std::uint64_t> bits[count / 64];
};

/// Stands before every piece of the shared memory that was ever allocated; they follow each other
/// without a gap from `first_block` to `top`, so that all can be visited.
template <class W>
struct alignas(16) BasicBlock {
  template <class T>
  using Atomic = typename W::template atomic<T>;
  Atomic<std::uint32_t> kind;        // 0: free
  Atomic<std::uint32_t> generation;  // of what lives here, so that a stale handle is noticed
  std::uint64_t size;                // with this header
  Atomic<std::uint64_t> owner;       // Member to whom it still is private, else 0
  Offset next_free;
};
using Block = BasicBlock<RealWorld>;
static_assert(sizeof(Block) == 32);

/// Sizes of blocks: 64 × 2^k and 96 × 2^k bytes.
inline constexpr std::uint32_t size_classes = 64;

/// What the heap knows of itself; all but the lock belongs to that.
template <class W>
struct BasicHeapHead {
  template <class T>
  using Atomic = typename W::template atomic<T>;
  std::uint64_t limit;         // bytes that may ever be used
  Atomic<std::uint64_t> size;  // bytes that may be touched
  BasicRobustLock<W> lock;
  Atomic<Offset> top;
  Atomic<Offset> moving;  // the block that is being given or taken back
  Atomic<Offset> free_blocks[size_classes];
};

struct Header {
  static constexpr std::uint64_t magic = 0x3131'7472'6f68'6f63;  // "cohort11"

  std::uint64_t identity;  // magic, once the rest is made
  BasicHeapHead<RealWorld> heap;
  std::atomic<std::uint32_t> epoch;   // rises when a process joins
  std::atomic<std::uint32_t> deaths;  // rises when what dead ones left was put in order
  std::atomic<std::uint64_t> tickets;

  RobustLock holders_lock;          // who holds what is changed by one at a time
  RobustLock sweep_lock;            // one at a time puts in order what a dead process has left,
  std::atomic<Offset> swept;        // and keeps this object meanwhile
  MemberSlot members[max_members];  // the first is nobody's
};

inline constexpr Offset first_block = (sizeof(Header) + 63) / 64 * 64;

}  // namespace cohort::inline v0::ipc::detail
