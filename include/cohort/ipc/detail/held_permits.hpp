// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The permits of a semaphore between processes, of which it is known who holds them.

#include <atomic>
#include <cstdint>

#include "cohort/ipc/detail/shared_waiter.hpp"     // BasicSharedWaiter
#include "cohort/sync/detail/basic_semaphore.hpp"  // CountedPermits

namespace cohort::inline v0::ipc::detail {

/// Permits of a BasicSemaphore. Those that were taken by `hold()` are counted for each process, to be
/// given back at its death. So that none is lost or doubled if somebody dies in between, the count
/// is noted before the permit changes hands and put down after, with the gate's lock.
template <class W>
struct BasicHeldPermits : cohort::detail::CountedPermits {
  struct Claim {
    bool holds = false;
  };
  class Ledger {
   public:
    std::uint32_t held(Member member) const noexcept {
      return held_[member.slot()].load(std::memory_order_relaxed);
    }
    void note(Member member, std::uint32_t held) noexcept {
      slot_.store(member.slot(), std::memory_order_relaxed);
      count_.store(held, std::memory_order_relaxed);
      revoked_.store(0, std::memory_order_relaxed);
    }
    /// That this waiter was granted a permit and did not take it up.
    void note_revoked(BasicSharedWaiter<W>& waiter) noexcept {
      slot_.store(0, std::memory_order_relaxed);
      revoked_.store(W::offset_of(&waiter), std::memory_order_relaxed);
    }
    template <class Waiter>
    void begin(const Waiter& first) noexcept {
      const Member member = first.holds ? first.member() : Member{};
      note(member, held(member) + 1);
    }
    void finish() noexcept {
      if (const auto slot = slot_.load(std::memory_order_relaxed)) {
        held_[slot].store(count_.load(std::memory_order_relaxed), std::memory_order_relaxed);
      }
      if (const Offset waiter = revoked_.load(std::memory_order_relaxed)) {
        W::template at<BasicSharedWaiter<W>>(waiter).revoke();
      }
    }

   private:
    template <class T>
    using Atomic = typename W::template atomic<T>;
    Atomic<std::uint32_t> slot_{0};  // whose count changes; 0: nobody's
    Atomic<std::uint32_t> count_{0};
    Atomic<Offset> revoked_{0};
    Atomic<std::uint32_t> held_[W::max_members]{};
  };
};

}  // namespace cohort::inline v0::ipc::detail
