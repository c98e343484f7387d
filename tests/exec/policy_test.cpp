// SPDX-License-Identifier: BSL-1.0

// The scheduling policies as what they are: state machines. A simulated processor runs jobs whose
// arrivals, bursts and waits are given, and says which ran in each millisecond.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::Arrival;
using cohort::Fcfs;
using cohort::Job;
using cohort::MultilevelFeedback;
using cohort::MultiQueueRoundRobin;
using cohort::Priority;
using cohort::RoundRobin;
using cohort::ShortestJobFirst;

static_assert(cohort::SchedulingPolicy<Fcfs> && !cohort::QuantumPolicy<Fcfs>);
static_assert(!cohort::PreemptivePolicy<Fcfs> && !cohort::PreemptivePolicy<ShortestJobFirst>);
static_assert(cohort::QuantumPolicy<RoundRobin> && !cohort::PreemptivePolicy<RoundRobin>);
static_assert(cohort::QuantumPolicy<MultiQueueRoundRobin>);
static_assert(cohort::QuantumPolicy<MultilevelFeedback>);
static_assert(cohort::PreemptivePolicy<MultilevelFeedback> && cohort::PreemptivePolicy<Priority>);
static_assert(!cohort::SchedulingPolicy<int>);

/// Runs for bursts[0], waits for bursts[1], runs for bursts[2], and so on.
struct Process {
  char name;
  int arrives;
  std::vector<int> bursts;
  int priority = 0;
};

class Processor {
  struct Running : Job {
    const Process* process = nullptr;
    std::size_t burst = 0;
    int left = 0;
    int wakes = 0;
  };

 public:
  template <class Policy>
  static std::string run(Policy policy, const std::vector<Process>& processes) {
    std::deque<Running> jobs;
    for (const Process& process : processes) {
      Running& job = jobs.emplace_back();
      job.process = &process;
      job.priority = process.priority;
      job.left = process.bursts[0];
      job.estimate = job.left * 1ms;
    }
    std::string timeline;
    Running* running = nullptr;
    std::size_t ended = 0;
    for (int time = 0; ended < jobs.size(); ++time) {
      for (Running& job : jobs) {
        if (job.process->arrives == time) policy.push(job, Arrival::created);
      }
      for (Running& job : jobs) {
        if (job.wakes == time && time > 0) policy.push(job, Arrival::unblocked);
      }
      if (running) running = after_a_tick(policy, *running, time, ended);
      if (!running) running = static_cast<Running*>(policy.pop());
      if (running) {
        timeline += running->process->name;
        --running->left;
      } else if (ended < jobs.size()) {
        timeline += '.';
      }
    }
    return timeline;
  }

 private:
  // Who runs on: the same, or null.
  template <class Policy>
  static Running* after_a_tick(Policy& policy, Running& running, int time, std::size_t& ended) {
    bool used_up = false;
    if constexpr (cohort::QuantumPolicy<Policy>) used_up = policy.charge(running, 1ms);
    if (running.left == 0) {
      const auto& bursts = running.process->bursts;
      if (running.burst + 2 >= bursts.size()) {
        ++ended;
      } else {
        running.wakes = time + bursts[running.burst + 1];
        running.burst += 2;
        running.left = bursts[running.burst];
      }
      return nullptr;
    }
    if (used_up) {
      policy.push(running, Arrival::used_up);
      return nullptr;
    }
    if constexpr (cohort::PreemptivePolicy<Policy>) {
      if (policy.preempts(running)) {
        policy.push(running, Arrival::preempted);
        return nullptr;
      }
    }
    return &running;
  }
};

// The five processes by which Stallings's "Operating Systems" compares policies.
const std::vector<Process> five{
    {'A', 0, {3}}, {'B', 2, {6}}, {'C', 4, {4}}, {'D', 6, {5}}, {'E', 8, {2}}};

std::string order_of_ends(const std::string& timeline) {
  std::string order;
  for (std::size_t i = 0; i < timeline.size(); ++i) {
    if (timeline[i] != '.' && timeline.find(timeline[i], i + 1) == std::string::npos) {
      order += timeline[i];
    }
  }
  return order;
}

std::vector<Process> random_processes(unsigned seed) {
  std::mt19937 random(seed);
  const auto up_to = [&](unsigned n) { return static_cast<int>(random() % n); };
  std::vector<Process> processes;
  for (char name = 'A'; name < 'A' + 8; ++name) {
    processes.push_back({name, up_to(20), {1 + up_to(12)}, up_to(3)});
    if (random() % 2) {
      processes.back().bursts.push_back(1 + up_to(6));
      processes.back().bursts.push_back(1 + up_to(12));
    }
  }
  return processes;
}

TEST(Fcfs, RunsEachToItsEndInTheOrderOfArrival) {  // Row 4
  EXPECT_EQ(Processor::run(Fcfs{}, five), "AAABBBBBBCCCCDDDDDEE");
}

