// SPDX-License-Identifier: BSL-1.0

// The model checker finds planted bugs of the kinds it is there for, and passes what is right.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "model.hpp"  // what is tested

namespace {

namespace model = cohort::model;
using namespace cohort::model;

template <class T>
using Atomic = ModelAtomics::atomic<T>;

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// ------------------------------------------------------------------------------ happens-before

Outcome message_passing(std::memory_order store, std::memory_order load, Options options = {}) {
  return model::explore(options, [=](Execution& ex) {
    struct State {
      Atomic<bool> ready{false};
      model::Data<int> message;
    };
    auto& s = ex.make<State>();
    ex.thread([&s, store] {
      s.message.set(42);
      s.ready.store(true, store);
    });
    ex.thread([&s, load] {
      while (!s.ready.load(load)) ModelAtomics::pause();
      require(s.message.get() == 42, "the message is there");
    });
  });
}

TEST(ModelChecker, PassesMessagePassing) {
  for (const auto memory : {Memory::sequential, Memory::tso, Memory::weak}) {
    const auto outcome = message_passing(release, acquire, {.memory = memory});
    EXPECT_FALSE(outcome.failed) << outcome;
    EXPECT_TRUE(outcome.exhausted);
  }
}

TEST(ModelChecker, FindsAWeakenedReleaseInMessagePassing) {
  const auto outcome = message_passing(relaxed, acquire);
  EXPECT_TRUE(outcome.failed);
  EXPECT_TRUE(mentions(outcome.what, "data race")) << outcome;
  EXPECT_TRUE(mentions(outcome.what, "thread 1") && mentions(outcome.what, "thread 2")) << outcome;
}

TEST(ModelChecker, FindsAWeakenedAcquireInMessagePassing) {
  EXPECT_TRUE(mentions(message_passing(release, relaxed).what, "data race"));
}

Outcome release_sequence(bool by_store) {
  return model::explore({}, [=](Execution& ex) {
    struct State {
      Atomic<int> word{0};
      model::Data<int> data;
    };
    auto& s = ex.make<State>();
    ex.thread([&s] {
      s.data.set(1);
      s.word.store(1, release);
    });
    ex.thread([&s, by_store] {
      int one = 1;
      if (by_store) {
        if (s.word.load(relaxed) == 1) s.word.store(2, relaxed);
      } else {
        s.word.compare_exchange_strong(one, 2, relaxed);
      }
    });
    ex.thread([&s] {
      if (s.word.load(acquire) == 2) require(s.data.get() == 1, "the data is there");
    });
  });
}

TEST(ModelChecker, LetsAReadModifyWriteContinueAReleaseSequence) {
  const auto outcome = release_sequence(false);
  EXPECT_FALSE(outcome.failed) << outcome;
}

TEST(ModelChecker, LetsAStoreBreakAReleaseSequence) {
  EXPECT_TRUE(mentions(release_sequence(true).what, "data race"));
}

// ---------------------------------------------------------------------------- lost updates, ABA

TEST(ModelChecker, FindsALostUpdate) {
  const auto count = [](bool atomically) {
    return model::explore({}, [=](Execution& ex) {
      auto& n = ex.make<Atomic<int>>(0);
      for (int i = 0; i < 2; ++i) {
        ex.thread([&n, atomically] {
          if (atomically) {
            n.fetch_add(1, relaxed);
          } else {
            n.store(n.load(relaxed) + 1, relaxed);
          }
        });
      }
      ex.finally([&n] { require(n.load() == 2, "both are counted"); });
    });
  };
  EXPECT_FALSE(count(true).failed);
  const auto outcome = count(false);
  EXPECT_TRUE(mentions(outcome.what, "both are counted")) << outcome;
}

// A stack of three nodes in an array. The tag in the upper half of the head is what prevents ABA.
Outcome pop_and_push(bool tagged) {
  return model::explore({}, [=](Execution& ex) {
    struct Stack {
      explicit Stack(unsigned tag) : one(tag) {}
      const unsigned one;
      Atomic<unsigned> head{1};
      std::array<Atomic<unsigned>, 4> next{0U, 2U, 3U, 0U};
      unsigned pop() {
        auto old = head.load(acquire);
        for (;;) {
          const unsigned node = old & 0xFFU;
          if (node == 0) return 0;
          const unsigned after = next[node].load(relaxed);
          if (head.compare_exchange_strong(old, ((old & ~0xFFU) + one) | after, acq_rel, acquire)) {
            return node;
          }
        }
      }
      void push(unsigned node) {
        auto old = head.load(relaxed);
        do {
          next[node].store(old & 0xFFU, relaxed);
        } while (
            !head.compare_exchange_strong(old, ((old & ~0xFFU) + one) | node, acq_rel, relaxed));
      }
    };
    auto& s = ex.make<Stack>(tagged ? 0x100U : 0U);
    auto& taken = ex.make<std::array<int, 4>>();
    ex.thread([&] { ++taken[s.pop()]; });
    ex.thread([&] {
      const unsigned first = s.pop();
      ++taken[s.pop()];
      s.push(first);
    });
    ex.finally([&] {
      for (unsigned node; (node = s.pop()) != 0;) ++taken[node];
      for (std::size_t i = 1; i < 4; ++i) require(taken[i] == 1, "each node is in one place");
    });
  });
}

TEST(ModelChecker, FindsAba) {
  EXPECT_TRUE(mentions(pop_and_push(false).what, "each node is in one place"));
  const auto outcome = pop_and_push(true);
  EXPECT_FALSE(outcome.failed) << outcome;
}

// -------------------------------------------------------------------------- the order of accesses

struct Flags {
  Atomic<int> x{0};
  Atomic<int> y{0};
  int seen_x = -1;
  int seen_y = -1;
};

Outcome dekker(std::memory_order store, std::memory_order load, Memory memory) {
  return model::explore({.memory = memory}, [=](Execution& ex) {
    auto& s = ex.make<Flags>();
    ex.thread([&s, store, load] {
      s.x.store(1, store);
      s.seen_y = s.y.load(load);
    });
    ex.thread([&s, store, load] {
      s.y.store(1, store);
      s.seen_x = s.x.load(load);
    });
    ex.finally([&s] { require(s.seen_x == 1 || s.seen_y == 1, "one sees the other"); });
  });
}

TEST(ModelChecker, FindsDekkerWithoutABarrier) {
  EXPECT_TRUE(mentions(dekker(release, acquire, Memory::tso).what, "one sees the other"));
  EXPECT_TRUE(mentions(dekker(release, seq_cst, Memory::tso).what, "one sees the other"));
  EXPECT_TRUE(mentions(dekker(release, acquire, Memory::weak).what, "one sees the other"));
  EXPECT_TRUE(mentions(dekker(release, seq_cst, Memory::weak).what, "one sees the other"));
}

TEST(ModelChecker, PassesDekkerWithSequentialConsistency) {
  for (const auto memory : {Memory::sequential, Memory::tso, Memory::weak}) {
    const auto outcome = dekker(seq_cst, seq_cst, memory);
    EXPECT_FALSE(outcome.failed) << outcome;
  }
  EXPECT_FALSE(dekker(relaxed, relaxed, Memory::sequential).failed);
}

TEST(ModelChecker, KnowsThatOnlyTotalStoreOrderForgivesAWeakLoadInDekker) {
  EXPECT_FALSE(dekker(seq_cst, acquire, Memory::tso).failed);
  EXPECT_TRUE(dekker(seq_cst, acquire, Memory::weak).failed);
}

enum class Fence : std::uint8_t { none, light, heavy, policy };

Outcome asymmetric_dekker(Fence often, Fence rare, Options options) {
  return model::explore(options, [=](Execution& ex) {
    auto& s = ex.make<Flags>();
    ex.thread([&s, often] {
      if (often == Fence::policy) {
        ModelAtomics::store_before_loads(s.x, 1);
      } else {
        s.x.store(1, release);
        if (often == Fence::light) ModelAtomics::light_barrier();
      }
      s.seen_y = s.y.load(seq_cst);
    });
    ex.thread([&s, rare] {
      s.y.store(1, seq_cst);
      if (rare == Fence::heavy) ModelAtomics::heavy_barrier();
      s.seen_x = s.x.load(seq_cst);
    });
    ex.finally([&s] { require(s.seen_x == 1 || s.seen_y == 1, "one sees the other"); });
  });
}

TEST(ModelChecker, FindsAMissingHeavyBarrier) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    EXPECT_TRUE(asymmetric_dekker(Fence::light, Fence::none, {.memory = memory}).failed);
    const auto outcome = asymmetric_dekker(Fence::light, Fence::heavy, {.memory = memory});
    EXPECT_FALSE(outcome.failed) << outcome;
  }
}

