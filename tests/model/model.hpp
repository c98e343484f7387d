// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A deterministic model checker for the lock-free cores.
///
///     TEST(Flag, PublishesItsMessage) {
///       const auto outcome = model::explore({}, [](model::Execution& ex) {
///         struct State {
///           ModelAtomics::atomic<bool> ready{false};
///           model::Data<int> message;
///         };
///         auto& s = ex.make<State>();                 // lives as long as the execution
///         ex.thread([&s] {
///           s.message.set(42);
///           s.ready.store(true, std::memory_order_release);
///         });
///         ex.thread([&s] {
///           while (!s.ready.load(std::memory_order_acquire)) ModelAtomics::pause();
///           model::require(s.message.get() == 42, "the message is there");
///         });
///       });
///       EXPECT_FALSE(outcome.failed) << outcome;
///     }
///
/// The scenario is called anew for each execution and must do the same each time: no clock, no
/// random numbers, no order by address, nothing that outlives it. Modelled threads are fibers of
/// one real thread, so there are no thread-locals and no blocking calls in them, and no scheduling
/// point inside a `catch`. A failed or killed thread's stack is abandoned, not unwound.
///
/// The environment overrides options: COHORT_MODEL_PREEMPTIONS, _SURPRISES, _DEATHS, _EXECUTIONS,
/// _RANDOM, _SEED are numbers; COHORT_MODEL_REPLAY runs the one execution that a report names.

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "atomics.hpp"  // ModelAtomics, Data
#include "chooser.hpp"  // Exhaustive, Pct, Replay
#include "memory.hpp"   // Machine

namespace cohort::model {

/// Short names for the tests of cores, which say `using namespace cohort::model`.
inline constexpr auto relaxed = std::memory_order_relaxed;
inline constexpr auto acquire = std::memory_order_acquire;
inline constexpr auto release = std::memory_order_release;
inline constexpr auto acq_rel = std::memory_order_acq_rel;
inline constexpr auto seq_cst = std::memory_order_seq_cst;

struct Options {
  Memory memory = Memory::tso;
  /// False: heavy barriers do nothing, and `store_before_loads` is a seq_cst store.
  bool asymmetric = true;

  /// The exhaustive search tries all executions with at most so many preemptions, so many
  /// surprises (a store kept back in its buffer or an old value read, a spurious failure or wake)
  /// and so many deaths; fewer preemptions first, so the first failure found is a simple one.
  std::size_t preemptions = 2;
  std::size_t surprises = 1;
  std::size_t deaths = 0;
  std::size_t executions = 200'000;  ///< The exhaustive search gives up after so many.

  /// Then random schedules with priorities and depth - 1 changes (PCT).
  std::size_t random = 10'000;
  std::size_t depth = 3;
  std::uint64_t seed = 1;

  std::size_t steps = 20'000;  ///< An execution longer than this is taken for a livelock.
  std::string replay{};        ///< If not empty, only this execution.
};

struct Outcome {
  bool failed = false;
  std::string what;    ///< What failed.
  std::string replay;  ///< The choices that lead there; for Options::replay.
  std::size_t executions = 0;
  bool exhausted = false;  ///< The exhaustive search came to its end.
  std::string trace;       ///< What the threads did in the failed execution.

  friend std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
    if (!outcome.failed) {
      return out << "passed in " << outcome.executions << " executions"
                 << (outcome.exhausted ? "" : " (the search was cut short)");
    }
    return out << outcome.what << "\nfound in execution " << outcome.executions
               << "; to replay: COHORT_MODEL_REPLAY=" << outcome.replay << "\n"
               << outcome.trace;
  }
};

/// Fails the execution if `condition` does not hold. In a thread, the scene, or the final check.
inline void require(bool condition, const char* message) {
  if (condition) return;
  if (Machine* const machine = Machine::active()) machine->fail(message);
  std::abort();
}

/// What a scenario describes itself with. Threads are numbered from 1.
class Execution {
 public:
  explicit Execution(Machine& machine) : machine_(machine) {}

  ThreadId thread(std::function<void()> body) { return machine_.add(std::move(body), false); }

  /// A thread that may be killed at each of its operations, if Options::deaths is not 0. Its
  /// stores still reach memory; nothing else of it happens.
  ThreadId mortal(std::function<void()> body) { return machine_.add(std::move(body), true); }

  /// Runs when all threads have ended, and sees all they did.
  void finally(std::function<void()> check) { machine_.scene().finally(std::move(check)); }

