// SPDX-License-Identifier: BSL-1.0

// The explorer against the textbook: it sees every interleaving, exactly the results that a plain
// simulation of store buffers yields, and in weak memory what the classical litmus tests allow.

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "model.hpp"  // what is tested

namespace {

namespace model = cohort::model;
using model::Execution;
using model::Memory;
using model::ModelAtomics;
using model::Options;
using Order = std::memory_order;

// ---------------------------------------------------------------------- small programs, as values

enum class Kind : std::uint8_t { load, store, strong_store, add };
struct Op {
  Kind kind;
  std::size_t variable;
  int value = 0;  // what is stored or added
};
using Program = std::vector<std::vector<Op>>;
using Results = std::set<std::string>;  // what each load and addition saw, then the memory

constexpr std::size_t variables = 2;
constexpr Order relaxed = Order::relaxed;

std::string shown(const std::vector<std::vector<int>>& seen,
                  const std::array<int, variables>& memory) {
  std::string text;
  for (const auto& thread : seen) {
    for (const int value : thread) text += std::to_string(value) + " ";
    text += "/ ";
  }
  for (const int value : memory) text += std::to_string(value) + " ";
  return text;
}

Results explored(const Program& program, Memory memory) {
  Results results;
  // Budgets that no program here uses up.
  const Options options{
      .memory = memory, .preemptions = 8, .surprises = 8, .executions = 5'000'000, .random = 0};
  const auto outcome = model::explore(options, [&](Execution& ex) {
    struct State {
      std::array<ModelAtomics::atomic<int>, variables> memory{0, 0};
      std::vector<std::vector<int>> seen;
    };
    auto& s = ex.make<State>();
    s.seen.resize(program.size());
    for (std::size_t i = 0; i < program.size(); ++i) {
      ex.thread([&s, &program, i] {
        for (const Op& op : program[i]) {
          auto& word = s.memory[op.variable];
          switch (op.kind) {
            case Kind::load: s.seen[i].push_back(word.load(relaxed)); break;
            case Kind::store: word.store(op.value, relaxed); break;
            case Kind::strong_store: word.store(op.value, Order::seq_cst); break;
            case Kind::add: s.seen[i].push_back(word.fetch_add(op.value, relaxed)); break;
          }
        }
      });
    }
    ex.finally([&s, &results] {
      results.insert(shown(s.seen, {s.memory[0].load(relaxed), s.memory[1].load(relaxed)}));
    });
  });
  EXPECT_FALSE(outcome.failed) << outcome;
  EXPECT_TRUE(outcome.exhausted) << outcome;
  return results;
}

// The reference: at each moment any thread takes a step or any buffer gives up its oldest store.
class Simulation {
 public:
  Simulation(const Program& program, bool buffers) : program_(program), buffers_(buffers) {}

  Results results() {
    State start;
    start.at.resize(program_.size());
    start.seen.resize(program_.size());
    start.buffer.resize(program_.size());
    visit(start);
    return results_;
  }

 private:
  struct State {
    std::vector<std::size_t> at;
    std::vector<std::vector<int>> seen;
    std::vector<std::deque<Op>> buffer;
    std::array<int, variables> memory{};
  };

  void visit(const State& state) {
    std::string key = shown(state.seen, state.memory);
    for (std::size_t i = 0; i < program_.size(); ++i) {
      key += std::to_string(state.at[i]) + ":" + std::to_string(state.buffer[i].size()) + " ";
    }
    if (!visited_.insert(key).second) return;
    bool ended = true;
    for (std::size_t i = 0; i < program_.size(); ++i) {
      if (!state.buffer[i].empty()) {
        State next = state;
        arrive(next, i);
        visit(next);
        ended = false;
      }
      if (state.at[i] < program_[i].size()) {
        State next = state;
        step(next, i);
        visit(next);
        ended = false;
      }
    }
    if (ended) results_.insert(shown(state.seen, state.memory));
  }

  static void arrive(State& state, std::size_t thread) {
    const Op op = state.buffer[thread].front();
    state.buffer[thread].pop_front();
    state.memory[op.variable] = op.value;
  }

  void step(State& state, std::size_t thread) const {
    const Op& op = program_[thread][state.at[thread]++];
    auto& buffer = state.buffer[thread];
    if (op.kind == Kind::store && buffers_) {
      buffer.push_back(op);
      return;
    }
    int value = state.memory[op.variable];
    if (op.kind == Kind::load) {
      for (const Op& pending : buffer) {
        if (pending.variable == op.variable) value = pending.value;
      }
      state.seen[thread].push_back(value);
      return;
    }
    while (!buffer.empty()) arrive(state, thread);
    if (op.kind == Kind::add) {
      value = state.memory[op.variable];
      state.seen[thread].push_back(value);
      state.memory[op.variable] = value + op.value;
    } else {
      state.memory[op.variable] = op.value;
    }
  }