TEST(ModelChecker, FindsAMissingLightBarrierInWeakMemory) {
  EXPECT_FALSE(asymmetric_dekker(Fence::none, Fence::heavy, {.memory = Memory::tso}).failed);
  EXPECT_TRUE(mentions(asymmetric_dekker(Fence::none, Fence::heavy, {.memory = Memory::weak}).what,
                       "one sees the other"));
}

TEST(ModelChecker, RunsStoreBeforeLoadsWithAndWithoutTheSystemsHelp) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const bool asymmetric : {true, false}) {
      const Options options{.memory = memory, .asymmetric = asymmetric};
      const auto outcome = asymmetric_dekker(Fence::policy, Fence::heavy, options);
      EXPECT_FALSE(outcome.failed) << outcome;
      EXPECT_EQ(asymmetric_dekker(Fence::policy, Fence::none, options).failed, asymmetric);
    }
  }
}

TEST(ModelChecker, KeepsStoresInOrderUnderTsoOnly) {
  const auto run = [](Memory memory) {
    return model::explore({.memory = memory}, [](Execution& ex) {
      auto& s = ex.make<Flags>();
      ex.thread([&s] {
        s.x.store(1, relaxed);
        s.y.store(1, relaxed);
      });
      ex.thread([&s] {
        s.seen_y = s.y.load(relaxed);
        s.seen_x = s.x.load(relaxed);
        require(s.seen_x >= s.seen_y, "stores are seen in order");
      });
    });
  };
  EXPECT_FALSE(run(Memory::tso).failed);
  EXPECT_TRUE(run(Memory::weak).failed);
}