  /// An object that lives as long as the execution.
  template <class T, class... Args>
  T& make(Args&&... args) {
    auto object = std::make_shared<T>(std::forward<Args>(args)...);
    T& reference = *object;
    machine_.scene().keep(std::move(object));
    return reference;
  }

 private:
  Machine& machine_;
};

/// In a thread: waits for another's end or death and learns all it did; true if it was killed.
inline bool await_end(ThreadId thread) {
  return Machine::active()->died(Machine::active()->await(1U << thread));
}
/// The same for the first of several to end; yields which. `threads`: a bit for each.
inline ThreadId await_any_end(std::uint32_t threads) { return Machine::active()->await(threads); }
/// In a thread: whether the other has ended or was killed; if so, learns all it did.
inline bool has_ended(ThreadId thread) { return Machine::active()->has_ended(thread); }
/// In the final check: whether the thread was killed.
inline bool was_killed(ThreadId thread) { return Machine::active()->died(thread); }

namespace detail {

inline void override_from_environment(Options& options) {
  const auto number = [](const char* name, auto& option) {
    if (const char* text = std::getenv(name)) {
      option = static_cast<std::decay_t<decltype(option)>>(std::strtoull(text, nullptr, 10));
    }
  };
  number("COHORT_MODEL_PREEMPTIONS", options.preemptions);
  number("COHORT_MODEL_SURPRISES", options.surprises);
  number("COHORT_MODEL_DEATHS", options.deaths);
  number("COHORT_MODEL_EXECUTIONS", options.executions);
  number("COHORT_MODEL_RANDOM", options.random);
  number("COHORT_MODEL_SEED", options.seed);
  if (const char* text = std::getenv("COHORT_MODEL_REPLAY")) options.replay = text;
}

class Exploration {
 public:
  Exploration(const Options& options, const std::function<void(Execution&)>& scenario)
      : options_(options), machine_(options.memory, options.asymmetric), scenario_(scenario) {}

  Outcome run() {
    if (!options_.replay.empty()) {
      Replay replay(from_text(options_.replay));
      if (!passes(replay)) report();
      return std::move(outcome_);
    }
    if (search() && wander()) return std::move(outcome_);
    report();
    return std::move(outcome_);
  }

 private:
  bool passes(Chooser& chooser) {
    ++outcome_.executions;
    Machine::active() = &machine_;
    Execution face(machine_);
    machine_.execute(chooser, {options_.steps, options_.deaths > 0}, [&] { scenario_(face); });
    Machine::active() = nullptr;
    return !machine_.failed();
  }

  bool search() {
    for (std::size_t bound = 0; bound <= options_.preemptions; ++bound) {
      Exhaustive search(Budgets(bound, options_.surprises, options_.deaths));
      do {
        if (outcome_.executions >= options_.executions) return true;
        if (!passes(search)) return false;
        longest_ = std::max(longest_, machine_.questions_about_threads());
      } while (search.next());
    }
    outcome_.exhausted = true;
    return true;
  }

  bool wander() {
    for (std::size_t i = 0; i < options_.random; ++i) {
      Pct random(options_.seed + i, options_.depth, longest_, options_.deaths);
      if (!passes(random)) return false;
      longest_ = std::max(longest_, random.asked());
    }
    return true;
  }

  // The failed execution again, with a log.
  void report() {
    outcome_.failed = true;
    outcome_.exhausted = false;
    outcome_.what = machine_.what();
    outcome_.replay = to_text(machine_.answers());
    std::vector<std::string> log;
    machine_.log_to(&log);
    Replay replay(machine_.answers());
    const std::size_t executions = outcome_.executions;
    passes(replay);
    outcome_.executions = executions;
    constexpr std::size_t most = 200;
    if (log.size() > most) outcome_.trace = "  ...\n";
    for (std::size_t i = log.size() - std::min(log.size(), most); i < log.size(); ++i) {
      outcome_.trace += "  " + log[i] + "\n";
    }
  }

  Options options_;
  Machine machine_;
  const std::function<void(Execution&)>& scenario_;
  Outcome outcome_;
  std::size_t longest_ = 0;
};

}  // namespace detail

/// Explores the executions of the scenario until one fails or the budgets are used up. Under ASan
/// and TSan, which make it a hundred times slower, it is content with fewer.
inline Outcome explore(Options options, const std::function<void(Execution&)>& scenario) {
  if (Fiber::slow) {
    options.executions /= 10;
    options.random /= 100;
  }
  detail::override_from_environment(options);
  return detail::Exploration(options, scenario).run();
}

}  // namespace cohort::model
