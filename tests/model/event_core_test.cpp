// SPDX-License-Identifier: BSL-1.0

// The gate and the wait, in the model checker, under the event and the semaphore.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cohort/core/detail/basic_event.hpp"  // what is tested
#include "cohort/core/gate.hpp"                // what is tested
#include "cohort/core/waiter.hpp"              // what is tested
#include "model.hpp"                           // explore, ModelAtomics

namespace {

namespace model = cohort::model;
using cohort::detail::BasicEvent;
using cohort::detail::BasicGate;
using cohort::detail::BasicWait;
using cohort::detail::Wakeup;
using model::Execution;
using model::Memory;
using model::ModelAtomics;
using model::Options;
using model::Outcome;
using model::require;
using Decision = cohort::detail::Outcome;
using Order = std::memory_order;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;

// ------------------------------------------------------------------------------- planted faults

// In one function the operations of one kind and order have another order, or do nothing.
enum class Op : std::uint8_t { none, load, store, change, wake, attend };
struct Fault {
  Op op = Op::none;
  std::string_view in{};
  Order from{};
  Order to{};
};
Fault fault;

Order faulty(Op op, std::string_view in, Order order) {
  in = in.substr(0, in.find('<'));  // some compilers add the template's arguments
  return fault.op == op && fault.in == in && fault.from == order ? fault.to : order;
}

template <class T>
class Weakened : public model::Atomic<T> {
  using Base = model::Atomic<T>;

 public:
  using Base::Base;
  T load(Order order, const char* in = __builtin_FUNCTION()) const noexcept {
    return Base::load(faulty(Op::load, in, order));
  }
  void store(T value, Order order, const char* in = __builtin_FUNCTION()) noexcept {
    Base::store(value, faulty(Op::store, in, order));
  }
  T fetch_add(T value, Order order, const char* in = __builtin_FUNCTION()) noexcept {
    return Base::fetch_add(value, faulty(Op::change, in, order));
  }
  T fetch_and(T value, Order order, const char* in = __builtin_FUNCTION()) noexcept {
    return Base::fetch_and(value, faulty(Op::change, in, order));
  }
  T exchange(T value, Order order, const char* in = __builtin_FUNCTION()) noexcept {
    return Base::exchange(value, faulty(Op::change, in, order));
  }
  T fetch_or(T value, Order order, const char* in = __builtin_FUNCTION()) noexcept {
    return Base::fetch_or(value, faulty(Op::change, in, order));
  }
  bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                               const char* in = __builtin_FUNCTION()) noexcept {
    return Base::compare_exchange_strong(expected, desired, faulty(Op::change, in, success),
                                         failure);
  }
  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                             const char* in = __builtin_FUNCTION()) noexcept {
    return Base::compare_exchange_weak(expected, desired, faulty(Op::change, in, success), failure);
  }
};

struct Policy : ModelAtomics {
  template <class T>
  using atomic = Weakened<T>;
  static void wake_one(const void* word) noexcept {
    if (fault.op != Op::wake) ModelAtomics::wake_one(word);
  }
};

Outcome explore(Fault planted, const Options& options,
                const std::function<void(Execution&)>& scenario) {
  fault = planted;
  auto outcome = model::explore(options, scenario);
  fault = {};
  return outcome;
}

void expect_passed(const Outcome& outcome, std::string_view what = {}) {
  EXPECT_FALSE(outcome.failed) << what << "\n" << outcome;
}

// ------------------------------------------------------------------------------------ who waits

using Event = BasicEvent<BasicGate<Policy>>;

enum class Kind : std::uint8_t { thread, timed, coroutine };

// What ThreadWait and Blocking, CoroutineWait and Awaiting do, on the words of the model. A timed
// one's deadline has passed whenever it wakes.
template <class On>
class Waiting final : public BasicWait<Policy> {
 public:
  explicit Waiting(On& on, Kind kind = Kind::thread) : on_(on), kind_(kind) {}