TEST(ModelChecker, KeepsEachLocationCoherent) {
  const auto outcome = model::explore({.memory = Memory::weak, .surprises = 3}, [](Execution& ex) {
    auto& x = ex.make<Atomic<int>>(0);
    ex.thread([&x] {
      for (int i = 1; i < 4; ++i) x.store(i, relaxed);
    });
    ex.thread([&x] {
      int last = 0;
      for (int i = 0; i < 3; ++i) {
        const int now = x.load(relaxed);
        require(now >= last, "a thread does not read backwards");
        last = now;
      }
    });
  });
  EXPECT_FALSE(outcome.failed) << outcome;
}

TEST(ModelChecker, AllowsBothOrdersOfTwoStoresToOneLocation) {
  for (const auto memory : {Memory::sequential, Memory::tso, Memory::weak}) {
    auto last = std::array<int, 3>{};
    const auto outcome = model::explore({.memory = memory, .random = 0}, [&](Execution& ex) {
      auto& x = ex.make<Atomic<int>>(0);
      ex.thread([&x] { x.store(1, release); });
      ex.thread([&x] { x.store(2, release); });
      ex.finally([&] { ++last[static_cast<std::size_t>(x.load())]; });
    });
    EXPECT_FALSE(outcome.failed) << outcome;
    EXPECT_GT(last[1], 0);
    EXPECT_GT(last[2], 0);
  }
}

