// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A family: the first process that shares something, and all that descend from it. This is one
/// member's view: where the shared memory lies, and who it is itself.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "cohort/error.hpp"              // UsageError
#include "cohort/ipc/detail/layout.hpp"  // Header, MemberSlot
#include "cohort/ipc/detail/world.hpp"   // Member
#include "cohort/os/processes.hpp"       // shared_memory, start_time

namespace cohort::inline v0::ipc::detail {

template <class = void>
class BasicFamily {
 public:
  /// Made on first use: a new family, or the one that this process was started into.
  static BasicFamily& get() {
    BasicFamily* const family = instance_.load(std::memory_order_acquire);
    return family ? *family : make();
  }

  std::byte* base() const noexcept { return base_; }
  Header& header() const noexcept { return *reinterpret_cast<Header*>(base_); }
  template <class T>
  T& at(Offset offset) const noexcept {
    return *reinterpret_cast<T*>(base_ + offset);
  }
  Offset offset_of(const void* address) const noexcept {
    return static_cast<Offset>(static_cast<const std::byte*>(address) - base_);
  }
  int memory() const noexcept { return memory_.get(); }
  const os::Descriptor& memory_descriptor() const noexcept { return memory_; }

  /// This process. One that was forked behind our back is a new member from its first use on.
  Member me() {
    const Member me{me_.load(std::memory_order_relaxed)};
    return me ? me : join();
  }
  /// Differs in every process: what was inherited by fork is told apart by it.
  std::uint32_t stamp() const noexcept { return stamp_.load(std::memory_order_relaxed); }
  /// Called in a forked child, before anything else uses the family.
  void on_fork(void (*call)()) {
    const std::lock_guard lock(mutex_);
    on_fork_.push_back(call);
  }

  MemberSlot& slot(Member member) const noexcept { return header().members[member.slot()]; }

  /// Wakes whoever listens there. Bell: 1 its process sleeps, 2 it was rung.
  static void ring(MemberSlot& slot) noexcept {
    if (slot.bell.fetch_or(2, std::memory_order_acq_rel) == 1) os::wake_shared(slot.bell);
  }
  /// After a change that concerns everybody. Also wakes those whose bell was rung already: whoever did
  /// that may have died before he woke them.
  void ring_all() const noexcept {
    for (MemberSlot& slot : header().members) {
      if ((slot.word.load(std::memory_order_acquire) & 0xff) != MemberSlot::live) continue;
      if (slot.bell.fetch_or(2, std::memory_order_acq_rel) & 1) os::wake_shared(slot.bell);
    }
  }

  /// A place for a process that is about to be started; `live` once it is there, or given back.
  Member claim_member(Member parent) {
    auto& members = header().members;
    for (std::uint32_t i = 1; i < max_members; ++i) {
      auto word = members[i].word.load(std::memory_order_relaxed);
      if ((word & 0xff) != MemberSlot::free) continue;
      const std::uint64_t generation = (word >> 8) + 1;
      if (!members[i].word.compare_exchange_strong(word, generation << 8 | MemberSlot::claimed,
                                                   std::memory_order_acq_rel)) {
        continue;
      }
      members[i].pid.store(0, std::memory_order_relaxed);
      members[i].parent.store(parent.bits, std::memory_order_relaxed);
      return Member{generation << 16 | i};
    }
    throw Error("too many processes: a family has at most " + std::to_string(max_members - 1) +
                " at the same time; join some first");
  }
  void unclaim_member(Member member) noexcept {
    // Who claims the place says only afterwards for whom: nobody must take it for a dead one's child.
    slot(member).parent.store(0, std::memory_order_relaxed);
    slot(member).word.store(member.generation() << 8 | MemberSlot::free, std::memory_order_release);
  }
  /// By its creator, or by itself; both do no harm.
  void make_live(Member member, os::ProcessId pid) noexcept {
    MemberSlot& s = slot(member);
    s.started.store(os::start_time(pid), std::memory_order_relaxed);
    s.pid.store(pid, std::memory_order_release);
    auto claimed = member.generation() << 8 | MemberSlot::claimed;
    s.word.compare_exchange_strong(claimed, member.generation() << 8 | MemberSlot::live,
                                   std::memory_order_acq_rel);
    header().epoch.fetch_add(1, std::memory_order_acq_rel);
  }
  /// In a child that was started as that member.
  void become(Member member) {
    me_.store(member.bits, std::memory_order_relaxed);
    make_live(member, os::this_process_id());
  }
  /// In a copy of this process that no fork has made: what on_fork promises, and nothing more.
  static void after_clone() noexcept {
    if (BasicFamily* const family = instance_.load(std::memory_order_relaxed)) family->forked();
  }

  MemberSlot::State state_of(Member member) const noexcept {
    const auto word = slot(member).word.load(std::memory_order_acquire);
    if (word >> 8 != member.generation()) return MemberSlot::free;
    return static_cast<MemberSlot::State>(word & 0xff);
  }

  /// Takes effect if nothing was shared yet; `bytes`: how much the family may use.
  static void set_limit(std::size_t bytes) {
    if (instance_.load(std::memory_order_acquire)) {
      throw UsageError(
          "ipc::set_memory_limit(): the shared memory is in use already: call it first");
    }
    limit_ = bytes;
  }

