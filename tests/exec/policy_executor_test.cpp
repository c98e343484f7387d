// SPDX-License-Identifier: BSL-1.0

// PolicyExecutor: what runs when. On a loop with simulated time, in which the jobs say how long they
// take; and on threads.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::Cancelled;
using cohort::Event;
using cohort::EventLoop;
using cohort::Fcfs;
using cohort::Future;
using cohort::LoopTime;
using cohort::MultilevelFeedback;
using cohort::PolicyExecutor;
using cohort::Priority;
using cohort::RoundRobin;
using cohort::run;
using cohort::ShortestJobFirst;
using cohort::Task;
using cohort::ThreadPool;
using cohort::UsageError;
using cohort::With;

static_assert(!std::is_copy_constructible_v<PolicyExecutor<Fcfs>>);
static_assert(
    std::is_same_v<decltype(PolicyExecutor{2, RoundRobin{1ms}}), PolicyExecutor<RoundRobin>>);
static_assert(std::is_same_v<decltype(PolicyExecutor{Priority{}, 2}), PolicyExecutor<Priority>>);

/// Jobs of ten-millisecond steps on a loop with simulated time; says whose steps followed each
/// other.
template <class Policy>
class Machine {
 public:
  explicit Machine(Policy policy = {}) : executor{loop, std::move(policy)} {}

  void step(char name) {
    log += name;
    loop.advance(10ms);
  }
  /// So many steps; after each it offers its turn.
  static Task<> work(Machine* machine, char name, int steps) {
    for (int i = 0; i < steps; ++i) {
      machine->step(name);
      co_await cohort::yield_now();
    }
  }
  void add(char name, int steps, With with = {}) {
    futures.push_back(executor.submit(with, work, this, name, steps));
  }
  template <class Fn>
  void add(Fn fn, With with = {}) {
    futures.push_back(executor.submit(with, fn, this));
  }
  std::string run() {
    for (auto& future : futures) future.block();
    return log;
  }

  EventLoop loop{LoopTime::simulated};
  PolicyExecutor<Policy> executor;
  std::string log;
  std::vector<Future<void>> futures;
};

template <class Policy>
std::string three_jobs(Policy policy) {
  Machine machine(std::move(policy));
  machine.add('a', 4, {.priority = 1, .estimate = 40ms});
  machine.add('b', 2, {.priority = 2, .estimate = 20ms});
  machine.add('c', 3, {.priority = 0, .estimate = 30ms});
  return machine.run();
}

TEST(PolicyExecutor, RunsTheSameJobsInThePolicysOrder) {  // Rows 4 5 6 9 11
  EXPECT_EQ(three_jobs(Fcfs{}), "aaaabbccc");
  EXPECT_EQ(three_jobs(ShortestJobFirst{}), "bbcccaaaa");
  EXPECT_EQ(three_jobs(Priority{}), "bbaaaaccc");
  EXPECT_EQ(three_jobs(RoundRobin{10ms}), "abcabcaca");
  EXPECT_EQ(three_jobs(RoundRobin{20ms}), "aabbccaac");
  EXPECT_EQ(three_jobs(RoundRobin{40ms}), three_jobs(Fcfs{}));
  EXPECT_EQ(three_jobs(MultilevelFeedback{3, 10ms}), "abcaabcca");
  EXPECT_EQ(three_jobs(cohort::MultiQueueRoundRobin{10ms}), "abcabcaca");
}

TEST(PolicyExecutor, LooksAtTheQuantumOnlyWhereAJobOffersTo) {  // Row 6
  const auto greedy = [](Machine<RoundRobin>* m) -> Task<> {
    for (int i = 0; i < 3; ++i) m->step('g');
    co_await cohort::yield_now();
    m->step('g');
  };
  Machine machine(RoundRobin{10ms});
  machine.add(greedy);
  machine.add('b', 2);
  EXPECT_EQ(machine.run(), "gggbgb");
}