// -------------------------------------------------------------------------------------- sleeping

// An event count: waiters register, look again, and sleep while the epoch is the one they saw.
struct EventCount {
  Atomic<std::uint32_t> epoch{0};
  Atomic<std::uint32_t> waiters{0};
  Atomic<int> items{0};

  void consume(bool look_again) {
    for (;;) {
      int n = items.load(acquire);
      if (n > 0 && items.compare_exchange_strong(n, n - 1, acq_rel, relaxed)) return;
      if (n > 0) continue;
      waiters.fetch_add(1, seq_cst);
      const auto seen = epoch.load(seq_cst);
      if (!look_again || items.load(seq_cst) == 0) ModelAtomics::wait(epoch, seen);
      waiters.fetch_sub(1, relaxed);
    }
  }
  void produce(bool wakes) {
    items.fetch_add(1, seq_cst);
    if (waiters.load(seq_cst) == 0) return;
    epoch.fetch_add(1, release);
    if (wakes) ModelAtomics::wake_one(epoch);
  }
};

Outcome event_count(bool look_again, bool wakes, Memory memory = Memory::tso) {
  return model::explore({.memory = memory}, [=](Execution& ex) {
    auto& ec = ex.make<EventCount>();
    ex.thread([&ec, look_again] { ec.consume(look_again); });
    ex.thread([&ec, look_again] { ec.consume(look_again); });
    ex.thread([&ec, wakes] {
      ec.produce(wakes);
      ec.produce(wakes);
    });
    ex.finally([&ec] { require(ec.items.load() == 0, "everything is consumed"); });
  });
}

TEST(ModelChecker, PassesAnEventCount) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    const auto outcome = event_count(true, true, memory);
    EXPECT_FALSE(outcome.failed) << outcome;
  }
}

TEST(ModelChecker, FindsADroppedWakeInAnEventCount) {
  const auto outcome = event_count(true, false);
  EXPECT_TRUE(mentions(outcome.what, "deadlock")) << outcome;
  EXPECT_TRUE(mentions(outcome.what, "sleeps on")) << outcome;
}

TEST(ModelChecker, FindsAnEventCountThatDoesNotLookAgain) {
  EXPECT_TRUE(mentions(event_count(false, true).what, "deadlock"));
}

TEST(ModelChecker, LetsATimedSleepEndWithoutAWake) {
  const auto run = [](auto deadline) {
    return model::explore({}, [=](Execution& ex) {
      auto& word = ex.make<Atomic<std::uint32_t>>(0U);
      ex.thread([&word, deadline] { ModelAtomics::wait(word, 0, deadline); });
    });
  };
  using TimePoint = std::chrono::steady_clock::time_point;
  EXPECT_FALSE(run(TimePoint{}).failed);
  EXPECT_TRUE(mentions(run(TimePoint::max()).what, "deadlock"));
}

TEST(ModelChecker, WakesSleepersInEveryOrder) {
  auto first = std::array<int, 3>{};
  const auto outcome = model::explore({.surprises = 0, .random = 0}, [&](Execution& ex) {
    auto& word = ex.make<Atomic<std::uint32_t>>(0U);
    auto& order = ex.make<Atomic<int>>(0);
    for (int i = 1; i <= 2; ++i) {
      ex.thread([&, i] {
        ModelAtomics::wait(word, 0);
        int none = 0;
        order.compare_exchange_strong(none, i);
      });
    }
    ex.thread([&] {
      word.store(1);
      ModelAtomics::wake_one(word);
      ModelAtomics::wake_one(word);
    });
    ex.finally([&] { ++first[static_cast<std::size_t>(order.load())]; });
  });
  EXPECT_FALSE(outcome.failed) << outcome;
  EXPECT_GT(first[1], 0);
  EXPECT_GT(first[2], 0);
}

// -------------------------------------------------------------------------------------- spinning

