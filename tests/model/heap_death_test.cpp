// SPDX-License-Identifier: BSL-1.0

// The heap, in the model checker, among processes that die.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>

#include "cohort/ipc/detail/heap.hpp"  // what is tested
#include "faults.hpp"                  // Fault, Policy
#include "model.hpp"                   // explore
#include "world.hpp"                   // World, Family, people

namespace cohort::model {
namespace {

using ipc::detail::BasicBlock;
using ipc::detail::BasicHeap;
using ipc::detail::BasicHeapHead;
using ipc::detail::first_block;
using ipc::detail::Kind;

// The memory of one execution, in which only the blocks' heads are real.
template <class W>
struct Arena {
  BasicHeapHead<W> head{};
  std::map<Offset, std::unique_ptr<BasicBlock<W>>> blocks;

  Arena() {
    current() = this;
    head.limit = first_block + 100'000;
    head.size.store(first_block, std::memory_order_relaxed);
    head.top.store(first_block, std::memory_order_relaxed);
  }
  static Arena*& current() noexcept {
    static Arena* arena = nullptr;
    return arena;
  }
  BasicBlock<W>& at(Offset offset) {
    auto& block = blocks[offset];
    if (!block) block = std::make_unique<BasicBlock<W>>();
    return *block;
  }
};

template <class W>
struct HeapWorld : World {
  using Heap = BasicHeap<W>;
  template <class>
  static BasicBlock<W>& at(Offset offset) noexcept {
    return Arena<W>::current()->at(offset);
  }
  static BasicHeapHead<W>& heap() noexcept { return Arena<W>::current()->head; }
  static void clear(Offset, std::uint64_t) noexcept {}
  static bool extend(std::uint64_t, std::uint64_t) noexcept { return true; }
};
struct Sound : HeapWorld<Sound> {};
// Faults: who takes the lock over does not look which block was being moved; or does not look whether
// it arrived; a block is noted after it was taken from its list; or has its owner after its kind; or
// who sweeps frees what the dead one was just freeing.
struct Forgetful : HeapWorld<Forgetful> {};
struct Blind : HeapWorld<Blind> {};
struct LateNote : HeapWorld<LateNote> {};
struct LateOwner : HeapWorld<LateOwner> {};
struct Hurried : HeapWorld<Hurried> {};

}  // namespace
}  // namespace cohort::model

namespace cohort::ipc::detail {
template <>
void BasicHeap<model::Forgetful>::lock(Head& head) noexcept {
  head.lock.lock();
}
template <>
void BasicHeap<model::Blind>::lock(Head& head) noexcept {
  if (!head.lock.lock()) return;
  const Offset moving = head.moving.load(std::memory_order_acquire);
  if (const Offset at = moving & ~freeing) {
    Block& block = block_at(at);
    if (moving & freeing) block.kind.store(0, std::memory_order_release);
    if (block.kind.load(std::memory_order_relaxed) == 0) link(head, block, at);
    head.moving.store(0, std::memory_order_release);
  }
}
template <>
Offset BasicHeap<model::LateNote>::take(std::uint32_t list, Member me) noexcept {
  Head& head = model::LateNote::heap();
  lock(head);
  Offset at = head.free_blocks[list].load(std::memory_order_relaxed);
  if (at) {
    Block& block = block_at(at);
    head.free_blocks[list].store(block.next_free, std::memory_order_release);
    head.moving.store(at, std::memory_order_release);
    occupy(block, me);
    head.moving.store(0, std::memory_order_release);
  } else {
    at = head.top.load(std::memory_order_relaxed);
    Block& block = block_at(at);
    block.size = size_of_class(list);
    occupy(block, me);
    head.top.store(at + block.size, std::memory_order_release);
  }
  head.lock.unlock();
  return at + sizeof(Block);
}
template <>
void BasicHeap<model::LateOwner>::occupy(Block& block, Member me) noexcept {
  block.kind.store(static_cast<std::uint32_t>(Kind::bytes), std::memory_order_release);
  block.generation.fetch_add(1, std::memory_order_relaxed);
  block.owner.store(me.bits, std::memory_order_relaxed);
}
template <>
void BasicHeap<model::Hurried>::settle() noexcept {}
}  // namespace cohort::ipc::detail

