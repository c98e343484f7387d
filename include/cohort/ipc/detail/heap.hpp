// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Pieces of the shared memory. A block is free, private to a member that is making or dropping
/// something, or part of what is shared; whatever member dies, no block is lost: those private to it
/// are found when the heap is walked.

#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <system_error>

#include "cohort/ipc/detail/family.hpp"  // Family
#include "cohort/ipc/detail/layout.hpp"  // Block, Header

namespace cohort::inline v0::ipc::detail {

/// What a block holds.
enum class Kind : std::uint32_t {
  none,
  waiter,  // private to the process that waits
  bytes,   // part of something else
  message,
  lock,  // from here on objects, with holders
  semaphore,
  event,
  condition,
  barrier,
  queue,
  value,
};
inline constexpr Kind first_object = Kind::lock;

template <class = void>
class BasicHeap {
 public:
  /// The payload's offset; private to this process until `share`. Zeroed, unless it is bytes, or a
  /// message behind its first `min_payload`.
  /// Throws std::system_error (ENOMEM) if the shared memory is full.
  static Offset allocate(std::uint64_t bytes, Kind kind) {
    Family& family = Family::get();
    const std::uint64_t size = size_of_class(class_of(bytes + sizeof(Block)));
    const Member me = family.me();
    const Offset at = take(family, class_of(bytes + sizeof(Block)), size, me);
    if (!at) {
      throw std::system_error(ENOMEM, std::generic_category(),
                              "the shared memory of this family of processes is full: take items "
                              "out, or raise ipc::set_memory_limit() at the start");
    }
    if (kind == Kind::bytes) return at;
    // It is mere bytes until what was there before is gone: if this process dies, it is judged by them.
    std::memset(family.base() + at, 0, kind == Kind::message ? min_payload : bytes);
    block_of(at).kind.store(static_cast<std::uint32_t>(kind), std::memory_order_release);
    return at;
  }

  static void free(Offset payload) noexcept {
    Family& family = Family::get();
    Header& header = family.header();
    const Offset at = payload - sizeof(Block);
    lock(family);
    Block& block = family.at<Block>(at);
    header.moving.store(at | freeing, std::memory_order_release);
    block.generation.fetch_add(1, std::memory_order_relaxed);
    block.kind.store(0, std::memory_order_release);
    link(header, block, at);
    header.moving.store(0, std::memory_order_release);
    header.heap_lock.unlock();
  }
  /// Finishes what one was at who has died. From then on, what he had begun to free is free.
  static void settle() noexcept {
    lock(Family::get());
    Family::get().header().heap_lock.unlock();
  }

  /// Nobody's any more: it is reached from what is shared, or has holders of its own.
  static void share(Offset payload) noexcept {
    block_of(payload).owner.store(0, std::memory_order_release);
  }
  static void make_private(Offset payload, Member member) noexcept {
    block_of(payload).owner.store(member.bits, std::memory_order_release);
  }

  static Block& block_of(Offset payload) noexcept {
    return Family::get().at<Block>(payload - sizeof(Block));
  }
  static std::uint64_t capacity_of(Offset payload) noexcept {
    return block_of(payload).size - sizeof(Block);
  }

  /// `visit(payload, block)` for every block in use. They may come and go meanwhile.
  template <class Visit>
  static void walk(Visit visit) {
    Family& family = Family::get();
    Offset at = first_block;
    while (at < family.header().top.load(std::memory_order_acquire)) {
      Block& block = family.at<Block>(at);
      const auto size = block.size;
      if (block.kind.load(std::memory_order_acquire) != 0) visit(at + sizeof(Block), block);
      at += size;
    }
  }
  /// Blocks in use, for tests.
  static std::size_t blocks_in_use() {
    std::size_t count = 0;
    walk([&](Offset, Block&) { ++count; });
    return count;
  }

 private:
  static constexpr Offset freeing = 1;
  static constexpr std::uint64_t min_payload = 64 - sizeof(Block);

  // 64, 96, 128, 192, 256 …: class 2k is 64 << k, class 2k + 1 half as much again.
  static std::uint32_t class_of(std::uint64_t size) noexcept {
    if (size <= 64) return 0;
    const auto k = static_cast<std::uint32_t>(std::bit_width(size - 1)) - 7;  // 64 << k < size
    return 2 * k + (size <= std::uint64_t{96} << k ? 1 : 2);
  }
  static std::uint64_t size_of_class(std::uint32_t c) noexcept {
    return std::uint64_t{c % 2 == 0 ? 64U : 96U} << c / 2;
  }

  static void lock(Family& family) noexcept {
    Header& header = family.header();
    if (!header.heap_lock.lock()) return;
    // Whoever had it has died. The block it moved is in its list, or in use, or neither: then it
    // goes (back) to the list. In use, it is private to the dead one and will be found, unless it
    // was to be freed.
    const Offset moving = header.moving.load(std::memory_order_acquire);
    if (const Offset at = moving & ~freeing) {
      Block& block = family.at<Block>(at);
      const auto list = class_of(block.size);
      if (moving & freeing) block.kind.store(0, std::memory_order_release);
      const bool in_list = header.free_blocks[list].load(std::memory_order_relaxed) == at;
      if (block.kind.load(std::memory_order_relaxed) == 0 && !in_list) link(header, block, at);
      header.moving.store(0, std::memory_order_release);
    }
  }

  static void link(Header& header, Block& block, Offset at) noexcept {
    auto& list = header.free_blocks[class_of(block.size)];
    block.next_free = list.load(std::memory_order_relaxed);
    list.store(at, std::memory_order_release);
  }

  static Offset take(Family& family, std::uint32_t list, std::uint64_t size, Member me) noexcept {
    Header& header = family.header();
    lock(family);
    Offset at = header.free_blocks[list].load(std::memory_order_relaxed);
    if (at) {
      Block& block = family.at<Block>(at);
      header.moving.store(at, std::memory_order_release);
      header.free_blocks[list].store(block.next_free, std::memory_order_release);
      occupy(block, me);
      header.moving.store(0, std::memory_order_release);
    } else {
      at = header.top.load(std::memory_order_relaxed);
      if (!make_room(family, at + size)) {
        header.heap_lock.unlock();
        return 0;
      }
      Block& block = family.at<Block>(at);
      block.size = size;
      occupy(block, me);
      header.top.store(at + size, std::memory_order_release);
    }
    header.heap_lock.unlock();
    return at + sizeof(Block);
  }
  static void occupy(Block& block, Member me) noexcept {
    block.owner.store(me.bits, std::memory_order_relaxed);
    block.generation.fetch_add(1, std::memory_order_relaxed);
    block.kind.store(static_cast<std::uint32_t>(Kind::bytes), std::memory_order_release);
  }

  static bool make_room(Family& family, std::uint64_t end) noexcept {
    Header& header = family.header();
    const auto size = header.size.load(std::memory_order_relaxed);
    if (end <= size) return true;
    if (end > header.limit) return false;
    auto grown = size + size / 2;
    if (grown < end) grown = end;
    if (grown > header.limit) grown = header.limit;
    const auto wanted = os::shared_memory::extend(family.memory(), size, grown) ? grown : end;
    if (wanted == end && !os::shared_memory::extend(family.memory(), size, end)) return false;
    header.size.store(wanted, std::memory_order_release);
    return true;
  }
};
using Heap = BasicHeap<>;

}  // namespace cohort::inline v0::ipc::detail