struct SpinLock {
  Atomic<std::uint32_t> word{0};
  void lock(std::memory_order order = acquire) {
    while (word.exchange(1, order) != 0) ModelAtomics::pause();
  }
  void unlock(std::memory_order order = release) { word.store(0, order); }
};

Outcome spin_lock(std::memory_order unlock, Options options = {}) {
  return model::explore(options, [=](Execution& ex) {
    struct State {
      SpinLock lock;
      model::Data<int> count;
    };
    auto& s = ex.make<State>();
    for (int i = 0; i < 3; ++i) {
      ex.thread([&s, unlock] {
        s.lock.lock();
        s.count.set(s.count.get() + 1);
        s.lock.unlock(unlock);
      });
    }
    ex.finally([&s] { require(s.count.get() == 3, "all are counted"); });
  });
}

TEST(ModelChecker, PassesASpinLock) {
  for (const auto memory : {Memory::sequential, Memory::tso, Memory::weak}) {
    const auto outcome = spin_lock(release, {.memory = memory});
    EXPECT_FALSE(outcome.failed) << outcome;
    EXPECT_TRUE(outcome.exhausted);
  }
  EXPECT_TRUE(mentions(spin_lock(relaxed).what, "data race"));
}

TEST(ModelChecker, FindsADeadlockOfTwoSpinLocks) {
  const auto run = [](bool crossed) {
    return model::explore({.steps = 2'000}, [=](Execution& ex) {
      auto& locks = ex.make<std::array<SpinLock, 2>>();
      for (std::size_t i = 0; i < 2; ++i) {
        ex.thread([&locks, first = crossed ? i : 0] {
          locks[first].lock();
          locks[1 - first].lock();
          locks[1 - first].unlock();
          locks[first].unlock();
        });
      }
    });
  };
  EXPECT_FALSE(run(false).failed);
  const auto outcome = run(true);
  EXPECT_TRUE(mentions(outcome.what, "livelock")) << outcome.what;
  EXPECT_TRUE(mentions(outcome.what, "[thread 1 spins] [thread 2 spins]")) << outcome.what;
}

TEST(ModelChecker, FindsALivelock) {
  // Each waits politely until it is the only one, and so does the other.
  const auto run = [](bool politely) {
    return model::explore({.steps = 2'000}, [=](Execution& ex) {
      auto& wishes = ex.make<Atomic<int>>(0);
      for (int i = 0; i < 2; ++i) {
        ex.thread([&wishes, politely] {
          wishes.fetch_add(1);
          while (wishes.load() != 1) {
            if (!politely) break;
            ModelAtomics::pause();
          }
          if (!politely) wishes.fetch_sub(1);
        });
      }
    });
  };
  EXPECT_FALSE(run(false).failed);
  EXPECT_TRUE(mentions(run(true).what, "livelock"));
}

TEST(ModelChecker, GivesTurnsToAThreadForWhomOthersSpin) {
  const auto outcome = model::explore({}, [](Execution& ex) {
    struct State {
      Atomic<bool> done{false};
      Atomic<int> spins{0};
    };
    auto& s = ex.make<State>();
    for (int i = 0; i < 2; ++i) {
      ex.thread([&s] {
        while (!s.done.load(acquire)) {
          s.spins.fetch_add(1, relaxed);  // each spinner is always news to the other
          ModelAtomics::pause();
        }
      });
    }
    ex.thread([&s] { s.done.store(true, release); });
  });
  EXPECT_FALSE(outcome.failed) << outcome;
}

// ------------------------------------------------------------------------------- lifetimes, death

// A waiter on its own thread's stack, granted by another.
Outcome grant(std::memory_order grant_order, bool touches_afterwards) {
  return model::explore({}, [=](Execution& ex) {
    auto& place = ex.make<Atomic<Atomic<std::uint32_t>*>>(nullptr);
    ex.thread([&place] {
      Atomic<std::uint32_t> granted{0};
      place.store(&granted, release);
      while (granted.load(acquire) == 0) ModelAtomics::wait(granted, 0);
    });
    ex.thread([&place, grant_order, touches_afterwards] {
      Atomic<std::uint32_t>* waiter = nullptr;
      while ((waiter = place.load(acquire)) == nullptr) ModelAtomics::pause();
      waiter->store(1, grant_order);
      if (touches_afterwards) waiter->load(relaxed);
      ModelAtomics::wake_one(static_cast<const void*>(waiter));  // by address only
    });
  });
}