TEST(PolicyExecutor, TakesTheTurnAwayAtACheckpointAndAtAnAwait) {
  const auto step = [](Machine<RoundRobin>* m, char name) -> Task<> {
    m->step(name);
    co_return;
  };
  const auto awaits = [&step](Machine<RoundRobin>* m) -> Task<> {
    for (int i = 0; i < 3; ++i) co_await step(m, 'a');
  };
  const auto checks = [](Machine<RoundRobin>* m) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      m->step('c');
      co_await cohort::checkpoint();
    }
  };
  Machine machine(RoundRobin{10ms});
  machine.add(awaits);
  machine.add(checks);
  EXPECT_EQ(machine.run(), "acacac");
  Machine patient(RoundRobin{20ms});
  patient.add(awaits);
  patient.add(checks);
  EXPECT_EQ(patient.run(), "aaccac");
}

TEST(PolicyExecutor, APlainFunctionKeepsItsTurn) {  // Row 4
  const auto plain = [](Machine<RoundRobin>* m) {
    m->step('p');
    m->step('p');
  };
  Machine machine(RoundRobin{10ms});
  machine.add('a', 2);
  machine.add(plain);
  EXPECT_EQ(machine.run(), "appa");
}

TEST(PolicyExecutor, AJobThatWaitedEntersAtTheTail) {  // Row 7
  const auto waits = [](Machine<RoundRobin>* m) -> Task<> {
    m->step('w');
    co_await cohort::sleep_for(15ms);
    m->step('w');
    m->step('w');
  };
  Machine machine(RoundRobin{20ms});
  machine.add(waits);
  machine.add('a', 4);
  machine.add('b', 3);
  EXPECT_EQ(machine.run(), "waabbwwaab");
}

// A timer fires although the only thread is busy: it is looked at where a job offers its turn.
TEST(PolicyExecutor, AnArrivalInAHigherQueuePreemptsAndTheOtherGoesToTheTailOfItsOwn) {  // Row 11
  const auto wakes = [](Machine<MultilevelFeedback>* m) -> Task<> {
    co_await cohort::sleep_for(45ms);
    m->step('w');
  };
  Machine machine(MultilevelFeedback{3, 10ms});
  machine.add(wakes);
  machine.add('a', 9);
  machine.add('b', 5);
  // a and b one step each in queue 1, then two each in queue 2. w wakes in the middle of b's, which
  // goes to the tail of queue 2 and has two steps again.
  EXPECT_EQ(machine.run(), "abaabwbbaaaabaa");
}

TEST(PolicyExecutor, AMoreUrgentJobPreemptsAtTheNextOffer) {
  const auto urgent = [](Machine<Priority>* m) -> Task<> {
    m->step('U');
    co_return;
  };
  const auto starts_another = [&urgent](Machine<Priority>* m) -> Task<> {
    m->step('a');
    m->add(urgent, {.priority = 9});
    m->step('a');
    co_await cohort::yield_now();
    m->step('a');
  };
  Machine machine(Priority{});
  machine.futures.reserve(9);
  machine.add(starts_another, {.priority = 1});
  machine.add('b', 2, {.priority = 1});
  EXPECT_EQ(machine.run(), "aaUabb");
}

TEST(PolicyExecutor, AJobIsAllThatItAwaits) {
  const auto leg = [](Machine<Fcfs>* m, char name) -> Task<> {
    m->step(name);
    co_await cohort::yield_now();
    m->step(name);
  };
  const auto forks = [&leg](Machine<Fcfs>* m) -> Task<> {
    co_await cohort::when_all(leg(m, 'x'), leg(m, 'y'));
    const auto body = [&](cohort::TaskGroup& group) -> Task<> {
      group.spawn(leg, m, 'z');
      co_return;
    };
    co_await cohort::task_group(body);
  };
  Machine machine(Fcfs{});
  machine.add(forks);
  machine.add('b', 2);
  EXPECT_EQ(machine.run(), "xxyyzzbb");
}

TEST(PolicyExecutor, ServesGuestsThatHaveNoRecord) {
  Machine machine(MultilevelFeedback{2, 10ms});
  ThreadPool pool{1};
  const auto hop = [](Machine<MultilevelFeedback>* m) -> Task<> {
    co_await m->executor.schedule();
    m->step('g');
    co_await cohort::yield_now();
    co_await cohort::sleep_for(1ms);
    m->step('g');
  };
  cohort::Strand strand{machine.executor};
  machine.futures.push_back(machine.loop.submit(hop, &machine));
  machine.futures.push_back(strand.submit(hop, &machine));
  machine.add('a', 3);
  const std::string log = machine.run();
  EXPECT_EQ(std::count(log.begin(), log.end(), 'g'), 4) << log;
  EXPECT_EQ(std::count(log.begin(), log.end(), 'a'), 3) << log;
}

