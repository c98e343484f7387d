// SPDX-License-Identifier: BSL-1.0

// The gate and the wait, in the model checker, under the event and the semaphore.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "cohort/core/detail/basic_event.hpp"  // what is tested
#include "cohort/core/gate.hpp"                // what is tested
#include "cohort/core/waiter.hpp"              // what is tested
#include "faults.hpp"                          // Fault, Policy
#include "model.hpp"                           // explore, Data
#include "waiting.hpp"                         // Waiting

namespace {

namespace model = cohort::model;
using namespace cohort::model;
using cohort::detail::BasicEvent;
using cohort::detail::BasicGate;

using Event = BasicEvent<BasicGate<Policy>>;

// One letter an operation: w waits, t waits with a deadline, k is a coroutine that waits, c waits
// and may be cancelled, x cancels it; s sets, z clears.
struct Scene {
  Event event;
  model::Data<int> message;
  Waiting<Event> cancelled{event};

  void act(std::string_view program) {
    for (const char c : program) {
      if (c == 's') set();
      if (c == 'z') event.clear();
      if (c == 'x') cancelled.stop();
      if (c == 'w') got(wait(Kind::thread), true);
      if (c == 'k') got(wait(Kind::coroutine), true);
      if (c == 't') got(wait(Kind::timed), false);
      if (c == 'c') got(event.is_set() || cancelled.wait(), false);
    }
  }
  void set() {
    if (!was_set) message.set(42);
    was_set = true;
    event.set();
  }
  bool wait(Kind kind) {
    if (event.is_set()) return true;
    Waiting<Event> waiting(event, kind);
    return waiting.wait();
  }
  void got(bool granted, bool always) {
    if (granted) require(message.get() == 42, "what was before set() is seen after the wait");
    require(granted || !always, "it waits for ever");
  }
  bool was_set = false;
};

Outcome act(std::vector<std::string_view> programs, const Options& options, Fault planted = {}) {
  return explore(planted, options, [&](Execution& ex) {
    auto& scene = ex.make<Scene>();
    for (const auto program : programs) ex.thread([&scene, program] { scene.act(program); });
  });
}

TEST(EventInTheModel, WakesEverybodyWhoWaits) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const auto* const waits : {"w", "k", "t", "ww", "tw", "wtw", "kwk"}) {
      const auto outcome = act({waits, "s"}, {.memory = memory, .random = 2'000});
      expect_passed(outcome, waits);
      EXPECT_TRUE(outcome.exhausted);
    }
    const Options options{.memory = memory, .executions = 15'000, .random = 2'000};
    expect_passed(act({"w", "k", "s"}, options));
    expect_passed(act({"w", "t", "s"}, options));
    expect_passed(act({"w", "c", "x", "s"}, options));
    expect_passed(act({"c", "xs"}, options));
    expect_passed(act({"t", "tz", "ss"}, options));
  }
}

// A waiter, and others who can tell that it stands in line.
template <class E>
struct Standing {
  struct Waiter : BasicGate<Policy>::Waiter {
    using BasicGate<Policy>::Waiter::Waiter;
  };
  void arm(Waiter& waiter) {
    event.arm(waiter);
    stands.store(true, release);
  }
  void disarm(Waiter& waiter) { event.disarm(waiter); }

  void wait(Kind kind) {
    Waiting<Standing> waiting(*this, kind);
    require(waiting.wait(), "it waits for ever");
  }
  void await_waiter() {
    while (!stands.load(acquire)) Policy::pause();
  }

  E event;
  Weakened<bool> stands{false};
};

// The waiter stands there already when set() and clear() come, in whatever order.
TEST(EventInTheModel, WakesThoseWhoStandThereAlthoughItIsClearedAtOnce) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const auto kind : {Kind::thread, Kind::coroutine}) {
      const auto outcome = model::explore({.memory = memory}, [kind](Execution& ex) {
        auto& s = ex.make<Standing<Event>>();
        ex.thread([&s, kind] { s.wait(kind); });
        ex.thread([&s] {
          s.await_waiter();
          s.event.set();
          s.event.clear();
        });
        ex.thread([&s] { s.event.clear(); });
      });
      expect_passed(outcome);
    }
  }
}

// A signal handler may run while its own thread holds the gate: it must not wait for the lock.
TEST(EventInTheModel, IsSetByAHandlerThatInterruptsTheHolderOfTheGate) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    const auto outcome = model::explore({.memory = memory}, [](Execution& ex) {
      auto& scene = ex.make<Scene>();
      ex.thread([&scene] { scene.act("w"); });
      ex.thread([&scene] { scene.event.gate().with(scene.event, [&](auto&) { scene.set(); }); });
    });
    expect_passed(outcome);
    EXPECT_TRUE(outcome.exhausted);
  }
}