namespace cohort::model {
namespace {

// a and b allocate, small and large; f frees what it had first.
template <class W>
struct Users {
  using Heap = BasicHeap<W>;
  std::map<Offset, ThreadId> held;

  explicit Users(Family& family) {
    family.add_object([this](Member dead) {  // as ipc/detail/sweep.hpp
      Heap::settle();
      Heap::walk([&](Offset at, BasicBlock<W>& block) {
        if (block.owner.load(std::memory_order_acquire) != dead.bits) return;
        held.erase(at);
        Heap::free(at);
      });
    });
  }
  void act(char c, ThreadId self) {
    c = static_cast<char>(c | 0x20);
    if (c != 'f') {
      const Offset at = Heap::allocate(c == 'a' ? 16 : 1'000, Kind::bytes);
      require(held.count(at) == 0, "it is given to one only");
      held[at] = self;
      return;
    }
    for (const auto& [at, holder] : held) {
      if (holder != self) continue;
      const Offset freed = at;
      held.erase(at);
      return Heap::free(freed);
    }
  }
  void check() {
    std::map<Offset, int> seen;
    std::size_t used = 0;
    Heap::walk([&](Offset at, BasicBlock<W>&) {
      require(held.count(at) == 1, "what is in use is somebody's");
      ++seen[at];
      ++used;
    });
    require(used == held.size(), "what is somebody's is in use");
    for (auto& list : W::heap().free_blocks) {
      for (Offset at = list.load(std::memory_order_relaxed); at;
           at = W::template at<int>(at).next_free) {
        require(++seen[at + sizeof(BasicBlock<W>)] == 1, "a free block is in one list, once");
      }
    }
    std::size_t all = 0;
    for (Offset at = first_block; at < W::heap().top.load(std::memory_order_relaxed); ++all) {
      at += W::template at<int>(at).size;
    }
    require(all == seen.size(), "no block is lost");
  }
};

template <class W = Sound>
Outcome use(const Programs& programs, const Options& options, Fault planted = {}) {
  return explore(planted, options, [&](Execution& ex) {
    auto& family = ex.make<Family>();
    ex.make<Arena<W>>();
    auto& users = ex.make<Users<W>>(family);
    people(ex, users, family, programs);
    ex.finally([&users] { users.check(); });
  });
}

const Options one_death{
    .preemptions = 1, .surprises = 0, .deaths = 1, .random = 300, .steps = 3'000};
const Options two_deaths{
    .preemptions = 0, .surprises = 0, .deaths = 2, .random = 300, .steps = 3'000};

TEST(DeathInTheModel, OfWhoAllocatesOrFreesLosesNoBlock) {
  expect_exhausted(use({"AFA", "bfa", "*a"}, one_death));
  expect_exhausted(use({"AABFF", "*a"}, one_death));
  expect_exhausted(use({"AF", "AF", "*a"}, two_deaths));
  expect_exhausted(use({"AFB", "%", "*a"}, two_deaths));
  Options weak = one_death;
  weak.memory = Memory::weak;
  weak.executions = 0;
  expect_passed(use({"AFA", "BFA", "*a"}, weak));
}

TEST(DeathInTheModel, OfWhoAllocatesOrFreesIsSeenToLoseABlockOfAFaultyHeap) {
  EXPECT_TRUE(use<Forgetful>({"AFA", "*a"}, one_death).failed);
  EXPECT_TRUE(use<Blind>({"AFA", "*aa"}, one_death).failed);
  EXPECT_TRUE(use<LateNote>({"AFA", "*a"}, one_death).failed);
  EXPECT_TRUE(use<LateOwner>({"aF", "A", "*a"}, one_death).failed);
  EXPECT_TRUE(use<Hurried>({"AFA", "*a"}, one_death).failed);
}

}  // namespace
}  // namespace cohort::model
