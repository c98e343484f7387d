// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What becomes of the things that a dead process has left. Whoever sees the death may do it, any
/// number may try, and whoever is at it may die as well: then it is done again.

#include "cohort/ipc/detail/handle.hpp"       // kinds, ObjectHead
#include "cohort/ipc/detail/heap.hpp"         // Heap::walk
#include "cohort/ipc/detail/shared_gate.hpp"  // SharedWaiter

namespace cohort::inline v0::ipc::detail {

/// The member is marked dead. Afterwards nothing names it any more.
inline void sweep(Member dead) noexcept {
  Family& family = Family::get();
  // What it was granted and has not taken up.
  Heap::walk([&](Offset at, Block& block) {
    if (block.kind.load(std::memory_order_relaxed) != static_cast<std::uint32_t>(Kind::waiter) ||
        block.owner.load(std::memory_order_acquire) != dead.bits) {
      return;
    }
    auto& waiter = family.at<SharedWaiter>(at);
    const Offset object = waiter.object();
    if (!object || !waiter.revoke()) return;
    const auto kind = Heap::block_of(object).kind.load(std::memory_order_acquire);
    if (kind < std::size(kinds) && kinds[kind].revoke) {
      kinds[kind].revoke(&family.at<std::byte>(object), &waiter);
    }
  });
  // Its places in line, and what it held.
  Heap::walk([&](Offset at, Block& block) {
    const auto kind = block.kind.load(std::memory_order_acquire);
    if (kind < static_cast<std::uint32_t>(first_object) || kind >= std::size(kinds)) return;
    void* const object = &family.at<std::byte>(at);
    if (kinds[kind].bury) kinds[kind].bury(object, dead);
    if (static_cast<ObjectHead*>(object)->holders.drop(dead)) {
      if (kinds[kind].end) kinds[kind].end(object);
      Heap::free(at);
    }
  });
  // What was private to it.
  Heap::walk([&](Offset at, Block& block) {
    if (block.owner.load(std::memory_order_acquire) == dead.bits) Heap::free(at);
  });
}

}  // namespace cohort::inline v0::ipc::detail