TEST(Fcfs, PutsOneThatHasWaitedToTheTail) {  // Row 7
  EXPECT_EQ(Processor::run(Fcfs{}, {{'A', 0, {2, 1, 2}}, {'B', 1, {4}}, {'C', 2, {1}}}),
            "AABBBBCAA");
}

TEST(ShortestJobFirst, RunsTheShortestReadyOneToItsEnd) {  // Row 5
  EXPECT_EQ(Processor::run(ShortestJobFirst{}, five), "AAABBBBBBEECCCCDDDDD");
}

TEST(ShortestJobFirst, OfEqualsTakesTheOneThatCameFirst) {  // Row 5
  EXPECT_EQ(Processor::run(ShortestJobFirst{},
                           {{'A', 0, {2}}, {'B', 1, {2}}, {'C', 0, {2}}, {'D', 1, {1}}}),
            "AADCCBB");
}

TEST(ShortestJobFirst, TakesOneWithoutAnEstimateLast) {
  struct Plain : Job {};
  ShortestJobFirst policy;
  Plain unknown;
  Plain also_unknown;
  Plain hour;
  hour.estimate = 1h;
  policy.push(unknown, Arrival::created);
  policy.push(also_unknown, Arrival::created);
  policy.push(hour, Arrival::created);
  EXPECT_EQ(policy.pop(), &hour);
  policy.remove(unknown);
  EXPECT_EQ(policy.pop(), &also_unknown);
  EXPECT_EQ(policy.pop(), nullptr);
}

TEST(RoundRobin, GivesEachItsQuantumInTurn) {  // Row 6
  EXPECT_EQ(Processor::run(RoundRobin{1ms}, five), "AABABCBDCBEDCBEDCBDD");
  EXPECT_EQ(Processor::run(RoundRobin{4ms}, five), "AAABBBBCCCCDDDDBBEED");
}

TEST(RoundRobin, IsEnteredAtTheTailInThreeWays) {  // Row 7
  // B is new at 1, A has used its quantum up at 2; A has waited at 7.
  EXPECT_EQ(Processor::run(RoundRobin{2ms}, {{'A', 0, {3, 2, 2}}, {'B', 1, {7}}}), "AABBABBAABBB");
}

TEST(RoundRobin, WithAQuantumNotShorterThanTheLongestBurstIsFcfs) {  // Row 9
  for (unsigned seed = 0; seed < 200; ++seed) {
    const auto processes = random_processes(seed);
    EXPECT_EQ(Processor::run(RoundRobin{12ms}, processes), Processor::run(Fcfs{}, processes))
        << seed;
  }
}

TEST(RoundRobin, WithAShortQuantumSwitchesMore) {  // Row 9
  const auto switches = [](std::chrono::milliseconds quantum) {
    const std::string timeline = Processor::run(RoundRobin{quantum}, five);
    int n = 0;
    for (std::size_t i = 1; i < timeline.size(); ++i) n += timeline[i] != timeline[i - 1];
    return n;
  };
  EXPECT_GT(switches(1ms), switches(2ms));
  EXPECT_GT(switches(2ms), switches(6ms));
}

TEST(MultiQueueRoundRobin, PrefersThoseThatWaitedToNewOnesToThoseThatUsedTheirQuantumUp) {
  // Row 10. At 5, B has used its quantum up, A has waited, and C is new.
  const std::vector<Process> processes{
      {'A', 0, {1, 3, 1}}, {'B', 0, {6}}, {'D', 0, {6}}, {'C', 5, {1}}};
  EXPECT_EQ(Processor::run(RoundRobin{2ms}, processes), "ABBDDBBACDDBBDD");
  EXPECT_EQ(Processor::run(MultiQueueRoundRobin{2ms}, processes), "ABBDDACBBDDBBDD");
}

TEST(MultilevelFeedback, FollowsTheFiveRules) {  // Row 11
  // A enters queue 1 and, its quantum of 1 used up, queue 2. B preempts it at 2: back to the tail
  // of queue 2, where B comes after it. A has the whole 2 again and then queue 3; C comes before B,
  // B before A.
  EXPECT_EQ(
      Processor::run(MultilevelFeedback{3, 1ms}, {{'A', 0, {8}}, {'B', 2, {3}}, {'C', 5, {1}}}),
      "AABAACBBAAAA");
}

TEST(MultilevelFeedback, ItsLastQueueIsARoundRobin) {  // Row 11
  EXPECT_EQ(Processor::run(MultilevelFeedback{2, 1ms}, {{'A', 0, {6}}, {'B', 0, {6}}}),
            "ABAABBAABBAB");
  EXPECT_EQ(Processor::run(MultilevelFeedback{1, 2ms}, five),
            Processor::run(RoundRobin{2ms}, five));
}

