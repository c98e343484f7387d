// SPDX-License-Identifier: BSL-1.0

// The robust lock, in the model checker, among processes that die.

#include <gtest/gtest.h>

#include <atomic>

#include "cohort/ipc/detail/robust_lock.hpp"  // what is tested
#include "faults.hpp"                         // Fault, Policy
#include "model.hpp"                          // explore, Data
#include "world.hpp"                          // World

// Faults: nobody looks whether the holder still lives; everybody takes him for dead; the next is not
// told that he died; or only that, and not of what was asked; the holder who was asked unlocks.
namespace {
struct Blind : cohort::model::World {
  static bool has_ended(cohort::ipc::detail::Member) noexcept { return false; }
};
struct Hasty : cohort::model::World {
  static bool has_ended(cohort::ipc::detail::Member) noexcept { return true; }
};
struct Silent : cohort::model::World {};
struct Forgetful : cohort::model::World {};
struct Deaf : cohort::model::World {};
}  // namespace

namespace cohort::ipc::detail {
template <>
bool BasicRobustLock<Silent>::lock() noexcept {
  for (;; Silent::relax(0)) {
    auto word = word_.load(std::memory_order_relaxed);
    const bool free = holder_of(word) == Member{} || Silent::has_ended(holder_of(word));
    if (free &&
        word_.compare_exchange_strong(word, (word & asked) | Silent::self().bits << shift,
                                      std::memory_order_acquire, std::memory_order_relaxed)) {
      return false;
    }
  }
}
template <>
bool BasicRobustLock<Forgetful>::lock() noexcept {
  for (;; Forgetful::relax(0)) {
    auto word = word_.load(std::memory_order_relaxed);
    const bool dead = holder_of(word) != Member{} && Forgetful::has_ended(holder_of(word));
    if ((holder_of(word) == Member{} || dead) &&
        word_.compare_exchange_strong(word, Forgetful::self().bits << shift,
                                      std::memory_order_acquire, std::memory_order_relaxed)) {
      return dead;
    }
  }
}
template <>
bool BasicRobustLock<Deaf>::try_unlock() noexcept {
  unlock();
  return true;
}
}  // namespace cohort::ipc::detail

namespace {

namespace model = cohort::model;
using namespace cohort::model;
using cohort::ipc::detail::BasicRobustLock;
using cohort::ipc::detail::Member;

// Two numbers that are equal whenever nobody is inside; and a wish, that whoever has the lock must
// hear of.
template <class W>
struct Place {
  using Lock = BasicRobustLock<W>;
  Lock lock;
  model::Data<int> begun;
  model::Data<int> done;
  model::Data<int> heard;
  typename W::template atomic<int> wish{0};

  void visit() {
    if (lock.lock()) done.set(begun.get());  // the other has died in the middle
    change();
    unlock();
  }
  void ask() {
    wish.fetch_add(1, std::memory_order_release);
    if (lock.try_lock_or_ask() == Lock::Try::asked) return;
    hear();
    unlock();
  }
  void change() {
    require(begun.get() == done.get(), "nobody else is inside, and who died there was followed");
    begun.set(begun.get() + 1);
    wish.load(relaxed);  // others may run, and this one may die
    done.set(begun.get());
  }
  void hear() { heard.set(wish.load(acquire)); }
  void unlock() {
    do {
      if (lock.take_request()) hear();
    } while (!lock.try_unlock());
  }
};

template <class W = World>
Outcome visit(const Options& options, Fault planted = {}) {
  return explore(planted, options, [](Execution& ex) {
    auto& place = ex.make<Place<W>>();
    ex.mortal([&place] {
      place.visit();
      place.visit();
    });
    ex.mortal([&place] { place.visit(); });
    ex.thread([&place] { place.visit(); });
  });
}

template <class W = World>
Outcome ask(const Options& options, Fault planted = {}) {
  return explore(planted, options, [](Execution& ex) {
    auto& place = ex.make<Place<W>>();
    const auto one = ex.mortal([&place] { place.visit(); });
    const auto other = ex.mortal([&place] { place.visit(); });
    const auto third = ex.thread([&place] { place.ask(); });
    ex.thread([&place, one, other, third] {  // it sweeps
      for (const auto thread : {one, other, third}) model::await_end(thread);
      if (place.lock.lock()) place.done.set(place.begun.get());
      place.unlock();
      require(place.heard.get() == 1, "somebody has heard of the wish");
    });
  });
}

const Options one_death{.preemptions = 1, .surprises = 0, .deaths = 1, .random = 1'000};
const Options two_deaths{.preemptions = 1, .surprises = 0, .deaths = 2, .random = 1'000};

TEST(DeathInTheModel, OfARobustLocksHolderIsSeenByTheNextAlsoIfThatOneDiesToo) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    Options options = two_deaths;
    options.memory = memory;
    expect_exhausted(visit(options));
  }
}

TEST(DeathInTheModel, OfARobustLocksHolderLeavesRequestsToTheNext) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    Options options = memory == Memory::tso ? two_deaths : one_death;
    options.memory = memory;
    expect_exhausted(ask(options));
  }
}

TEST(DeathInTheModel, OfARobustLocksHolderIsSeenToBeMissedByAFaultyOne) {
  const auto fails = [](Fault planted) { return visit(one_death, planted).failed; };
  EXPECT_TRUE(visit<Blind>(one_death).failed);
  EXPECT_TRUE(visit<Hasty>(one_death).failed);
  EXPECT_TRUE(visit<Silent>(one_death).failed);
  EXPECT_TRUE(ask<Forgetful>(one_death).failed);
  EXPECT_TRUE(ask<Deaf>(one_death).failed);
  EXPECT_TRUE(fails({Op::change, "lock", acquire, relaxed}));
  EXPECT_TRUE(fails({Op::change, "try_unlock", release, relaxed}));
  const Options old_values{.memory = Memory::weak, .preemptions = 1, .deaths = 1, .random = 1'000};
  EXPECT_TRUE(ask(old_values, {Op::change, "take_request", acquire, relaxed}).failed);
}

}  // namespace