  const Program& program_;
  const bool buffers_;
  std::set<std::string> visited_;
  Results results_;
};

Program random_program(model::Random& random, std::size_t threads, std::size_t length) {
  Program program(threads);
  int fresh = 1;
  for (auto& thread : program) {
    for (std::size_t i = 0; i < length; ++i) {
      constexpr std::array<Kind, 8> kinds{Kind::load,  Kind::load,  Kind::load,         Kind::store,
                                          Kind::store, Kind::store, Kind::strong_store, Kind::add};
      thread.push_back({kinds[random.below(kinds.size())], random.below(variables), fresh});
      fresh *= 3;
    }
  }
  return program;
}

bool includes(const Results& larger, const Results& smaller) {
  for (const auto& result : smaller) {
    if (!larger.contains(result)) return false;
  }
  return true;
}

std::string text(const Program& program) {
  std::string out;
  for (const auto& thread : program) {
    for (const Op& op : thread) {
      const std::string variable(1, op.variable == 0 ? 'x' : 'y');
      switch (op.kind) {
        case Kind::load: out += "read " + variable; break;
        case Kind::store: out += variable + "=" + std::to_string(op.value); break;
        case Kind::strong_store:
          out += variable + "=" + std::to_string(op.value) + " seq_cst";
          break;
        case Kind::add: out += variable + "+=" + std::to_string(op.value); break;
      }
      out += "; ";
    }
    out += "|| ";
  }
  return out;
}

TEST(ModelExplorer, SeesEveryInterleaving) {
  // 90 = 6! / (2! 2! 2!)
  std::set<std::string> orders;
  const auto outcome = model::explore({.preemptions = 6, .random = 0}, [&](Execution& ex) {
    struct State {
      ModelAtomics::atomic<int> turn{0};
      std::string order;
    };
    auto& s = ex.make<State>();
    for (const char name : {'a', 'b', 'c'}) {
      ex.thread([&s, name] {
        for (int i = 0; i < 2; ++i) {
          s.turn.fetch_add(1);
          s.order += name;
        }
      });
    }
    ex.finally([&] { orders.insert(s.order); });
  });
  EXPECT_FALSE(outcome.failed) << outcome;
  EXPECT_EQ(orders.size(), 90U);
}

TEST(ModelExplorer, SeesWithFewPreemptionsOnlyWhatTheyAllow) {
  std::set<std::string> orders;
  model::explore({.preemptions = 1, .random = 0}, [&](Execution& ex) {
    struct State {
      ModelAtomics::atomic<int> turn{0};
      std::string order;
    };
    auto& s = ex.make<State>();
    for (const char name : {'a', 'b'}) {
      ex.thread([&s, name] {
        for (int i = 0; i < 3; ++i) {
          s.turn.fetch_add(1);
          s.order += name;
        }
      });
    }
    ex.finally([&] { orders.insert(s.order); });
  });
  const std::set<std::string> expected{"aaabbb", "bbbaaa", "abbbaa", "aabbba", "baaabb", "bbaaab"};
  EXPECT_EQ(orders, expected);
}

TEST(ModelExplorer, AgreesWithAPlainSimulationOfStoreBuffers) {
  model::Random random(7);
  for (int i = 0; i < (model::Fiber::slow ? 3 : 40); ++i) {
    const Program program =
        i % 3 == 0 ? random_program(random, 3, 2) : random_program(random, 2, 4);
    const Results plain = explored(program, Memory::sequential);
    const Results buffered = explored(program, Memory::tso);
    EXPECT_EQ(plain, Simulation(program, false).results()) << text(program);
    EXPECT_EQ(buffered, Simulation(program, true).results()) << text(program);
    EXPECT_TRUE(includes(buffered, plain)) << text(program);
  }
}

TEST(ModelExplorer, ShowsInWeakMemoryAllThatStoreBuffersShow) {
  model::Random random(8);
  for (int i = 0; i < (model::Fiber::slow ? 3 : 60); ++i) {
    const Program program = random_program(random, 2, 3);
    EXPECT_TRUE(includes(explored(program, Memory::weak), explored(program, Memory::tso)))
        << text(program);
  }
}

// ------------------------------------------------------------------------- classical litmus tests

// Whether independent readers may disagree on the order of independent writes.
bool readers_disagree(Order store, Order load) {
  bool seen = false;
  model::explore({.memory = Memory::weak, .preemptions = 3, .surprises = 2, .random = 0},
                 [&](Execution& ex) {
                   struct State {
                     ModelAtomics::atomic<int> x{0};
                     ModelAtomics::atomic<int> y{0};
                     std::array<int, 4> got{};
                   };
                   auto& s = ex.make<State>();
                   ex.thread([&s, store] { s.x.store(1, store); });
                   ex.thread([&s, store] { s.y.store(1, store); });
                   ex.thread([&s, load] {
                     s.got[0] = s.x.load(load);
                     s.got[1] = s.y.load(load);
                   });
                   ex.thread([&s, load] {
                     s.got[2] = s.y.load(load);
                     s.got[3] = s.x.load(load);
                   });
                   ex.finally([&] { seen = seen || s.got == std::array<int, 4>{1, 0, 1, 0}; });
                 });
  return seen;
}

TEST(ModelExplorer, LetsReadersDisagreeUnlessAllIsSequentiallyConsistent) {
  EXPECT_TRUE(readers_disagree(Order::release, Order::acquire));
  EXPECT_FALSE(readers_disagree(Order::seq_cst, Order::seq_cst));
}

// Whether what is passed on from thread to thread may be missed by the last.
bool causality_fails(Order store, Order load) {
  bool seen = false;
  model::explore({.memory = Memory::weak, .surprises = 2, .random = 0}, [&](Execution& ex) {
    struct State {
      ModelAtomics::atomic<int> x{0};
      ModelAtomics::atomic<int> y{0};
      bool missed = false;
    };
    auto& s = ex.make<State>();
    ex.thread([&s] { s.x.store(1, relaxed); });
    ex.thread([&s, store] {
      if (s.x.load(relaxed) == 1) s.y.store(1, store);
    });
    ex.thread([&s, load] {
      if (s.y.load(load) == 1) s.missed = s.x.load(relaxed) == 0;
    });
    ex.finally([&] { seen = seen || s.missed; });
  });
  return seen;
}

TEST(ModelExplorer, KeepsCausalityThroughReleaseAndAcquire) {
  EXPECT_FALSE(causality_fails(Order::release, Order::acquire));
  EXPECT_TRUE(causality_fails(Order::release, Order::relaxed));
  EXPECT_TRUE(causality_fails(Order::relaxed, Order::acquire));
}

}  // namespace
