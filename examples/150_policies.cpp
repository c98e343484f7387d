// SPDX-License-Identifier: BSL-1.0
//
// The same jobs under each scheduling policy, on one processor.
//
// A PolicyExecutor keeps its ready queue by a policy. Preemption is cooperative: a job offers its
// turn by yield_now(), and the policy says whether it is over. Here time is simulated, so that the
// jobs need not really take that long; without a loop the executor has threads of its own:
// PolicyExecutor<RoundRobin> executor{4, RoundRobin{20ms}}.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using cohort::Task;
using cohort::With;

struct Machine {
  cohort::EventLoop loop{cohort::LoopTime::simulated};
  std::string log;
};

// Takes ten milliseconds for each letter.
Task<> job(Machine* machine, std::string word) {
  for (const char letter : word) {
    machine->log += letter;
    machine->loop.advance(10ms);
    co_await cohort::yield_now();
  }
}

template <class Policy>
void show(const char* name, Policy policy) {
  Machine machine;
  cohort::PolicyExecutor executor{machine.loop, policy};
  std::vector<cohort::Future<void>> jobs;
  jobs.push_back(executor.submit(With{.priority = 1, .estimate = 80ms}, job, &machine, "LONGLONG"));
  jobs.push_back(executor.submit(With{.priority = 0, .estimate = 20ms}, job, &machine, "ab"));
  jobs.push_back(executor.submit(With{.priority = 9, .estimate = 40ms}, job, &machine, "!!!!"));
  cohort::wait(jobs).block();  // runs the loop
  std::cout << name << machine.log << '\n';
}

int main() {
  show("first come, first served:  ", cohort::Fcfs{});
  show("shortest job first:        ", cohort::ShortestJobFirst{});
  show("priority:                  ", cohort::Priority{});
  show("round robin, 10 ms:        ", cohort::RoundRobin{10ms});
  show("round robin, 30 ms:        ", cohort::RoundRobin{30ms});
  show("multilevel feedback queue: ", cohort::MultilevelFeedback{3, 10ms});
}

// Output:
// first come, first served:  LONGLONGab!!!!
// shortest job first:        ab!!!!LONGLONG
// priority:                  !!!!LONGLONGab
// round robin, 10 ms:        La!Ob!N!G!LONG
// round robin, 30 ms:        LONab!!!GLO!NG
// multilevel feedback queue: La!ONb!!GLON!G
