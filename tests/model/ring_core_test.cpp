// SPDX-License-Identifier: BSL-1.0

// The bounded ring, in the model checker.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cohort/comm/detail/ring.hpp"  // what is tested
#include "model.hpp"                    // explore, ModelAtomics

namespace {

namespace model = cohort::model;
using cohort::detail::Attempt;
using cohort::detail::BasicRing;
using model::Execution;
using model::Memory;
using model::ModelAtomics;
using model::Options;
using model::Outcome;
using model::require;
using Order = std::memory_order;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto acq_rel = std::memory_order_acq_rel;

// ------------------------------------------------------------------------------- planted faults

// In one function the operations of one kind and order have another order, or do nothing.
enum class Op : std::uint8_t { none, load, store, change };
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

// -------------------------------------------------------------------------------------- the ring

// An item is 100 * its thread + its number with that thread.
struct Line {
  BasicRing<Policy, int> ring;
  std::array<int, 500> popped{};
  std::array<int, 5> pushed{};

  Line(std::size_t capacity, bool single) : ring(capacity, single) {}

  Attempt push(int thread) {
    int item = 100 * thread + pushed[static_cast<std::size_t>(thread)];
    const Attempt attempt = ring.try_push(item);
    if (attempt.done()) ++pushed[static_cast<std::size_t>(thread)];
    return attempt;
  }
  // `last`: what this consumer got of each producer before
  void got(int item, std::array<int, 5>& last) {
    require(++popped[static_cast<std::size_t>(item)] == 1, "an item is popped once");
    auto& before = last[static_cast<std::size_t>(item / 100)];
    require(before < item, "the items of a producer come in order");
    before = item;
  }
  void act(std::string_view program, int thread) {
    std::array<int, 5> last{-1, -1, -1, -1, -1};
    for (const char c : program) {
      if (c == '+') push(thread);
      if (c == 'x') ring.close();
      std::optional<int> item;
      if (c == '-' && ring.try_pop(item).done()) got(*item, last);
    }
  }
  void check() {
    std::array<int, 5> last{-1, -1, -1, -1, -1};
    for (std::optional<int> item; ring.try_pop(item).done(); item.reset()) got(*item, last);
    for (std::size_t thread = 0; thread < pushed.size(); ++thread) {
      for (int i = 0; i < pushed[thread]; ++i) {
        require(popped[100 * thread + static_cast<std::size_t>(i)] == 1, "no item is lost");
      }
    }
    require(ring.size() == 0 && (!ring.closed() || ring.ended()), "nothing is left");
  }
};

Outcome run(std::size_t capacity, bool single, const std::vector<std::string>& programs,
            const Options& options, Fault planted = {}) {
  return explore(planted, options, [&](Execution& ex) {
    auto& line = ex.make<Line>(capacity, single);
    for (std::size_t i = 0; i < programs.size(); ++i) {
      ex.thread([&line, i, program = std::string_view(programs[i])] {
        line.act(program, static_cast<int>(i) + 1);
      });
    }
    ex.finally([&line] { line.check(); });
  });
}

std::vector<std::string> programs_of_three(std::string_view letters) {
  std::vector<std::string> programs;
  for (const char a : letters) {
    for (const char b : letters) {
      for (const char c : letters) programs.push_back({a, b, c});
    }
  }
  return programs;
}

TEST(RingInTheModel, GivesEachItemOnceAndInOrderWhateverTwoThreadsDo) {
  std::size_t executions = 0;
  for (const auto memory : {Memory::tso, Memory::weak}) {
    const auto programs = programs_of_three(memory == Memory::tso ? "+-x" : "+-");
    for (const std::size_t capacity : {1U, 2U}) {
      for (std::size_t a = 0; a < programs.size(); ++a) {
        for (std::size_t b = 0; b <= a; ++b) {
          const auto outcome =
              run(capacity, false, {programs[a], programs[b]}, {.memory = memory, .random = 20});
          expect_passed(outcome, programs[a] + " " + programs[b]);
          EXPECT_TRUE(outcome.exhausted);
          executions += outcome.executions;
        }
      }
    }
  }
  RecordProperty("executions", std::to_string(executions));
}

TEST(RingInTheModel, GivesEachItemOnceAndInOrderAmongFourThreads) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const std::size_t capacity : {1U, 2U, 3U}) {
      const Options options{.memory = memory, .executions = 10'000, .random = 2'000};
      expect_passed(run(capacity, false, {"+++", "++x", "--", "---"}, options));
    }
  }
}

TEST(RingInTheModel, GivesEachItemOnceAndInOrderFromASingleProducerToASingleConsumer) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const std::size_t capacity : {1U, 2U}) {
      const auto outcome = run(capacity, true, {"++++", "----"}, {.memory = memory});
      expect_passed(outcome);
      EXPECT_TRUE(outcome.exhausted);
    }
  }
}