TEST(MultilevelFeedback, DoublesTheQuantumFromQueueToQueue) {  // Row 11
  MultilevelFeedback policy{64, 3ms};
  struct Plain : Job {};
  Plain job;
  policy.push(job, Arrival::created);
  for (int doubled = 0; doubled < 30; ++doubled) {
    EXPECT_EQ(policy.pop(), &job);
    EXPECT_EQ(policy.left(job), 3ms * (1LL << doubled));
    EXPECT_FALSE(policy.charge(job, 1ms));
    EXPECT_EQ(policy.left(job), 3ms * (1LL << doubled) - 1ms);
    EXPECT_TRUE(policy.charge(job, policy.left(job)));
    policy.push(job, Arrival::used_up);
  }
  for (int level = 30; level < 63; ++level) {
    EXPECT_EQ(policy.pop(), &job);
    EXPECT_TRUE(policy.charge(job, policy.left(job)));
    policy.push(job, Arrival::used_up);
  }
  EXPECT_EQ(policy.pop(), &job);
  EXPECT_EQ(policy.left(job), cohort::Clock::duration::max());  // and does not overflow
}

TEST(MultilevelFeedback, ReturnsOneThatWaitedToItsOwnQueueWithANewQuantum) {  // Row 11
  // A falls to queue 2, uses 1 of its 2, waits, and has 2 again. B is at the end of queue 2 then.
  EXPECT_EQ(Processor::run(MultilevelFeedback{3, 1ms}, {{'A', 0, {2, 1, 3}}, {'B', 0, {3}}}),
            "ABABBAAA");
}

TEST(MultilevelFeedback, RunsAQueueOnlyWhileAllBeforeItAreEmpty) {  // Row 11
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    MultilevelFeedback policy{4, 1ms};
    struct Plain : Job {};
    std::deque<Plain> jobs;
    std::vector<Job*> ready;
    Job* running = nullptr;
    for (int step = 0; step < 300; ++step) {
      if (random() % 4 == 0) {
        ready.push_back(&jobs.emplace_back());
        policy.push(*ready.back(), Arrival::created);
      }
      if (running) {
        const std::size_t before = running->level;
        const bool used_up = policy.charge(*running, 1ms);
        EXPECT_EQ(running->level, used_up ? std::min<std::size_t>(before + 1, 3) : before);
        if (used_up || policy.preempts(*running)) {
          policy.push(*running, used_up ? Arrival::used_up : Arrival::preempted);
          ready.push_back(std::exchange(running, nullptr));
        }
      }
      if (!running && (running = policy.pop())) std::erase(ready, running);
      for (Job* job : ready) EXPECT_GE(job->level, running->level);
    }
  }
}

TEST(MultilevelFeedback, NeedsNoBurstLengthsToFavourShortJobs) {  // Row 11
  const std::string ends = order_of_ends(Processor::run(
      MultilevelFeedback{3, 2ms}, {{'A', 0, {30}}, {'B', 0, {2}}, {'C', 0, {9}}, {'D', 3, {1}}}));
  EXPECT_EQ(ends, "BDCA");
}

TEST(Priority, RunsTheMostUrgentAndPreempts) {
  EXPECT_EQ(Processor::run(Priority{}, {{'A', 0, {3}, 1},
                                        {'B', 1, {2}, 5},
                                        {'C', 1, {2}, 1},
                                        {'D', 2, {1}, 5},
                                        {'E', 0, {1}, -1}}),
            "ABBDAACCE");
}

TEST(Policies, RefuseAQuantumOfNothingAndLevelsOutOfRange) {
  EXPECT_THROW(RoundRobin{0ms}, std::invalid_argument);
  EXPECT_THROW(RoundRobin{-1s}, std::invalid_argument);
  EXPECT_THROW(MultiQueueRoundRobin{0ns}, std::invalid_argument);
  EXPECT_THROW((MultilevelFeedback{0, 1ms}), std::invalid_argument);
  EXPECT_THROW((MultilevelFeedback{-1L, 1ms}), std::invalid_argument);
  EXPECT_THROW((MultilevelFeedback{65U, 1ms}), std::invalid_argument);
  EXPECT_THROW((MultilevelFeedback{3, 0ms}), std::invalid_argument);
  EXPECT_NO_THROW((MultilevelFeedback{64, std::chrono::duration<double>(0.5)}));
  EXPECT_NO_THROW(RoundRobin{std::chrono::hours::max()});
}

TEST(Policies, RunEverybodyToTheEnd) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    const auto processes = random_processes(seed);
    const auto check = [&](const std::string& timeline) {
      for (const Process& process : processes) {
        int length = process.bursts[0];
        if (process.bursts.size() > 1) length += process.bursts[2];
        EXPECT_EQ(std::count(timeline.begin(), timeline.end(), process.name), length) << timeline;
      }
    };
    check(Processor::run(Fcfs{}, processes));
    check(Processor::run(ShortestJobFirst{}, processes));
    check(Processor::run(RoundRobin{2ms}, processes));
    check(Processor::run(MultiQueueRoundRobin{2ms}, processes));
    check(Processor::run(MultilevelFeedback{3, 1ms}, processes));
    check(Processor::run(Priority{}, processes));
  }
}

}  // namespace