TEST(PolicyExecutor, MayBeOutlivedByItsTasksOnAnotherScheduler) {
  EventLoop loop;
  Event go;
  Future<int> future;
  {
    PolicyExecutor<RoundRobin> executor{loop};
    const auto wait = [](Event& e) -> Task<int> {
      co_await e.wait();
      co_return 5;
    };
    future = executor.submit(wait, std::ref(go));
    loop.run_ready();
  }
  go.set();
  EXPECT_EQ(future.block(), 5);
}

TEST(PolicyExecutor, RefusesFewerThanOneThreadAndMovesNoRealTime) {
  EventLoop loop;
  EXPECT_THROW(PolicyExecutor<Fcfs>{0}, std::invalid_argument);
  EXPECT_THROW(PolicyExecutor<Fcfs>{-1L}, std::invalid_argument);
  EXPECT_THROW((PolicyExecutor<Fcfs>{loop, Fcfs{}, 0}), std::invalid_argument);
  EXPECT_GT(PolicyExecutor<Fcfs>{}.concurrency(), 0U);
  EXPECT_EQ((PolicyExecutor<Fcfs>{loop, Fcfs{}, 3}.concurrency()), 3U);
  EXPECT_THROW(loop.advance(1ms), UsageError);
}

TEST(PolicyExecutor, SaysThatItWasShutDown) {
  PolicyExecutor<Fcfs> executor{1};
  executor.shutdown().block();
  try {
    static_cast<void>(executor.submit([] {}));
    FAIL();
  } catch (const cohort::ShutDown& error) {
    EXPECT_NE(std::string(error.what()).find("PolicyExecutor"), std::string::npos);
  }
}

/// Latest first: a policy of somebody's own.
class Stack {
 public:
  void push(cohort::Job& job, cohort::Arrival) { jobs_.push_back(&job); }
  cohort::Job* pop() {
    if (jobs_.empty()) return nullptr;
    cohort::Job* const job = jobs_.back();
    jobs_.pop_back();
    return job;
  }
  void remove(cohort::Job& job) { std::erase(jobs_, &job); }

 private:
  std::vector<cohort::Job*> jobs_;
};

TEST(PolicyExecutor, TakesAPolicyOfOnesOwn) { EXPECT_EQ(three_jobs(Stack{}), "cccbbaaaa"); }

// ------------------------------------------------------------------------------------ on threads

/// Keeps the only worker busy, without blocking, until it is opened.
class BusyWorker {
 public:
  template <class Executor>
  explicit BusyWorker(Executor& executor)
      : future_(executor.submit([this] {
          begun_ = true;
          while (!open_) std::this_thread::yield();
        })) {
    EXPECT_TRUE(cohort::test::eventually([this] { return begun_.load(); }));
  }
  BusyWorker(const BusyWorker&) = delete;
  BusyWorker& operator=(const BusyWorker&) = delete;
  ~BusyWorker() { open(); }
  void open() {
    open_ = true;
    future_.block();
  }

 private:
  std::atomic<bool> begun_{false};
  std::atomic<bool> open_{false};
  Future<void> future_;
};

TEST(PolicyExecutorOnThreads, OneThreadRunsWhatIsReadyInThePolicysOrder) {
  PolicyExecutor<ShortestJobFirst> executor{1};
  std::string log;
  std::vector<Future<void>> futures;
  {
    BusyWorker busy(executor);
    for (const int estimate : {30, 10, 40, 20, 10}) {
      const auto note = [&log, estimate] { log += std::to_string(estimate) + " "; };
      futures.push_back(
          executor.submit(With{.estimate = std::chrono::milliseconds(estimate)}, note));
    }
    futures.push_back(executor.submit([&log] { log += "last"; }));
  }
  for (const auto& future : futures) future.block();
  EXPECT_EQ(log, "10 10 20 30 40 last");
}

TEST(PolicyExecutorOnThreads, SeveralRunAtTheSameTime) {  // Row 12
  PolicyExecutor<MultilevelFeedback> executor{4};
  std::atomic<int> inside{0};
  const auto meet = [&] {
    ++inside;
    EXPECT_TRUE(cohort::test::eventually([&] { return inside == 4; }));
  };
  std::vector<Future<void>> futures;
  for (int i = 0; i < 4; ++i) futures.push_back(executor.submit(meet));
  for (const auto& future : futures) future.block();
}

