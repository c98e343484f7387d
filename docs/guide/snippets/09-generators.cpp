// SPDX-License-Identifier: BSL-1.0
// What docs/guide/09-generators.md shows.
#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using cohort::AsyncGenerator;
using cohort::Generator;
using cohort::Task;

Generator<int> digits(int number) {
  for (; number != 0; number /= 10) co_yield number % 10;
}

AsyncGenerator<std::string> ticks(int count) {
  for (int i = 1; i <= count; ++i) {
    co_await cohort::sleep_for(1ms);
    co_yield "tick " + std::to_string(i);
  }
}

Task<> in_a_coroutine() {
  auto clock = ticks(2);
  while (const auto tick = co_await clock.next()) std::cout << *tick << '\n';
}

Task<> in_time() {
  auto clock = ticks(2);
  int late = 0;
  for (;;) {
    const auto tick = co_await clock.next().within(100us);
    if (tick.closed()) break;  // the generator has ended
    if (tick.timed_out()) {
      ++late;  // its body goes on: the next call takes up what it yields
    } else {
      std::cout << *tick << '\n';
    }
  }
  std::cout << (late != 0) << '\n';
}

int main() {
  for (const int digit : digits(2026)) std::cout << digit;
  std::cout << '\n';
  cohort::run(in_a_coroutine());
  for (const auto& tick : ticks(1).blocking()) std::cout << tick << '\n';  // on a thread
  cohort::EventLoop simulated{cohort::LoopTime::simulated};
  cohort::run(simulated, in_time());
}

// Output:
// 6202
// tick 1
// tick 2
// tick 1
// tick 1
// tick 2
// 1
