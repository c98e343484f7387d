// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the shared cores stand on: the atomics, where things lie, who this process is, and whether
/// another still lives. They are templates on it: `RealWorld` in production; the model checker in
/// `tests/model` puts its own in its place, in which processes die at each step.

#include <cstdint>

#include "cohort/core/detail/atomics.hpp"  // RealAtomics

namespace cohort::inline v0::ipc::detail {

/// Bytes from the start of the shared memory. 0: none.
using Offset = std::uint64_t;

/// A process of the family, told apart from those that had its slot before it.
struct Member {
  std::uint64_t bits = 0;  // generation << 16 | slot; 0: nobody

  static constexpr std::uint64_t mask = 0xffff'ffff'ffff;
  std::uint32_t slot() const noexcept { return static_cast<std::uint32_t>(bits & 0xffff); }
  std::uint64_t generation() const noexcept { return bits >> 16; }
  explicit operator bool() const noexcept { return bits != 0; }
  friend bool operator==(const Member&, const Member&) = default;
};

template <class W>
class BasicHeap;
template <class W>
struct BasicHeapHead;
template <class>
struct BasicDelivery;
template <class = void>
class BasicHoldersLock;

/// A template only so that what nobody uses is not compiled.
template <class X = void>
struct BasicRealWorld : cohort::detail::RealAtomics {
  using Heap = BasicHeap<BasicRealWorld>;
  using Delivery = BasicDelivery<X>;
  using HoldersLock = BasicHoldersLock<X>;
  /// Processes of a family that live at the same time, at most.
  static constexpr std::uint32_t max_members = 256;
  /// So many rounds of a spin, and one looks whether the other still lives.
  static constexpr unsigned patience = 1024;

  // In ipc/detail/family.hpp:
  static Member self();                           // this process
  static bool has_ended(Member member) noexcept;  // it is certainly dead
  static bool is_dead(Member member) noexcept;    // somebody has said so, and sweeps after it
  template <class T>
  static T& at(Offset offset) noexcept;
  static Offset offset_of(const void* address) noexcept;
  static std::uint64_t ticket() noexcept;  // never the same again
  static BasicHeapHead<BasicRealWorld>& heap() noexcept;
  static void clear(Offset from, std::uint64_t bytes) noexcept;
  static bool extend(std::uint64_t from, std::uint64_t to) noexcept;  // false: there is no room
};
using RealWorld = BasicRealWorld<>;

template <class = void>
Member self() {
  return RealWorld::self();
}
template <class = void>
bool has_ended(Member member) noexcept {
  return RealWorld::has_ended(member);
}
template <class = void>
void see_death(Member) noexcept;  // puts in order what it left, soon; ipc/detail/warden.hpp

}  // namespace cohort::inline v0::ipc::detail