TEST(ModelChecker, PassesAGrantToAWaiterThatMayBeGone) {
  const auto outcome = grant(release, false);
  EXPECT_FALSE(outcome.failed) << outcome;
}

TEST(ModelChecker, FindsATouchOfAWaiterThatMayBeGone) {
  const auto outcome = grant(release, true);
  EXPECT_TRUE(mentions(outcome.what, "destroyed")) << outcome;
  EXPECT_TRUE(mentions(grant(relaxed, false).what, "destroyed"));
}

TEST(ModelChecker, FindsAnAtomicThatIsPublishedWithoutRelease) {
  const auto run = [](std::memory_order order) {
    return model::explore({}, [=](Execution& ex) {
      auto& place = ex.make<Atomic<Atomic<int>*>>(nullptr);
      ex.thread([&ex, &place, order] { place.store(&ex.make<Atomic<int>>(7), order); });
      ex.thread([&place] {
        if (Atomic<int>* const made = place.load(acquire)) require(made->load() == 7, "seven");
      });
    });
  };
  EXPECT_FALSE(run(release).failed);
  EXPECT_TRUE(mentions(run(relaxed).what, "not published"));
}

// A lock whose word names its owner, taken over when the owner has died.
Outcome owner_dies(bool recovers, std::vector<std::string>* seen = nullptr) {
  return model::explore({.deaths = 1, .steps = 500}, [=](Execution& ex) {
    struct State {
      Atomic<std::uint32_t> owner{0};
      Atomic<int> entered{0};
    };
    auto& s = ex.make<State>();
    const auto holder = ex.mortal([&s] {
      std::uint32_t nobody = 0;
      if (!s.owner.compare_exchange_strong(nobody, 1, acquire, relaxed)) return;
      s.entered.fetch_add(1, relaxed);
      s.owner.store(0, release);
    });
    ex.thread([&s, holder, recovers] {
      for (;;) {
        std::uint32_t owner = 0;
        if (s.owner.compare_exchange_strong(owner, 2, acquire, relaxed)) break;
        if (recovers && model::has_ended(holder) && model::was_killed(holder) &&
            s.owner.compare_exchange_strong(owner, 2, acquire, relaxed)) {
          break;
        }
        ModelAtomics::pause();
      }
      s.entered.fetch_add(1, relaxed);
    });
    ex.finally([&s, holder, seen] {
      if (seen == nullptr) return;
      seen->push_back(std::string(model::was_killed(holder) ? "killed" : "alive") + " " +
                      std::to_string(s.entered.load()));
    });
  });
}

TEST(ModelChecker, KillsAThreadAtEachOfItsOperations) {
  std::vector<std::string> seen;
  const auto outcome = owner_dies(true, &seen);
  EXPECT_FALSE(outcome.failed) << outcome;
  const auto has = [&](const char* what) {
    return std::find(seen.begin(), seen.end(), what) != seen.end();
  };
  EXPECT_TRUE(has("alive 1") && has("alive 2") && has("killed 1") && has("killed 2"));
}

TEST(ModelChecker, FindsALockThatItsDeadOwnerKeeps) {
  EXPECT_TRUE(mentions(owner_dies(false).what, "livelock"));
}

// ------------------------------------------------------------------------------- the tool itself

TEST(ModelChecker, ReplaysAFailureFromItsText) {
  const auto found = dekker(release, acquire, Memory::tso);
  ASSERT_TRUE(found.failed);
  EXPECT_TRUE(mentions(found.trace, "buffered")) << found.trace;
  auto again = message_passing(release, relaxed);
  ASSERT_TRUE(again.failed);
  const auto replayed = message_passing(release, relaxed, {.replay = again.replay});
  EXPECT_EQ(replayed.executions, 1U);
  EXPECT_EQ(replayed.what, again.what);
  EXPECT_EQ(replayed.trace, again.trace);
}

