// SPDX-License-Identifier: BSL-1.0

// The semaphore on its gate, in the model checker.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cohort/core/gate.hpp"                    // what is tested
#include "cohort/core/waiter.hpp"                  // what is tested
#include "cohort/sync/detail/basic_semaphore.hpp"  // what is tested
#include "model.hpp"                               // explore, ModelAtomics

namespace {

namespace model = cohort::model;
using cohort::detail::BasicGate;
using cohort::detail::BasicSemaphore;
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
  bool compare_exchange_weak(T& expected, T desired, Order order) noexcept {
    return Base::compare_exchange_weak(expected, desired, order);
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

using Semaphore = BasicSemaphore<BasicGate<Policy>>;

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

// --------------------------------------------------------------------------------- the semaphore

using namespace std::chrono_literals;

constexpr std::uint64_t no_limit = 1'000;
constexpr cohort::TimePoint start{1s};

// One letter an operation: a acquires, works and releases; t the same with a deadline; k as a
// coroutine; c may be cancelled; x cancels it; ! lets a millisecond go by; r releases, b acquires
// without waiting and keeps the permit; g acquires and keeps the permit.
struct Room {
  explicit Room(std::uint64_t n) : permits(n), semaphore(n) {}
  const std::uint64_t permits;
  Semaphore semaphore;
  model::Data<int> count;
  Weakened<int> work{0};
  std::uint64_t inside = 0;
  Waiting<Semaphore> cancelled{semaphore};

  void act(std::string_view program) {
    for (const char c : program) {
      if (c == 'a') visit(acquire_as(Kind::thread), true);
      if (c == 'k') visit(acquire_as(Kind::coroutine), true);
      if (c == 't') visit(acquire_as(Kind::timed), false);
      if (c == 'c') visit(semaphore.try_acquire() || cancelled.wait(), false);
      if (c == 'x') cancelled.stop();
      if (c == '!') Policy::set_now(Policy::now() + 1ms);
    }
  }
  bool acquire_as(Kind kind) {
    if (semaphore.try_acquire()) return true;
    Waiting<Semaphore> waiting(semaphore, kind);
    return waiting.wait();
  }
  void visit(bool granted, bool always) {
    require(granted || !always, "it waits for ever");
    if (!granted) return;
    require(++inside <= permits, "there are no more inside than permits");
    if (permits == 1) count.set(count.get() + 1);
    work.load(relaxed);  // others may run
    --inside;
    require(semaphore.release(1, no_limit), "it is below the limit");
  }
};

Outcome visit(std::uint64_t permits, const std::vector<std::string_view>& programs,
              const Options& options, Fault planted = {}) {
  return explore(planted, options, [&](Execution& ex) {
    Policy::set_now(start);
    auto& room = ex.make<Room>(permits);
    for (const auto program : programs) ex.thread([&room, program] { room.act(program); });
    ex.finally([&room, permits] {
      require(room.semaphore.value() == permits, "no permit is lost");
      for (auto left = permits; left > 0; --left) {
        require(room.semaphore.try_acquire(), "nobody is left in line");
      }
    });
  });
}

TEST(SemaphoreInTheModel, ExcludesAndServesTwoWhateverTheyDo) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    const Options options{.memory = memory, .executions = 8'000, .random = 1'000, .steps = 2'000};
    for (const auto* const one : {"aaa", "kkk", "ata"}) {
      for (const auto* const other : {"aaa", "tkt", "a!a"}) {
        expect_passed(visit(1, {one, other}, options), std::string(one) + " " + other);
      }
    }
  }
}

TEST(SemaphoreInTheModel, ExcludesAndServesThree) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    const Options options{.memory = memory, .executions = 10'000, .random = 1'000, .steps = 2'000};
    expect_passed(visit(1, {"a", "a", "a"}, options));
    expect_passed(visit(1, {"k", "a", "t"}, options));
    expect_passed(visit(1, {"aa", "k", "!a"}, options));
    expect_passed(visit(1, {"a", "c", "x", "k"}, options));
    expect_passed(visit(1, {"aa", "c", "!x"}, options));
    expect_passed(visit(2, {"aa", "kt", "a"}, options));
  }
}

TEST(SemaphoreInTheModel, IsReleasedWithoutWaitingForTheHolderOfTheGate) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    const Options options{.memory = memory, .deaths = 1, .steps = 2'000};
    const auto outcome = model::explore(options, [](Execution& ex) {
      Policy::set_now(start);
      auto& room = ex.make<Room>(2);
      room.semaphore.try_acquire();
      ex.mortal([&room] { room.act("ak"); });
      ex.thread([&room] {
        room.semaphore.release(1, no_limit);
        if (room.semaphore.try_acquire()) room.semaphore.release(1, no_limit);
      });
    });
    expect_passed(outcome);
  }
}

// One stands in line when the other releases and comes back at once.
Outcome come_back(Kind kind, std::string_view program, int& overtakings, const Options& options) {
  return model::explore(options, [&overtakings, kind, program](Execution& ex) {
    struct State : Room {
      using Room::Room;
      using Waiter = Semaphore::Waiter;
      Weakened<bool> stands{false};
      void arm(Waiter& waiter) {
        semaphore.arm(waiter);
        stands.store(true, release);
      }
      void disarm(Waiter& waiter) { semaphore.disarm(waiter); }
      bool retry(Waiter& waiter) { return semaphore.retry(waiter); }
    };
    Policy::set_now(start);
    auto& s = ex.make<State>(1);
    s.semaphore.try_acquire();
    ex.thread([&s, kind] {
      Waiting<State> waiting(s, kind);
      waiting.wait();  // and keeps the permit
    });
    ex.thread([&s, program, &overtakings] {
      while (!s.stands.load(acquire)) Policy::pause();
      for (const char c : program) {
        if (c == '!') {
          Policy::set_now(Policy::now() + 1ms);
          continue;
        }
        s.semaphore.release(1, no_limit);
        const bool again = s.semaphore.try_acquire();
        if (!again) return;
        require(c == 'r', "after a millisecond nobody overtakes");
        ++overtakings;
      }
      s.semaphore.release(1, no_limit);
    });
  });
}

TEST(SemaphoreInTheModel, LetsARunningOneOvertakeForAMillisecondAndThenHandsOver) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const auto kind : {Kind::thread, Kind::coroutine}) {
      const Options options{
          .memory = memory, .executions = 10'000, .random = 1'000, .steps = 2'000};
      int overtakings = 0;
      expect_passed(come_back(kind, "rr", overtakings, options));
      EXPECT_GT(overtakings, 0);
      overtakings = 0;
      expect_passed(come_back(kind, "!h", overtakings, options));
      EXPECT_EQ(overtakings, 0);
      expect_passed(come_back(kind, "r!h", overtakings, options));
    }
  }
}

TEST(SemaphoreInTheModel, IsSeenToFailWhenAnOrderOfItIsWeakenedOrAWakeIsDropped) {
  const auto fails = [](Fault planted) {
    return visit(1, {"aaa", "ata"}, {.steps = 2'000}, planted).failed;
  };
  EXPECT_TRUE(fails({Op::wake}));
  EXPECT_TRUE(fails({Op::attend}));
  EXPECT_TRUE(fails({Op::change, "try_acquire", acquire, relaxed}));
  EXPECT_TRUE(fails({Op::change, "release", release, relaxed}));
  EXPECT_TRUE(fails({Op::change, "unlock", release, relaxed}));
  EXPECT_TRUE(fails({Op::store, "decide", release, relaxed}));
}

}  // namespace
