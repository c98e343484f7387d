// SPDX-License-Identifier: BSL-1.0

// The bounded buffers, ring and lane, in the model checker.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cohort/comm/detail/lane.hpp"  // what is tested
#include "cohort/comm/detail/ring.hpp"  // what is tested
#include "faults.hpp"                   // Fault, Policy
#include "model.hpp"                    // explore

namespace {

namespace model = cohort::model;
using namespace cohort::model;
using cohort::detail::Attempt;
using cohort::detail::BatchAttempt;
using Ring = cohort::detail::BasicRing<Policy, int>;
using Lane = cohort::detail::BasicLane<Policy, int>;

template <class Buffer>
constexpr bool batches = std::is_same_v<Buffer, Lane>;

// An item is 100 * its thread + its number with that thread.
template <class Buffer>
struct Line {
  Buffer ring;
  std::array<int, 501> popped{};
  std::array<int, 5> pushed{};

  explicit Line(std::size_t capacity) : ring(capacity) {}

  Attempt push(int thread) {
    int item = 100 * thread + pushed[static_cast<std::size_t>(thread)];
    const Attempt attempt = ring.try_push(item);
    if (attempt.done()) ++pushed[static_cast<std::size_t>(thread)];
    return attempt;
  }
  // `count` of them, with one call; yields how many were accepted
  BatchAttempt push_many(int thread, std::size_t count) {
    auto& number = pushed[static_cast<std::size_t>(thread)];
    std::array<int, 4> items{};
    for (std::size_t i = 0; i < count; ++i) items[i] = 100 * thread + number + static_cast<int>(i);
    const auto batch = ring.try_push_many(items.data(), count);
    number += static_cast<int>(batch.count);
    // What was not accepted is the producer's, as it was.
    for (std::size_t i = batch.count; i < count; ++i) {
      require(items[i] == 100 * thread + number + static_cast<int>(i - batch.count), "is left");
    }
    return batch;
  }
  // At most `most` of them; yields whether a sender waits, or nothing.
  std::optional<bool> pop_many(std::size_t most, std::array<int, 5>& last) {
    const auto count = ring.ready(most);
    if (count == 0) return std::nullopt;
    return ring.pop_ready(count, [&](int* first, std::size_t n) {
      for (; n > 0; --n) got(*first++, last);
    });
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
      if constexpr (batches<Buffer>) {
        if (c == '3') push_many(thread, 3);
        if (c == '2') pop_many(2, last);
        if (c == '9') pop_many(9, last);
      }
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
      const auto refused = 100 * thread + static_cast<std::size_t>(pushed[thread]);
      require(popped[refused] == 0, "what was refused is not received");
    }
    require(ring.size() == 0 && (!ring.closed() || ring.ended()), "nothing is left");
  }
};

template <class Buffer>
Outcome run(std::size_t capacity, const std::vector<std::string>& programs, const Options& options,
            Fault planted = {}) {
  return explore(planted, options, [&](Execution& ex) {
    auto& line = ex.make<Line<Buffer>>(capacity);
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
              run<Ring>(capacity, {programs[a], programs[b]}, {.memory = memory, .random = 20});
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
      expect_passed(run<Ring>(capacity, {"+++", "++x", "--", "---"}, options));
    }
  }
}

TEST(LaneInTheModel, GivesEachItemOnceAndInOrder) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const std::size_t capacity : {1U, 2U}) {
      const auto outcome = run<Lane>(capacity, {"++++", "----"}, {.memory = memory});
      expect_passed(outcome);
      EXPECT_TRUE(outcome.exhausted);
    }
  }
}

// `3` pushes three, `2` and `9` pop at most so many, each with one store.
TEST(LaneInTheModel, GivesBatchesOnceAndInOrder) {
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const std::size_t capacity : {1U, 2U, 3U}) {
      for (const auto* const pushes : {"3+3", "33"}) {
        for (const auto* const pops : {"9-", "-2-", "29"}) {
          const auto outcome = run<Lane>(capacity, {pushes, pops}, {.memory = memory});
          expect_passed(outcome, pops);
          EXPECT_TRUE(outcome.exhausted);
        }
      }
    }
  }
}

// ------------------------------------------------------------------------------------- sleeping