TEST(ModelChecker, FindsByRandomSchedulesWhatNeedsManyPreemptions) {
  // The second thread must run between each two steps of the first.
  const Options options{.preemptions = 0, .random = 10'000, .depth = 5};
  const auto outcome = model::explore(options, [](Execution& ex) {
    auto& turn = ex.make<Atomic<int>>(0);
    for (int i = 0; i < 2; ++i) {
      ex.thread([&turn, i] {
        for (int step = i; step < 4; step += 2) {
          int now = step;
          if (!turn.compare_exchange_strong(now, step + 1)) return;
        }
      });
    }
    ex.finally([&turn] { require(turn.load() < 4, "they did not alternate"); });
  });
  EXPECT_TRUE(outcome.failed);
  EXPECT_GT(outcome.executions, 1U);
}

TEST(ModelChecker, ReportsAScenarioThatIsNotDeterministic) {
  int runs = 0;
  const auto outcome = model::explore({}, [&runs](Execution& ex) {
    auto& n = ex.make<Atomic<int>>(0);
    ++runs;
    for (int i = 0; i < 1 + runs % 3; ++i) ex.thread([&n] { n.fetch_add(1); });
  });
  EXPECT_TRUE(mentions(outcome.what, "not deterministic")) << outcome;
}

TEST(ModelChecker, TellsThreadsApart) {
  const auto outcome = model::explore({}, [](Execution& ex) {
    struct State {
      std::array<const void*, 3> here{ModelAtomics::here()};
      Atomic<int> word{0};
    };
    auto& s = ex.make<State>();
    for (std::size_t i = 1; i < 3; ++i) {
      ex.thread([&s, i] {
        s.here[i] = ModelAtomics::here();
        s.word.load(relaxed);  // the other may run
        require(ModelAtomics::here() == s.here[i], "it stays the same");
      });
    }
    ex.finally([&s] {
      require(s.here[0] != s.here[1] && s.here[0] != s.here[2] && s.here[1] != s.here[2],
              "each has its own");
    });
  });
  EXPECT_FALSE(outcome.failed) << outcome;
  EXPECT_NE(ModelAtomics::here(), nullptr);
  EXPECT_EQ(ModelAtomics::here(), ModelAtomics::here());
}

TEST(ModelChecker, ReportsAnExceptionThatGetsOutOfAThread) {
  const auto outcome = model::explore(
      {}, [](Execution& ex) { ex.thread([] { throw std::runtime_error("sorry"); }); });
  EXPECT_TRUE(mentions(outcome.what, "sorry")) << outcome;
}

TEST(ModelChecker, ExploresThousandsOfExecutionsPerSecond) {
  const auto begin = std::chrono::steady_clock::now();
  std::size_t executions = 0;
  for (int round = 0; round < 20; ++round) {
    const auto outcome = model::explore({.preemptions = 6, .random = 0}, [](Execution& ex) {
      auto& s = ex.make<Flags>();
      ex.thread([&s] {
        s.x.store(1, release);
        s.x.fetch_add(1, acq_rel);
        s.seen_y = s.y.load(acquire);
      });
      ex.thread([&s] {
        s.y.store(1, release);
        s.y.fetch_add(1, acq_rel);
        s.seen_x = s.x.load(acquire);
      });
    });
    EXPECT_FALSE(outcome.failed) << outcome;
    EXPECT_TRUE(outcome.exhausted);
    executions += outcome.executions;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  // Not a promise, only for the record: the machine may be busy.
  const auto rate = static_cast<double>(executions) / took.count();
  RecordProperty("executions_per_second", std::to_string(static_cast<long>(rate)));
  EXPECT_GT(executions, 1'000U);
}

}  // namespace