TEST(PolicyExecutorOnThreads, TheLegsOfOneJobRunAtTheSameTime) {
  PolicyExecutor<RoundRobin> executor{2};
  std::atomic<int> inside{0};
  const auto meet = [&]() -> Task<> {
    ++inside;
    EXPECT_TRUE(cohort::test::eventually([&] { return inside == 2; }));
    co_return;
  };
  const auto both = [&]() -> Task<> { co_await cohort::when_all(meet(), meet()); };
  run(executor, both());
}

TEST(PolicyExecutorOnThreads, AQuantumOfRealTimeEnds) {  // Row 6
  PolicyExecutor executor{1, RoundRobin{2ms}};
  std::atomic<bool> done{false};
  const auto spin = [](const std::atomic<bool>* flag) -> Task<> {
    while (!*flag) co_await cohort::yield_now();
  };
  const auto set = [](std::atomic<bool>* flag) -> Task<> {
    *flag = true;
    co_return;
  };
  const auto spinner = executor.submit(spin, &done);
  const auto setter = executor.submit(set, &done);
  EXPECT_TRUE(spinner.within(1min).block());
  setter.block();
}

TEST(PolicyExecutorOnThreads, ATimerPreemptsTheOnlyBusyThread) {
  PolicyExecutor<Priority> executor{1};
  bool spins = false;
  bool woken = false;
  const auto sleeper = [&]() -> Task<> {
    for (bool seen = false; !seen;) {
      seen = spins;
      co_await cohort::sleep_for(100us);  // of real time: what is tested
    }
    woken = true;
  };
  const auto spin = [&]() -> Task<> {
    spins = true;
    while (!woken) co_await cohort::checkpoint();
  };
  const auto first = executor.submit(With{.priority = 1}, sleeper);
  const auto second = executor.submit(spin);
  EXPECT_TRUE(second.within(1min).block());
  first.block();
}

TEST(PolicyExecutorOnThreads, ManyTasksFromManyThreadsAreAllRun) {
  const auto check = [](auto& executor) {
    std::atomic<int> sum{0};
    const auto work = [](std::atomic<int>* n, int i) -> Task<> {
      for (int k = 0; k < 3; ++k) {
        co_await cohort::yield_now();
        if (i % 16 == k) co_await cohort::sleep_for(10us);  // timers fire among it all
        ++*n;
      }
    };
    std::vector<std::thread> threads;
    std::vector<std::vector<Future<void>>> futures(3);
    for (auto& mine : futures) {
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          mine.push_back(executor.submit(With{.priority = i % 5}, work, &sum, i));
        }
      });
    }
    for (auto& thread : threads) thread.join();
    for (const auto& mine : futures) {
      for (const auto& future : mine) future.block();
    }
    EXPECT_EQ(sum, 3 * 3 * 500);
  };
  PolicyExecutor<Fcfs> fcfs{2};
  check(fcfs);
  PolicyExecutor round_robin{3, RoundRobin{50us}};
  check(round_robin);
  PolicyExecutor feedback{4, MultilevelFeedback{4, 20us}};
  check(feedback);
  PolicyExecutor<Priority> priority{2};
  check(priority);
}

TEST(PolicyExecutorOnThreads, LocksAndChannelsWorkBetweenItsJobs) {
  const auto check = [](auto& executor) {
    cohort::Lock lock;
    int counter = 0;
    const auto add = [](cohort::Lock* l, int* n) -> Task<> {
      for (int i = 0; i < 200; ++i) {
        auto held = co_await l->hold();
        ++*n;
        if (i % 8 == 0) co_await cohort::yield_now();
      }
    };
    std::vector<Future<void>> futures;
    for (int i = 0; i < 8; ++i) futures.push_back(executor.submit(add, &lock, &counter));
    for (const auto& future : futures) future.block();
    EXPECT_EQ(counter, 8 * 200);
  };
  PolicyExecutor<Fcfs> fcfs{1};
  check(fcfs);
  PolicyExecutor<Priority> priority{1};
  check(priority);
  PolicyExecutor feedback{2, MultilevelFeedback{3, 100us}};
  check(feedback);
}

}  // namespace