// The holder never goes on (a mortal thread that dies stands for one that is stopped).
TEST(EventInTheModel, IsSetWithoutWaitingForTheHolderOfTheGate) {
  const auto outcome = model::explore({.deaths = 1, .steps = 2'000}, [](Execution& ex) {
    auto& scene = ex.make<Scene>();
    ex.mortal([&scene] { scene.act("w"); });
    ex.thread([&scene] { scene.act("szs"); });
  });
  expect_passed(outcome);
}

// Two things are missing; each who takes one off has done something before.
struct Count {
  BasicEvent<BasicGate<Policy>, std::uint64_t> event{true};
  model::Data<int> done[2];
  Count() {
    event.add();
    event.add();
  }
  void take_off(int which) {
    done[which].set(1);
    require(event.subtract(1) == 1, "it was missing");
  }
  void wait(Kind kind) {
    if (!event.is_set()) {
      Waiting<decltype(event)> waiting(event, kind);
      require(waiting.wait(), "it waits for ever");
    }
    for (auto& d : done) require(d.get() == 1, "what was done before is seen after the wait");
  }
};

TEST(EventInTheModel, WakesThoseWhoWaitWhenNothingIsMissingAnyMore) {
  const auto act = [](Kind kind, Fault planted = {}) {
    return model::explore(planted, {.executions = 15'000, .random = 2'000}, [kind](Execution& ex) {
      auto& count = ex.make<Count>();
      ex.thread([&count, kind] { count.wait(kind); });
      ex.thread([&count] { count.take_off(0); });
      ex.thread([&count] { count.take_off(1); });
    });
  };
  for (const auto kind : {Kind::thread, Kind::coroutine}) expect_passed(act(kind));
  EXPECT_TRUE(act(Kind::thread, {Op::change, "subtract", acq_rel, acquire}).failed);
}

// The same for a count: one thing more is missing as soon as somebody sees that nothing was.
TEST(EventInTheModel, WakesThoseWhoStandThereAlthoughMoreIsMissingAtOnce) {
  for (const auto kind : {Kind::thread, Kind::coroutine}) {
    const Options options{.executions = 15'000, .random = 2'000};
    const auto outcome = model::explore(options, [kind](Execution& ex) {
      auto& s = ex.make<Standing<BasicEvent<BasicGate<Policy>, std::uint64_t>>>();
      ex.thread([&s, kind] { s.wait(kind); });
      ex.thread([&s] {
        s.await_waiter();
        s.event.subtract(1);
      });
      ex.thread([&s] {
        while (!s.event.is_set()) Policy::pause();
        s.event.add();
      });
    });
    expect_passed(outcome);
  }
}

TEST(EventInTheModel, MayBeDestroyedByTheOneWhoseWaitHasEnded) {
  for (const auto kind : {Kind::thread, Kind::coroutine}) {
    const auto outcome = model::explore({}, [kind](Execution& ex) {
      auto& place = ex.make<Weakened<Event*>>(nullptr);
      ex.thread([&place, kind] {
        Event event;
        place.store(&event, release);
        if (event.is_set()) return;
        Waiting<Event> waiting(event, kind);
        waiting.wait();
      });
      ex.thread([&place] {
        Event* event = nullptr;
        while ((event = place.load(acquire)) == nullptr) Policy::pause();
        event->set();
      });
    });
    expect_passed(outcome);
    EXPECT_TRUE(outcome.exhausted);
  }
}

TEST(EventInTheModel, IsSeenToFailWhenAnOrderOfItIsWeakenedOrAWakeIsDropped) {
  const auto fails = [](Fault planted) {
    return act({"wtw", "s"}, {}, planted).failed || act({"w", "k", "s"}, {}, planted).failed;
  };
  EXPECT_TRUE(fails({Op::wake}));
  EXPECT_TRUE(fails({Op::load, "missing", acquire, relaxed}));
  EXPECT_TRUE(fails({Op::change, "subtract", acq_rel, acquire}));
  EXPECT_TRUE(fails({Op::change, "lock", acquire, relaxed}));
  EXPECT_TRUE(fails({Op::change, "unlock", release, relaxed}));
  EXPECT_TRUE(fails({Op::store, "decide", release, relaxed}));
}

}  // namespace
