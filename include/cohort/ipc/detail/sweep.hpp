// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What becomes of the things that a dead process has left. Whoever sees the death may do it, with
/// the sweep's lock, and may die as well: then it is done again.

#include "cohort/ipc/detail/handle.hpp"       // kinds, ObjectHead
#include "cohort/ipc/detail/heap.hpp"         // Heap::walk
#include "cohort/ipc/detail/shared_gate.hpp"  // SharedWaiter

namespace cohort::inline v0::ipc::detail {

template <class = void>
bool is_object(const Block& block) noexcept {
  const auto kind = block.kind.load(std::memory_order_acquire);
  return kind >= static_cast<std::uint32_t>(first_object) && kind < std::size(kinds) &&
         kinds[kind].bury;
}
template <class = void>
bool is_waiter(const Block& block) noexcept {
  return block.kind.load(std::memory_order_acquire) == static_cast<std::uint32_t>(Kind::waiter);
}

/// The object that is looked at is kept meanwhile, whoever lets go of it.
template <class = void>
void stop_keeping() noexcept {
  Header& header = HoldersLock::header();
  const Offset at = header.swept.load(std::memory_order_relaxed);
  if (at == 0) return;
  bool unheld = false;
  {
    const HoldersLock lock;
    header.swept.store(0, std::memory_order_relaxed);
    unheld = !Family::get().at<ObjectHead>(at).holders.any();
    if (unheld) Heap::make_private(at, self());
  }
  if (unheld) end_object(at);
}
template <class = void>
bool keep(Offset at, const Block& block) noexcept {
  const HoldersLock lock;
  // One that somebody still makes, or has begun to end, is his. Acquire: pairs with the release by
  // which its maker shares it; he does not take the lock.
  if (!is_object(block) || block.owner.load(std::memory_order_acquire) != 0) return false;
  HoldersLock::header().swept.store(at, std::memory_order_relaxed);
  return true;
}

/// The member is marked dead. Afterwards nothing names it any more.
template <class = void>
void sweep(Member dead) noexcept {
  Family& family = Family::get();
  stop_keeping();  // of one who died here
  Heap::settle();  // what it was just freeing is nobody's any more
  // What it held, and its places in line. From here on nothing is granted to it.
  Heap::walk([&](Offset at, Block& block) {
    if (!is_object(block) || !keep(at, block)) return;
    const KindOps& ops = kinds[block.kind.load(std::memory_order_relaxed)];
    // Null: of a library that this process has not loaded.
    if (ops.bury) ops.bury(&family.at<std::byte>(at), dead);
    stop_keeping();
  });
  // What it was granted and has not taken up. The objects are still held by it.
  Heap::walk([&](Offset at, Block& block) {
    if (!is_waiter(block) || block.owner.load(std::memory_order_acquire) != dead.bits) return;
    auto& waiter = family.at<SharedWaiter>(at);
    if (!waiter.object() || !waiter.is_left()) return;
    const auto kind = Heap::block_of(waiter.object()).kind.load(std::memory_order_acquire);
    if (kind < std::size(kinds) && kinds[kind].revoke) {
      kinds[kind].revoke(&family.at<std::byte>(waiter.object()), &waiter);
    }
  });
  Heap::walk([&](Offset at, Block& block) {
    if (!is_object(block) || block.owner.load(std::memory_order_acquire) != 0) return;
    auto& head = family.at<ObjectHead>(at);
    if (head.holders.held_by(dead) && remove_holder(head, at, dead)) end_object(at);
  });
  // What was private to it: objects first, which end with what is theirs. And whoever was to be told
  // by it, is.
  Heap::walk([&](Offset at, Block& block) {
    if (block.owner.load(std::memory_order_acquire) == dead.bits && is_object(block))
      end_object(at);
  });
  Heap::walk([&](Offset at, Block& block) {
    if (block.owner.load(std::memory_order_acquire) == dead.bits) {
      family.slot(dead).wakes.load(std::memory_order_acquire) == at ? Heap::share(at)
                                                                    : Heap::free(at);
    } else if (is_waiter(block)) {
      family.at<SharedWaiter>(at).tell_again();
    }
  });
}

}  // namespace cohort::inline v0::ipc::detail