  void publish(Decision decision) noexcept override {
    const void* const address = &word_;
    const bool suspended = kind_ == Kind::coroutine;
    if (!decide(decision)) return;
    if (suspended) {
      post(resumed);
    } else {
      Policy::wake_one(address);
    }
  }
  Wakeup nudge() noexcept override {
    if (!attend()) return {};
    if (kind_ != Kind::coroutine) return {[](void* at) noexcept { Policy::wake_one(at); }, &word_};
    return {[](void* self) noexcept { static_cast<Waiting*>(self)->post(nudged); }, this};
  }

  // True: it was granted.
  bool wait() {
    on_.arm(place_);
    if (kind_ == Kind::coroutine) {
      if (leave()) run_queue();
    } else {
      while (leave()) {
        sleep();
        if (kind_ == Kind::timed) {
          if (end(Decision::granted)) late_ = true;
        } else {
          if (fault.op != Op::attend) attend();  // a nudge from here on would wake nobody
          while (retry() && outcome() == Decision::waiting) Policy::relax(63);
        }
      }
    }
    require(outcome() != Decision::waiting, "it is decided");
    require(outcome() != Decision::granted || late_ || place_.was_granted(), "its place says so");
    return outcome() == Decision::granted && !late_;
  }
  void stop() { end(Decision::cancelled); }

 private:
  static constexpr std::uint32_t resumed = 1;
  static constexpr std::uint32_t nudged = 2;
  struct Place : On::Waiter {
    using On::Waiter::Waiter;
  };

  bool end(Decision decision) {
    if (!begin_leaving()) return false;
    on_.disarm(place_);
    publish(decision);
    return true;
  }
  bool retry() {
    if constexpr (requires { on_.retry(place_); }) return on_.retry(place_);
    return false;
  }
  void sleep() {
    const auto word = word_.load(acquire);
    if (outcome_of(word) != Decision::waiting || (word & attended) != 0) return;
    if (kind_ == Kind::timed) {
      Policy::wait(word_, word, cohort::TimePoint{});
    } else {
      Policy::wait(word_, word);
    }
  }
  void post(std::uint32_t how) {
    require(queue_.exchange(how, acq_rel) == 0, "a coroutine stands in a queue once");
    ModelAtomics::wake_one(&queue_);
  }
  void run_queue() {
    for (;;) {
      const auto how = queue_.exchange(0, acq_rel);
      if (how == 0) Policy::wait(queue_, 0);
      if (how == resumed) return;
      if (how != nudged) continue;
      while (retry()) Policy::relax(63);
      if (!leave()) return;
    }
  }

  On& on_;
  const Kind kind_;
  bool late_ = false;
  Weakened<std::uint32_t> queue_{0U};
  Place place_{*this};
};

// ------------------------------------------------------------------------------------- the event

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

// The waiter stands there already when set() and clear() come, in whatever order.
TEST(EventInTheModel, WakesThoseWhoStandThereAlthoughItIsClearedAtOnce) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const auto kind : {Kind::thread, Kind::coroutine}) {
      const auto outcome = model::explore({.memory = memory}, [kind](Execution& ex) {
        struct State {
          Event event;
          Weakened<bool> stands{false};
        };
        struct Standing {
          State& state;
          struct Waiter : BasicGate<Policy>::Waiter {
            using BasicGate<Policy>::Waiter::Waiter;
          };
          void arm(Waiter& waiter) {
            state.event.arm(waiter);
            state.stands.store(true, release);
          }
          void disarm(Waiter& waiter) { state.event.disarm(waiter); }
        };
        auto& s = ex.make<State>();
        ex.thread([&s, kind] {
          Standing standing{s};
          Waiting<Standing> waiting(standing, kind);
          waiting.wait();
        });
        ex.thread([&s] {
          while (!s.stands.load(acquire)) Policy::pause();
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
  EXPECT_TRUE(fails({Op::load, "is_set", acquire, relaxed}));
  EXPECT_TRUE(fails({Op::change, "set", acq_rel, acquire}));
  EXPECT_TRUE(fails({Op::change, "lock", acquire, relaxed}));
  EXPECT_TRUE(fails({Op::change, "unlock", release, relaxed}));
  EXPECT_TRUE(fails({Op::store, "decide", release, relaxed}));
}

}  // namespace
