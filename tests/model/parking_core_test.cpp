// SPDX-License-Identifier: BSL-1.0

// How a pool's workers get work from outside and sleep, in the model checker: the injector and the
// parking.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cohort/exec/detail/deque.hpp"     // work
#include "cohort/exec/detail/injector.hpp"  // what is tested
#include "cohort/exec/detail/parking.hpp"   // what is tested
#include "faults.hpp"                       // Fault, Policy
#include "model.hpp"                        // explore, Data

namespace {

namespace model = cohort::model;
using namespace cohort::model;
using cohort::detail::BasicDeque;
using cohort::detail::BasicInjector;
using cohort::detail::BasicParking;
using cohort::detail::ReadyList;

// ---------------------------------------------------------------------------------- the injector

struct Node {
  Node* link = nullptr;
  model::Data<int> value;
  int taken = 0;
};

struct Posts {
  BasicInjector<Policy, Node> injector;
  std::array<std::array<Node, 3>, 3> nodes;  // those of each producer

  void push(std::size_t producer, std::size_t i) {
    nodes[producer][i].value.set(42);
    injector.push(nodes[producer][i]);
  }
  static void take(Node& node) {
    require(node.value.get() == 42, "what was written before push is seen");
    require(++node.taken == 1, "a node is taken once");
  }
  void take_all() {
    for (Node* node = injector.take_all(); node != nullptr;) {
      Policy::reads(&node->link);
      Node* const older = node->link;
      take(*node);
      node = older;
    }
  }
  void check(std::size_t producers, std::size_t each) {
    take_all();
    for (std::size_t p = 0; p < producers; ++p) {
      for (std::size_t i = 0; i < each; ++i) require(nodes[p][i].taken == 1, "no node is lost");
    }
  }
};

Outcome post(std::size_t producers, int takers, const Options& options, Fault planted = {}) {
  return explore(planted, options, [=](Execution& ex) {
    auto& posts = ex.make<Posts>();
    for (std::size_t p = 0; p < producers; ++p) {
      ex.thread([&posts, p] {
        for (std::size_t i = 0; i < 3; ++i) posts.push(p, i);
      });
    }
    for (int i = 0; i < takers; ++i) {
      ex.thread([&posts] {
        for (int n = 0; n < 3; ++n) posts.take_all();
      });
    }
    ex.finally([&posts, producers] { posts.check(producers, 3); });
  });
}

// An event loop: it says that it sleeps, looks once more, and sleeps; who posts looks afterwards.
Outcome sleep_and_post(const Options& options, Fault planted = {}) {
  return explore(planted, options, [](Execution& ex) {
    struct Loop : Posts {
      ReadyList<Node> ready;
      Weakened<std::uint32_t> bell{0U};
    };
    auto& loop = ex.make<Loop>();
    ex.thread([&loop] {
      std::array<const Node*, 2> last{};
      for (int left = 4; left > 0;) {
        if (Node* const node = loop.ready.next(loop.injector)) {
          Posts::take(*node);
          const std::size_t p = node < loop.nodes[1].data() ? 0 : 1;
          require(last[p] < node, "the posts of one producer are run in order");
          last[p] = node;
          --left;
          continue;
        }
        loop.bell.store(1, seq_cst);
        if (loop.injector.empty()) Policy::wait(loop.bell, 1);
        loop.bell.store(0, seq_cst);
      }
    });
    for (std::size_t p = 0; p < 2; ++p) {
      ex.thread([&loop, p] {
        for (std::size_t i = 0; i < 2; ++i) {
          loop.push(p, i);
          if (loop.bell.load(seq_cst) == 1 && loop.bell.exchange(2, seq_cst) == 1) {
            Policy::wake_one(&loop.bell);
          }
        }
      });
    }
  });
}

TEST(InjectorInTheModel, GivesEachNodeOnceToOneOfItsTakers) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    const Options options{.memory = memory, .executions = 10'000, .random = 2'000};
    const auto outcome = post(1, 1, options);
    expect_passed(outcome);
    EXPECT_TRUE(outcome.exhausted);
    EXPECT_TRUE(post(2, 0, options).exhausted);
    expect_passed(post(2, 2, options));
  }
}

TEST(InjectorInTheModel, NeverLeavesAPostToASleeperAndKeepsTheOrderOfEachProducer) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    expect_passed(sleep_and_post({.memory = memory, .executions = 10'000, .random = 2'000}));
  }
}

