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

template <class W>
class BasicHeap {
  using Block = BasicBlock<W>;
  using Head = BasicHeapHead<W>;

 public:
  /// The payload's offset; private to this process until `share`. Zeroed, unless it is bytes, or a
  /// message behind its first `min_payload`.
  /// Throws std::system_error (ENOMEM) if the shared memory is full.
  static Offset allocate(std::uint64_t bytes, Kind kind) {
    const Member me = W::self();
    const Offset at = take(class_of(bytes + sizeof(Block)), me);
    if (!at) {
      throw std::system_error(ENOMEM, std::generic_category(),
                              "the shared memory of this family of processes is full: take items "
                              "out, or raise ipc::set_memory_limit() at the start");
    }
    if (kind == Kind::bytes) return at;
    // It is mere bytes until what was there before is gone: if this process dies, it is judged by them.
    W::clear(at, kind == Kind::message ? min_payload : bytes);
    block_of(at).kind.store(static_cast<std::uint32_t>(kind), std::memory_order_release);
    return at;
  }

  static void free(Offset payload) noexcept {
    Head& head = W::heap();
    const Offset at = payload - sizeof(Block);
    lock(head);
    Block& block = block_at(at);
    head.moving.store(at | freeing, std::memory_order_release);
    block.generation.fetch_add(1, std::memory_order_relaxed);
    block.kind.store(0, std::memory_order_release);
    link(head, block, at);
    head.moving.store(0, std::memory_order_release);
    head.lock.unlock();
  }
  /// Finishes what one was at who has died. From then on, what he had begun to free is free.
  static void settle() noexcept {
    lock(W::heap());
    W::heap().lock.unlock();
  }

  /// Nobody's any more: it is reached from what is shared, or has holders of its own.
  static void share(Offset payload) noexcept {
    block_of(payload).owner.store(0, std::memory_order_release);
  }
  static void make_private(Offset payload, Member member) noexcept {
    block_of(payload).owner.store(member.bits, std::memory_order_release);
  }

  static Block& block_of(Offset payload) noexcept { return block_at(payload - sizeof(Block)); }
  static std::uint64_t capacity_of(Offset payload) noexcept {
    return block_of(payload).size - sizeof(Block);
  }

  /// `visit(payload, block)` for every block in use. They may come and go meanwhile.
  template <class Visit>
  static void walk(Visit visit) {
    Offset at = first_block;
    while (at < W::heap().top.load(std::memory_order_acquire)) {
      Block& block = block_at(at);
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

  static Block& block_at(Offset at) noexcept { return W::template at<Block>(at); }

  static void lock(Head& head) noexcept {
    if (!head.lock.lock()) return;
    // Whoever had it has died. The block it moved is in its list, or in use, or neither: then it
    // goes (back) to the list. In use, it is private to the dead one and will be found, unless it
    // was to be freed.
    const Offset moving = head.moving.load(std::memory_order_acquire);
    if (const Offset at = moving & ~freeing) {
      Block& block = block_at(at);
      const auto list = class_of(block.size);
      if (moving & freeing) block.kind.store(0, std::memory_order_release);
      const bool in_list = head.free_blocks[list].load(std::memory_order_relaxed) == at;
      if (block.kind.load(std::memory_order_relaxed) == 0 && !in_list) link(head, block, at);
      head.moving.store(0, std::memory_order_release);
    }
  }

  static void link(Head& head, Block& block, Offset at) noexcept {
    auto& list = head.free_blocks[class_of(block.size)];
    block.next_free = list.load(std::memory_order_relaxed);
    list.store(at, std::memory_order_release);
  }

  static Offset take(std::uint32_t list, Member me) noexcept {
    Head& head = W::heap();
    lock(head);
    Offset at = head.free_blocks[list].load(std::memory_order_relaxed);
    if (at) {
      Block& block = block_at(at);
      head.moving.store(at, std::memory_order_release);
      head.free_blocks[list].store(block.next_free, std::memory_order_release);
      occupy(block, me);
      head.moving.store(0, std::memory_order_release);
    } else {
      const std::uint64_t size = size_of_class(list);
      at = head.top.load(std::memory_order_relaxed);
      if (!make_room(head, at + size)) {
        head.lock.unlock();
        return 0;
      }
      Block& block = block_at(at);
      block.size = size;
      occupy(block, me);
      head.top.store(at + size, std::memory_order_release);
    }
    head.lock.unlock();
    return at + sizeof(Block);
  }
  static void occupy(Block& block, Member me) noexcept {
    block.owner.store(me.bits, std::memory_order_relaxed);
    block.generation.fetch_add(1, std::memory_order_relaxed);
    block.kind.store(static_cast<std::uint32_t>(Kind::bytes), std::memory_order_release);
  }

  static bool make_room(Head& head, std::uint64_t end) noexcept {
    const auto size = head.size.load(std::memory_order_relaxed);
    if (end <= size) return true;
    if (end > head.limit) return false;
    auto grown = size + size / 2;
    if (grown < end) grown = end;
    if (grown > head.limit) grown = head.limit;
    const auto wanted = W::extend(size, grown) ? grown : end;
    if (wanted == end && !W::extend(size, end)) return false;
    head.size.store(wanted, std::memory_order_release);
    return true;
  }
};
using Heap = BasicHeap<RealWorld>;

}  // namespace cohort::inline v0::ipc::detail