 private:
  BasicFamily(os::Descriptor memory, bool first) : memory_(std::move(memory)) {
    if (first) {
      extend(0, initial_size);
      base_ = os::shared_memory::map(memory_.get(), limit_);
      Header& h = header();
      h.heap.limit = limit_;
      h.heap.size.store(initial_size, std::memory_order_relaxed);
      h.heap.top.store(first_block, std::memory_order_relaxed);
      h.tickets.store(1, std::memory_order_relaxed);
      h.identity = Header::magic;
    } else {
      base_ = os::shared_memory::map(memory_.get(), sizeof(Header));
      if (header().identity != Header::magic) {
        throw UsageError("the shared memory of the family was made by another version of Cohort");
      }
      const std::size_t limit = header().heap.limit;
      os::shared_memory::unmap(base_, sizeof(Header));
      base_ = os::shared_memory::map(memory_.get(), limit);
    }
    const auto in_child = [] {
      if (BasicFamily* const here = instance_.load(std::memory_order_relaxed)) here->forked();
    };
    static const bool once = os::around_fork(nullptr, nullptr, in_child);
    static_cast<void>(once);
  }
  void extend(std::uint64_t from, std::uint64_t to) {
    if (!os::shared_memory::extend(memory_.get(), from, to)) os::throw_system_error("fallocate");
  }

  COHORT_NOINLINE static BasicFamily& make() {
    static std::mutex making;
    const std::lock_guard lock(making);
    if (BasicFamily* const family = instance_.load(std::memory_order_acquire)) return *family;
    // Never destroyed: handles in static objects may be the last to go.
    os::Inheritance& inheritance = os::inheritance();
    const bool first = !inheritance.memory;
    auto* const family =
        new BasicFamily(first ? os::shared_memory::create() : std::move(inheritance.memory), first);
    if (inheritance.member == 0) {
      family->join();
    } else {
      family->become(Member{inheritance.member});
    }
    instance_.store(family, std::memory_order_release);
    return *family;
  }

  COHORT_NOINLINE Member join() {
    const std::lock_guard lock(mutex_);
    if (const Member me{me_.load(std::memory_order_relaxed)}) return me;
    const Member member = claim_member(Member{});
    become(member);
    ring_all();  // without a parent it is everybody's to watch
    return member;
  }

  // In the child of a fork. It is nobody until it joins or is told who it is.
  void forked() noexcept {
    new (&mutex_) std::mutex;  // whoever held it does not exist here
    me_.store(0, std::memory_order_relaxed);
    stamp_.fetch_add(1, std::memory_order_relaxed);
    for (auto* const call : on_fork_) call();
  }

  static constexpr std::uint64_t initial_size = 1U << 20;
  static_assert(initial_size > first_block);

  static inline constinit std::atomic<BasicFamily*> instance_{nullptr};
  static inline constinit std::size_t limit_ = std::size_t{1} << 36;

  os::Descriptor memory_;
  std::byte* base_ = nullptr;
  std::atomic<std::uint64_t> me_{0};
  std::atomic<std::uint32_t> stamp_{1};
  std::mutex mutex_;
  std::vector<void (*)()> on_fork_;
};
using Family = BasicFamily<>;

template <class X>
Member BasicRealWorld<X>::self() {
  return Family::get().me();
}

template <class X>
bool BasicRealWorld<X>::has_ended(Member member) noexcept {
  Family& family = Family::get();
  const auto state = family.state_of(member);
  if (state == MemberSlot::free || state == MemberSlot::dead) return true;
  if (state == MemberSlot::claimed) return false;
  const MemberSlot& slot = family.slot(member);
  const auto pid = slot.pid.load(std::memory_order_acquire);
  const bool ended = os::start_time(pid) != slot.started.load(std::memory_order_relaxed);
  return ended && family.state_of(member) == state;
}

template <class X>
bool BasicRealWorld<X>::is_dead(Member member) noexcept {
  return Family::get().state_of(member) == MemberSlot::dead;
}
template <class X>
template <class T>
T& BasicRealWorld<X>::at(Offset offset) noexcept {
  return Family::get().template at<T>(offset);
}
template <class X>
Offset BasicRealWorld<X>::offset_of(const void* address) noexcept {
  return Family::get().offset_of(address);
}
template <class X>
std::uint64_t BasicRealWorld<X>::ticket() noexcept {
  return Family::get().header().tickets.fetch_add(1, std::memory_order_relaxed);
}
template <class X>
BasicHeapHead<BasicRealWorld<X>>& BasicRealWorld<X>::heap() noexcept {
  return Family::get().header().heap;
}
template <class X>
void BasicRealWorld<X>::clear(Offset from, std::uint64_t bytes) noexcept {
  std::memset(Family::get().base() + from, 0, bytes);
}
template <class X>
bool BasicRealWorld<X>::extend(std::uint64_t from, std::uint64_t to) noexcept {
  return os::shared_memory::extend(Family::get().memory(), from, to);
}

}  // namespace cohort::inline v0::ipc::detail
