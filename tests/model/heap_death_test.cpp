// SPDX-License-Identifier: BSL-1.0

// The heap, in the model checker, among processes that die.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

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

// a and b allocate, small and large; f frees what it had first.
template <class W>
struct Users {
  using Heap = BasicHeap<W>;
  std::map<Offset, ThreadId> held;

  explicit Users(Family& family) {
    family.add_object([this](Member dead) {
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

constexpr Options one_death{
    .preemptions = 1, .surprises = 0, .deaths = 1, .random = 1'000, .steps = 3'000};

TEST(DeathInTheModel, OfWhoAllocatesOrFrees) {
  for (const Programs& programs : {Programs{"AFAF", "abf", "*af"}, Programs{"AABFF", "B", "*a"}}) {
    const auto outcome = use(programs, one_death);
    expect_passed(outcome, programs[0]);
    std::cout << outcome << "\n";
  }
  auto o = one_death;
  o.deaths = 2;
  const auto outcome = use({"AF", "AF", "%", "*a"}, o);
  expect_passed(outcome);
  std::cout << outcome << "\n";
}

}  // namespace
}  // namespace cohort::model
