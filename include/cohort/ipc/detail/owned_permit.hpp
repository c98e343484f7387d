// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The one permit of a lock between processes: the word that is changed to take it names who has it,
/// so that there is no moment at which the lock is held by nobody.

#include <cstdint>

#include "cohort/ipc/detail/world.hpp"             // RealWorld, Member
#include "cohort/sync/detail/basic_semaphore.hpp"  // Verdict

namespace cohort::inline v0::ipc::detail {

/// Permits of a BasicSemaphore. The word: the owner, a Member, × 65536; below it, beside the bits of
/// the semaphore, `died`: its last owner's process ended with it, and it was not repaired since. Then
/// only those who come to repair it may have it.
template <class W>
struct BasicOwnedPermit {
  using Verdict = cohort::detail::Verdict;
  using Ledger = cohort::detail::CountedPermits::Ledger;  // the word says it all
  struct Claim {
    bool repairs = false;
    bool refused = false;  // the answer: an owner has died
  };

  static constexpr std::uint64_t died = 8;
  static Member owner(std::uint64_t word) noexcept { return Member{word >> 16}; }

  static bool is_mine(std::uint64_t word) noexcept { return owner(word) == W::self(); }
  static std::uint64_t count(std::uint64_t word) noexcept { return owner(word) ? 0 : 1; }
  static bool any(std::uint64_t word) noexcept { return word < 65536 && !(word & died); }
  /// Releasing the lock of a dead owner frees it, whoever does it.
  static bool may_give(std::uint64_t word, std::uint64_t, std::uint64_t) noexcept {
    return owner(word) || word & died;
  }
  static std::uint64_t give(std::uint64_t word, std::uint64_t) noexcept {
    return word & 0xffff & ~died;
  }
  static std::uint64_t take(std::uint64_t word) noexcept {
    return (word & 0xffff) | W::self().bits << 16;
  }
  template <class Waiter>
  static std::uint64_t take_for(const Waiter& waiter, std::uint64_t word) noexcept {
    return (word & 0xffff) | waiter.member().bits << 16;
  }
  template <class Waiter>
  static Verdict verdict(const Waiter& claim, std::uint64_t word) noexcept {
    if (word & died && !claim.repairs) return Verdict::refused;
    return owner(word) ? Verdict::wait : Verdict::take;
  }
  static std::uint64_t bury(std::uint64_t word, Member dead, bool heals) noexcept {
    if (owner(word) != dead) return word;
    return (word & 0xffff) | (heals ? 0 : died);
  }
};
using OwnedPermit = BasicOwnedPermit<RealWorld>;

}  // namespace cohort::inline v0::ipc::detail
