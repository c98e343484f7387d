// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The world of the shared cores in the model checker: each thread of a scenario is a process.
///
///     auto& family = ex.make<model::Family>();
///     family.add_object([&](Member dead) { lock.bury(dead); });
///     people(ex, room, family, {"L", "l", "*l"});  // one may die, one is a warden
///
/// A faulty core is the same source with one member function specialized:
///
///     struct Forgetful : World {};
///     template <> void BasicSharedLine<Forgetful>::finish_grant() noexcept {}

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "cohort/ipc/detail/heap.hpp"         // Kind, BasicBlock
#include "cohort/ipc/detail/robust_lock.hpp"  // BasicRobustLock
#include "cohort/ipc/detail/world.hpp"        // Member, Offset
#include "faults.hpp"                         // Policy
#include "model.hpp"                          // Machine, has_ended, await_end

namespace cohort::model {

using ipc::detail::Member;
using ipc::detail::Offset;

inline Member member(ThreadId thread) noexcept { return Member{std::uint64_t{1} << 16 | thread}; }
inline ThreadId thread_of(Member member) noexcept { return static_cast<ThreadId>(member.slot()); }

struct World : Policy {
  struct Heap {
    static void free(Offset offset) noexcept;
    static void share(Offset offset) noexcept { make_private(offset, Member{}); }
    static void make_private(Offset offset, Member member) noexcept;
    static ipc::detail::BasicBlock<World>& block_of(Offset offset) noexcept;
    template <class Visit>
    static void walk(Visit visit);
  };
  struct HoldersLock {
    HoldersLock() noexcept;
    HoldersLock(const HoldersLock&) = delete;
    HoldersLock& operator=(const HoldersLock&) = delete;
    ~HoldersLock();
  };
  struct Delivery {
    Member member;
    std::uint32_t index;
    const void* sleeps_on;
    void operator()() const noexcept { wake_one(sleeps_on); }
  };
  static constexpr std::uint32_t max_members = max_threads;
  static constexpr unsigned patience = 1;
  static void pause() noexcept {}  // `relax` stands beside it

  static Member self() noexcept { return member(Machine::active()->current()); }
  static bool has_ended(Member member) noexcept { return model::has_ended(thread_of(member)); }
  static bool is_dead(Member member) noexcept;
  template <class T>
  static T& at(Offset offset) noexcept {
    require(offset != 0, "what is looked at is there");
    return *reinterpret_cast<T*>(offset);
  }
  static Offset offset_of(const void* address) noexcept {
    return reinterpret_cast<Offset>(address);
  }
  static std::uint64_t ticket() noexcept;
};

/// What the processes of one execution share beside what is tested: the table of processes, and
/// what is found when the heap is walked.
class Family {
 public:
  Family() { current() = this; }
  static Family& get() noexcept { return *current(); }

  void add_object(std::function<void(Member)> bury) { objects_.push_back(std::move(bury)); }
  /// `waiter` lies in the scene and is to be allocated.
  template <class Waiter>
  void add_waiter(Waiter& waiter, std::function<void(Waiter&)> revoke = {}) {
    add(
        World::offset_of(&waiter),
        [&waiter, revoke] {
          if (revoke && waiter.is_left()) revoke(waiter);
        },
        [&waiter] { waiter.tell_again(); },
        [&waiter] { return waiter.word().load(std::memory_order_relaxed); });
  }
  void add_message(Offset offset) {
    add(offset, {}, [] {}, {});
  }
  void allocate(Offset offset, ipc::detail::Kind kind = ipc::detail::Kind::waiter) {
    Block& block = find(offset);
    require(!block.used, "it is free");
    block.head->kind.store(static_cast<std::uint32_t>(kind), std::memory_order_relaxed);
    block.head->owner.store(World::self().bits, std::memory_order_relaxed);
    block.used = true;
  }
  ipc::detail::BasicBlock<World>& head_of(Offset offset) { return *find(offset).head; }
  template <class Visit>
  void walk(Visit visit) {
    for (Block& block : blocks_) {
      if (block.used) visit(block.offset, *block.head);
    }
  }
  void free(Offset offset) noexcept {
    Block& block = find(offset);
    block.head->generation.fetch_add(1, std::memory_order_relaxed);
    const auto last = block.word ? block.word() : 0;  // who frees it may die before it is done
    require(block.used, "it is freed once");
    block.used = false;
    block.last = last;
  }

  /// What the warden of a process does that hears of the ends of the others.
  void watch(ThreadId self, const std::vector<ThreadId>& threads) {
    std::uint32_t watched = 0;
    for (const ThreadId thread : threads) watched |= thread == self ? 0 : 1U << thread;
    while (watched != 0) {
      const ThreadId thread = await_any_end(watched);
      watched &= ~(1U << thread);
      if (!was_killed(thread)) continue;
      std::uint32_t alive = living;
      marks_[thread].compare_exchange_strong(alive, dead, std::memory_order_acq_rel,
                                             std::memory_order_relaxed);
      sweep_all();
    }
  }
  bool is_dead(Member member) noexcept {
    return marks_[member.slot()].load(std::memory_order_acquire) == dead;
  }
  std::uint64_t ticket() noexcept { return tickets_.fetch_add(1, std::memory_order_relaxed); }

  ipc::detail::BasicRobustLock<World> holders_lock;

  /// In the final check.
  void check() {
    for (const Block& block : blocks_) {
      require(!block.used, "no place in line and no message is lost");
      require(block.last == 0 || block.word() == block.last, "what is free is not touched");
    }
  }