// ------------------------------------------------------------------------------------- sleeping

// As the queue does it: whoever is told by a push or a pop that somebody sleeps rings the others'
// bell; who sleeps has marked the cell that he waits for.
struct Exchange : Line {
  using Line::Line;
  Weakened<std::uint32_t> senders{0U};
  Weakened<std::uint32_t> receivers{0U};

  static void ring_bell(Weakened<std::uint32_t>& bell) {
    bell.fetch_or(1, acq_rel);
    Policy::wake_all(&bell);
  }
  // Tries until it succeeds or `marks` says that it may sleep.
  template <class Try, class Mark>
  static void until(Weakened<std::uint32_t>& bell, Try attempt, Mark mark) {
    for (;;) {
      bell.exchange(0, acq_rel);
      if (attempt()) return;
      while (!mark()) {
        if (attempt()) return;
        Policy::pause();  // the cell is in the hands of somebody
      }
      Policy::wait(bell, 0);
    }
  }
  void send(int thread, int count) {
    for (; count > 0; --count) {
      until(
          senders,
          [&] {
            const Attempt attempt = push(thread);
            if (attempt.wake) ring_bell(receivers);
            return attempt.result != Attempt::Result::blocked;
          },
          [&] { return ring.mark_full(); });
    }
  }
  // One attempt; others may sleep.
  bool receive(std::array<int, 5>& last) {
    std::optional<int> item;
    const Attempt attempt = ring.try_pop(item);
    if (attempt.wake) ring_bell(senders);
    if (attempt.done()) got(*item, last);
    return attempt.done();
  }
  // False: it has ended.
  bool wait_for_one(std::array<int, 5>& last) {
    bool ended = false;
    until(
        receivers,
        [&] {
          if (receive(last)) return true;
          if (!ring.closed()) return false;
          if (receive(last)) return true;
          return ended = ring.ended();
        },
        [&] { return ring.mark_empty(); });
    return !ended;
  }
  void close() {
    ring.close();
    ring_bell(senders);
    ring_bell(receivers);
  }
};

// One who sends, one who receives until the end, both asleep when they can; `others` come and go.
Outcome exchange(std::size_t capacity, bool single, std::string_view others, const Options& options,
                 Fault planted = {}) {
  return explore(planted, options, [=](Execution& ex) {
    auto& e = ex.make<Exchange>(capacity, single);
    ex.thread([&e, others] {
      e.send(1, 2);
      if (others.empty()) e.close();
    });
    ex.thread([&e] {
      std::array<int, 5> last{-1, -1, -1, -1, -1};
      while (e.wait_for_one(last)) {}
    });
    if (!others.empty()) {
      ex.thread([&e, others] {
        std::array<int, 5> last{-1, -1, -1, -1, -1};
        for (const char c : others) {
          if (c == '-') e.receive(last);
          if (c == 'x') e.close();
        }
      });
    }
    ex.finally([&e] { e.check(); });
  });
}

TEST(RingInTheModel, ServesEverySleeperThatHasMarkedItsCell) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const bool single : {false, true}) {
      for (const std::size_t capacity : {1U, 2U}) {
        const auto outcome = exchange(capacity, single, "", {.memory = memory});
        expect_passed(outcome);
        EXPECT_TRUE(outcome.exhausted);
      }
    }
  }
}

TEST(RingInTheModel, ServesEverySleeperAlsoWhenAnotherReceiverIsFasterOrItIsClosed) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const std::size_t capacity : {1U, 2U}) {
      for (const auto* const others : {"-x", "x", "x-", "x--"}) {
        expect_passed(
            exchange(capacity, false, others,
                     {.memory = memory, .executions = 10'000, .random = 1'000, .steps = 2'000}),
            others);
      }
    }
  }
}

// A push that began before the close, a receiver that looks meanwhile, and another who is faster.
TEST(RingInTheModel, TellsASleeperOfTheEndAlsoWhenTheLastItemArrivesAfterTheClose) {
  const Options three{.preemptions = 3, .surprises = 0, .random = 0, .steps = 2'000};
  expect_passed(exchange(1, false, "x-", three));
}

TEST(RingInTheModel, IsSeenToFailWhenAnOrderOfItIsWeakened) {
  const auto fails = [](Fault planted) {
    const Options weak{.memory = Memory::weak};
    return run(1, true, {"++++", "----"}, weak, planted).failed ||
           exchange(1, false, "", weak, planted).failed;
  };
  EXPECT_TRUE(fails({Op::load, "try_push", acquire, relaxed}));
  EXPECT_TRUE(fails({Op::load, "try_pop", acquire, relaxed}));
  EXPECT_TRUE(fails({Op::change, "try_push", acq_rel, acquire}));
  EXPECT_TRUE(fails({Op::change, "try_pop", acq_rel, acquire}));
}

}  // namespace
