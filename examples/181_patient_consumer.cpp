// SPDX-License-Identifier: BSL-1.0
//
// A consumer that goes when nothing has come for a while.
//
// `get().within(3s)` yields an empty optional when the time is over. That is an ordinary value, and it
// has taken nothing: had an item come just then, it would be here or still in the queue.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <optional>
#include <string>

using namespace std::chrono_literals;
using cohort::Task;

Task<> bake(cohort::Queue<std::string>& counter) {
  for (int i = 1; i <= 5; ++i) {
    co_await cohort::sleep_for(i * 700ms);  // slower and slower
    co_await counter.put("bun " + std::to_string(i));
  }
}

Task<> eat(cohort::Queue<std::string>& counter) {
  int eaten = 0;
  while (const auto bun = co_await counter.get().within(3s)) {
    std::cout << *bun << '\n';
    ++eaten;
  }
  std::cout << "nothing for 3 seconds; " << eaten << " eaten\n";
}

Task<> bakery() {
  cohort::Queue<std::string> counter;
  co_await cohort::when_all(bake(counter), eat(counter));
  std::cout << counter.qsize() << " left on the counter\n";
}

int main() {
  cohort::EventLoop loop{cohort::LoopTime::simulated};  // no real time passes
  cohort::run(loop, bakery());
}

// Output:
// bun 1
// bun 2
// bun 3
// bun 4
// nothing for 3 seconds; 4 eaten
// 1 left on the counter