// As the queue does it: whoever is told by a push or a pop that somebody sleeps rings the others'
// bell; who sleeps has announced it.
template <class Buffer>
struct Exchange : Line<Buffer> {
  using Base = Line<Buffer>;
  using Base::Base;
  using Base::got;
  using Base::ring;
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
            const Attempt attempt = this->push(thread);
            if (attempt.wake) ring_bell(receivers);
            return attempt.result != Attempt::Result::blocked;
          },
          [&] { return ring.mark_full(); });
    }
  }
  // The same with batches of two.
  void send_many(int thread, std::size_t count) {
    bool refused = false;
    const auto push = [&] {
      const BatchAttempt batch = this->push_many(thread, count < 2 ? count : 2);
      count -= batch.count;
      if (batch.attempt.wake) ring_bell(receivers);
      refused = batch.attempt.result == Attempt::Result::closed;
      return refused || batch.count != 0;
    };
    while (count != 0 && !refused) until(senders, push, [&] { return ring.mark_full(); });
  }
  bool receive_many(std::size_t most, std::array<int, 5>& last) {
    const std::optional<bool> wake = this->pop_many(most, last);
    if (wake && *wake) ring_bell(senders);
    return wake.has_value();
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
    return wait_for([&] { return receive(last); });
  }
  bool wait_for_many(std::size_t most, std::array<int, 5>& last) {
    return wait_for([&] { return receive_many(most, last); });
  }
  template <class Receive>
  bool wait_for(Receive receive_now) {
    bool ended = false;
    until(
        receivers,
        [&] {
          if (receive_now()) return true;
          if (!ring.closed()) return false;
          if (receive_now()) return true;
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
template <class Buffer>
Outcome exchange(std::size_t capacity, std::string_view others, const Options& options,
                 Fault planted = {}) {
  return explore(planted, options, [=](Execution& ex) {
    auto& e = ex.make<Exchange<Buffer>>(capacity);
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

// One sends three items, one receives them, and nobody closes: a wake that is lost is a deadlock.
template <class Buffer>
Outcome deliver(std::size_t capacity, const Options& options, Fault planted = {}) {
  return explore(planted, options, [=](Execution& ex) {
    auto& e = ex.make<Exchange<Buffer>>(capacity);
    ex.thread([&e] { e.send(1, 3); });
    ex.thread([&e] {
      std::array<int, 5> last{-1, -1, -1, -1, -1};
      for (int i = 0; i < 3; ++i) require(e.wait_for_one(last), "it has not ended");
    });
    ex.finally([&e] { e.check(); });
  });
}

// One sends batches of two, one receives batches until the end, which is the sender's or comes from
// a third party.
Outcome exchange_batches(std::size_t capacity, bool by_another, const Options& options,
                         Fault planted = {}) {
  return explore(planted, options, [=](Execution& ex) {
    auto& e = ex.make<Exchange<Lane>>(capacity);
    ex.thread([&e, by_another] {
      e.send_many(1, 3);
      if (!by_another) e.close();
    });
    ex.thread([&e] {
      std::array<int, 5> last{-1, -1, -1, -1, -1};
      while (e.wait_for_many(2, last)) {}
    });
    if (by_another) ex.thread([&e] { e.close(); });
    ex.finally([&e] { e.check(); });
  });
}

// Both memories, with and without the system's barrier.
std::vector<Options> machines() {
  std::vector<Options> all;
  for (const auto memory : {Memory::tso, Memory::weak}) {
    for (const bool asymmetric : {true, false}) {
      all.push_back({.memory = memory, .asymmetric = asymmetric});
    }
  }
  return all;
}

template <class Buffer>
void expect_every_sleeper_served() {
  for (const auto& machine : machines()) {
    for (const std::size_t capacity : {1U, 2U}) {
      const auto outcome = exchange<Buffer>(capacity, "", machine);
      expect_passed(outcome);
      EXPECT_TRUE(outcome.exhausted);
      auto some = machine;
      some.executions = 5'000;
      some.random = 1'000;
      expect_passed(deliver<Buffer>(capacity, some));
    }
  }
}

TEST(RingInTheModel, ServesEverySleeper) { expect_every_sleeper_served<Ring>(); }

TEST(LaneInTheModel, ServesEverySleeper) { expect_every_sleeper_served<Lane>(); }

TEST(RingInTheModel, ServesEverySleeperAlsoWhenAnotherReceiverIsFasterOrItIsClosed) {
  for (auto machine : machines()) {
    machine.executions = 10'000;
    machine.random = 1'000;
    machine.steps = 2'000;
    for (const std::size_t capacity : {1U, 2U}) {
      for (const auto* const others : {"-x", "x", "x-", "x--"}) {
        expect_passed(exchange<Ring>(capacity, others, machine), others);
      }
    }
  }
}

// Of two who push, one may take the flag that the other should see.
TEST(RingInTheModel, ServesASleeperWhateverTwoWhoPushDo) {
  for (auto machine : machines()) {
    machine.executions = 30'000;
    machine.random = 1'000;
    expect_passed(explore({}, machine, [](Execution& ex) {
      auto& e = ex.make<Exchange<Ring>>(4);
      ex.thread([&e] { e.send(1, 2); });
      ex.thread([&e] { e.send(2, 1); });
      ex.thread([&e] {
        std::array<int, 5> last{-1, -1, -1, -1, -1};
        for (int i = 0; i < 3; ++i) require(e.wait_for_one(last), "it has not ended");
      });
      ex.finally([&e] { e.check(); });
    }));
  }
}

// Somebody else closes it while an item is on its way: what was accepted is received, what was not
// is still the producer's.
TEST(LaneInTheModel, LosesNothingWhenAThirdPartyClosesIt) {
  for (auto machine : machines()) {
    machine.preemptions = 3;
    machine.executions = 40'000;
    machine.random = 2'000;
    for (const std::size_t capacity : {1U, 2U}) {
      expect_passed(exchange<Lane>(capacity, "x", machine));
    }
  }
}

TEST(LaneInTheModel, ServesEverySleeperWithBatches) {
  for (auto machine : machines()) {
    machine.executions = 10'000;
    machine.random = 1'000;
    for (const std::size_t capacity : {1U, 2U, 3U}) {
      expect_passed(exchange_batches(capacity, false, machine));
    }
  }
}

// A batch counts as a whole, or what of it was not received is still the producer's.
TEST(LaneInTheModel, LosesNothingOfABatchWhenAThirdPartyClosesIt) {
  for (auto machine : machines()) {
    machine.preemptions = 3;
    machine.executions = 20'000;
    machine.random = 1'000;
    for (const std::size_t capacity : {1U, 2U, 3U}) {
      expect_passed(exchange_batches(capacity, true, machine));
    }
  }
}

// A push that began before the close, a receiver that looks meanwhile, and another who is faster.
TEST(RingInTheModel, TellsASleeperOfTheEndAlsoWhenTheLastItemArrivesAfterTheClose) {
  const Options three{.preemptions = 3, .surprises = 0, .random = 0, .steps = 2'000};
  expect_passed(exchange<Ring>(1, "x-", three));
}

template <class Buffer>
bool fails(Fault planted) {
  for (const bool asymmetric : {true, false}) {
    const Options weak{.memory = Memory::weak, .asymmetric = asymmetric};
    if (run<Buffer>(1, {"++++", "----"}, weak, planted).failed ||
        exchange<Buffer>(1, "", weak, planted).failed || deliver<Buffer>(1, weak, planted).failed ||
        exchange<Buffer>(1, "x", {.memory = Memory::weak, .executions = 20'000}, planted).failed) {
      return true;
    }
  }
  return false;
}

template <class Buffer>
void expect_faults_found() {
  EXPECT_TRUE(fails<Buffer>({Op::load, "try_push", acquire, relaxed}));
  EXPECT_TRUE(fails<Buffer>({Op::load, "try_pop", acquire, relaxed}));
  EXPECT_TRUE(fails<Buffer>({Op::fence_of_store}));
  EXPECT_TRUE(fails<Buffer>({Op::heavy_barrier}));
}

TEST(RingInTheModel, IsSeenToFailWhenAnOrderOfItIsWeakened) { expect_faults_found<Ring>(); }

TEST(LaneInTheModel, IsSeenToFailWhenAnOrderOfItIsWeakened) { expect_faults_found<Lane>(); }

TEST(LaneInTheModel, IsSeenToFailWhenAnOrderOfItsBatchesIsWeakened) {
  const Options weak{.memory = Memory::weak};
  EXPECT_TRUE(
      run<Lane>(1, {"3+3", "9-"}, weak, {Op::load, "try_push_many", acquire, relaxed}).failed);
  EXPECT_TRUE(run<Lane>(2, {"33", "9"}, weak, {Op::load, "ready", acquire, relaxed}).failed);
  bool fails = false;
  for (const bool asymmetric : {true, false}) {
    const Options some{.memory = Memory::weak, .asymmetric = asymmetric, .executions = 20'000};
    fails |= exchange_batches(1, true, some, {Op::load, "try_push_many", seq_cst, relaxed}).failed;
  }
  EXPECT_TRUE(fails) << "the look at the state after the items are published";
}

}  // namespace