TEST(InjectorInTheModel, IsSeenToFailWhenAnOrderOfItIsWeakenedOrAWakeIsDropped) {
  EXPECT_TRUE(post(1, 1, {}, {Op::change, "push", seq_cst, relaxed}).failed);
  EXPECT_TRUE(post(1, 1, {}, {Op::change, "take_all", acquire, relaxed}).failed);
  EXPECT_TRUE(
      sleep_and_post({.memory = Memory::weak}, {Op::change, "push", seq_cst, release}).failed);
  EXPECT_TRUE(
      sleep_and_post({.memory = Memory::weak}, {Op::load, "empty", seq_cst, acquire}).failed);
  EXPECT_TRUE(sleep_and_post({}, {Op::wake}).failed);
}

// ----------------------------------------------------------------------------------- the parking

// Work comes from outside, or is pushed by a worker that is busy for ever.
struct Pool {
  using Parking = BasicParking<Policy>;
  Parking parking{2};
  Posts posts;
  BasicDeque<Policy, Node> deque{2};
  Weakened<bool> poller_taken;
  Weakened<std::uint32_t> poller{0U};
  int ran = 0;

  explicit Pool(bool polls) : poller_taken(!polls) {}

  void wake_one() {
    parking.wake_one([this](Parking::Word& word, std::uint32_t how) {
      if (how == Parking::polling) poller.exchange(1, seq_cst);
      Policy::wake_one(how == Parking::polling ? &poller : &word);
    });
  }
  bool work_in_sight() { return !posts.injector.empty() || !deque.empty(); }
  bool take() {
    Node* node = deque.steal();
    if (node == nullptr) node = posts.injector.take_all();
    if (node == nullptr) return false;
    Policy::reads(&node->link);
    if (node->link != nullptr) {
      posts.injector.push(*node->link);
      wake_one();
    }
    Posts::take(*node);
    return true;
  }
  // A worker that runs one item, and then has much to do.
  void work(std::size_t i) {
    parking.search();
    while (!take()) {
      const bool polls = !poller_taken.exchange(true, seq_cst);
      parking.lie_down(i, polls ? Parking::polling : Parking::asleep);
      if (!work_in_sight()) {
        if (!polls) Policy::wait(parking.bed(i), Parking::asleep);
        while (polls && poller.exchange(0, seq_cst) == 0) Policy::wait(poller, 0);
      }
      parking.get_up(i);
      if (polls) poller_taken.store(false, seq_cst);
      Policy::pause();
    }
    ++ran;
    if (parking.found() && work_in_sight()) wake_one();
  }
};

Outcome park(std::size_t workers, bool polls, bool from_outside, const Options& options,
             Fault planted = {}) {
  return explore(planted, options, [=](Execution& ex) {
    auto& pool = ex.make<Pool>(polls);
    for (std::size_t i = 0; i < workers; ++i) ex.thread([&pool, i] { pool.work(i); });
    ex.thread([&pool, workers, from_outside] {
      for (std::size_t i = 0; i < workers; ++i) {
        if (from_outside) {
          pool.posts.push(0, i);
        } else {
          pool.posts.nodes[0][i].value.set(42);
          pool.deque.push(pool.posts.nodes[0][i]);
        }
        pool.wake_one();
      }
    });
    ex.finally([&pool, workers] {
      require(pool.ran == static_cast<int>(workers), "all the work is done");
      require(pool.parking.sleeping() == 0, "nobody is counted as a sleeper");
    });
  });
}

TEST(ParkingInTheModel, LosesNoWakeUp) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const bool polls : {false, true}) {
      for (const bool from_outside : {false, true}) {
        const Options options{.memory = memory, .executions = 10'000, .random = 2'000};
        const auto outcome = park(1, polls, from_outside, options);
        expect_passed(outcome);
        EXPECT_TRUE(outcome.exhausted);
        expect_passed(park(2, polls, from_outside, options));
      }
    }
  }
}

TEST(ParkingInTheModel, LosesNoWakeUpWithoutTheSystemsBarrier) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    expect_passed(park(1, false, false, {.memory = memory, .asymmetric = false}));
  }
}

TEST(ParkingInTheModel, IsSeenToFailWhenAnOrderOfItIsWeakenedOrAWakeIsDropped) {
  const Options weak{.memory = Memory::weak};
  EXPECT_TRUE(park(1, false, false, {}, {Op::heavy_barrier}).failed);
  EXPECT_TRUE(park(1, true, false, {}, {Op::heavy_barrier}).failed);
  EXPECT_TRUE(park(1, false, true, {}, {Op::wake}).failed);
  EXPECT_TRUE(park(1, true, true, {}, {Op::wake}).failed);
  EXPECT_TRUE(park(1, false, false, weak, {Op::fence_of_store}).failed);
}

}  // namespace
