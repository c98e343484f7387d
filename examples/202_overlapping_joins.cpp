// SPDX-License-Identifier: BSL-1.0
//
// Three children that take 600, 700 and 800 milliseconds, joined one after another, take 800.
//
// While the parent waits for the first, the others run on; when it comes to them, most of their time
// is over. The order of the joins changes nothing. A coroutine can wait for all at once, or for
// whichever ends first, and so can a thread, for a while.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cohort::Process;
using cohort::Task;

void rest(int milliseconds) { cohort::sleep_for(milliseconds * 1ms).block(); }

Task<> wait_for_all(std::vector<Process>& children) {
  std::vector<Task<>> joins;
  for (Process& child : children) {
    const auto join = [](Process& p) -> Task<> { co_await p.join(); };
    joins.push_back(join(child));
  }
  co_await cohort::when_all(std::move(joins));
}

Task<> wait_for_either(Process& quick, Process& slow) {
  const auto first = co_await cohort::when_any(slow.join(), quick.join());
  std::cout << "the first to end is the " << (first.index() == 1 ? "quick" : "slow") << " one\n";
}

int main() try {
  cohort::freeze_support();
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  std::vector<Process> children;
  for (const int time : {600, 700, 800}) children.emplace_back(rest, time).start();
  for (const Process& child : children) child.join().block();
  const auto elapsed = Clock::now() - begin;
  std::cout << "as long as the longest: " << (elapsed >= 800ms)
            << ", and not as long as all: " << (elapsed < 2100ms) << '\n';

  children.clear();
  for (const int time : {3, 2, 1}) children.emplace_back(rest, time).start();
  cohort::run(wait_for_all(children));
  for (const Process& child : children) std::cout << "ended with " << *child.exitcode() << '\n';

  Process quick{rest, 1};
  Process slow{rest, 3'600'000};
  quick.start();
  slow.start();
  cohort::run(wait_for_either(quick, slow));
  std::cout << "the other has ended in a moment: " << slow.join().within(10ms).block() << '\n';
  slow.kill();
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// as long as the longest: 1, and not as long as all: 1
// ended with 0
// ended with 0
// ended with 0
// the first to end is the quick one
// the other has ended in a moment: 0