 private:
  static constexpr std::uint32_t living = 0;
  static constexpr std::uint32_t dead = 1;
  static constexpr std::uint32_t gone = 2;
  struct Block {
    Offset offset;
    std::unique_ptr<ipc::detail::BasicBlock<World>> head;
    std::function<void()> revoke;
    std::function<void()> tell_again;
    std::function<std::uint64_t()> word;
    bool used = false;
    std::uint64_t last = 0;
  };

  void add(Offset offset, std::function<void()> revoke, std::function<void()> tell_again,
           std::function<std::uint64_t()> word) {
    blocks_.push_back({offset, std::make_unique<ipc::detail::BasicBlock<World>>(),
                       std::move(revoke), std::move(tell_again), std::move(word)});
  }
  static Family*& current() noexcept {
    static Family* family = nullptr;
    return family;
  }
  Block& find(Offset offset) {
    const auto at = std::find_if(blocks_.begin(), blocks_.end(),
                                 [&](const Block& block) { return block.offset == offset; });
    require(at != blocks_.end(), "there is such a waiter");
    return *at;
  }

  static Member owner_of(const Block& block) noexcept {
    return Member{block.head->owner.load(std::memory_order_acquire)};
  }

  // As ipc/detail/warden.hpp and sweep.hpp.
  void sweep_all() {
    lock_.lock();
    for (ThreadId i = 1; i < max_threads; ++i) {
      if (marks_[i].load(std::memory_order_acquire) != dead) continue;
      sweep(member(i));
      marks_[i].store(gone, std::memory_order_release);
    }
    lock_.unlock();
  }
  void sweep(Member who) {
    for (const auto& bury : objects_) bury(who);
    for (const Block& block : blocks_) {
      if (block.used && block.revoke && owner_of(block) == who) block.revoke();
    }
    for (Block& block : blocks_) {
      if (!block.used) continue;
      if (owner_of(block) == who) {
        free(block.offset);
      } else {
        block.tell_again();
      }
    }
  }

  std::vector<std::function<void(Member)>> objects_;
  std::vector<Block> blocks_;
  ipc::detail::BasicRobustLock<World> lock_;
  World::atomic<std::uint32_t> marks_[max_threads]{};
  World::atomic<std::uint64_t> tickets_{1U};
};

inline void World::Heap::free(Offset offset) noexcept { Family::get().free(offset); }
inline void World::Heap::make_private(Offset offset, Member member) noexcept {
  block_of(offset).owner.store(member.bits, std::memory_order_release);
}
inline ipc::detail::BasicBlock<World>& World::Heap::block_of(Offset offset) noexcept {
  return Family::get().head_of(offset);
}
template <class Visit>
void World::Heap::walk(Visit visit) {
  Family::get().walk(visit);
}
inline World::HoldersLock::HoldersLock() noexcept { Family::get().holders_lock.lock(); }
inline World::HoldersLock::~HoldersLock() { Family::get().holders_lock.unlock(); }
inline bool World::is_dead(Member member) noexcept { return Family::get().is_dead(member); }
inline std::uint64_t World::ticket() noexcept { return Family::get().ticket(); }

/// A process's waits at a shared machine, as ipc/detail/shared_wait.hpp has them: on a thread that
/// blocks. A timed one's deadline has passed whenever it wakes. `waits`: how many at the most.
template <class M>
class SharedWaits {
 public:
  using Waiter = typename M::Waiter;
  SharedWaits(M& machine, ThreadId thread)
      : machine_(machine), waiter_(member(thread), 1, 0, true) {}
  Waiter& waiter() noexcept { return waiter_; }

  /// True: it was granted. `look(waiter)` reads what was granted, before it is let go.
  template <class Look>
  bool wait(bool timed, Look look) {
    Family::get().allocate(World::offset_of(&waiter_));
    waiter_.begin();
    machine_.arm(waiter_);
    bool granted = true;
    while (waiter_.state() != Waiter::granted) {
      sleep(timed);
      if (timed) {
        granted = !machine_.disarm(waiter_);
        break;
      }
      while (retry()) World::relax(63);
    }
    if (granted) look(waiter_);
    waiter_.let_go();
    return granted;
  }
  bool wait(bool timed = false) {
    return wait(timed, [](Waiter&) {});
  }

 private:
  bool retry() {
    if (waiter_.state() == Waiter::granted || !waiter_.was_nudged()) return false;
    const bool again = machine_.retry(waiter_);
    if (waiter_.state() == Waiter::granted) return false;
    if (!again) waiter_.calm();
    return again;
  }
  void sleep(bool timed) {
    const auto word = waiter_.word().load(std::memory_order_acquire);
    if (waiter_.decided() || waiter_.was_nudged()) return;
    if (timed) {
      Policy::wait(waiter_.word(), word, cohort::TimePoint{});
    } else {
      Policy::wait(waiter_.word(), word);
    }
  }

  M& machine_;
  Waiter waiter_;
};

/// What processes do, a letter an operation, `room.act(letter, thread)`. Those that begin with a
/// capital may die; who begins with * is a warden first, that sweeps after all the others, and who
/// begins with % too, but may die as well.
using Programs = std::vector<std::string_view>;

template <class Room>
void people(Execution& ex, Room& room, Family& family, const Programs& programs) {
  std::vector<ThreadId> mortals;
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const char first = programs[i].front();
    if (first == '%' || (first >= 'A' && first <= 'Z')) {
      mortals.push_back(static_cast<ThreadId>(i + 1));
    }
  }
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const auto self = static_cast<ThreadId>(i + 1);
    const auto act = [&room, &family, program = programs[i], self, mortals] {
      for (const char c : program) {
        if (c == '*' || c == '%') {
          family.watch(self, mortals);
        } else {
          room.act(c, self);
        }
      }
    };
    std::find(mortals.begin(), mortals.end(), self) != mortals.end() ? ex.mortal(act)
                                                                     : ex.thread(act);
  }
}

}  // namespace cohort::model
