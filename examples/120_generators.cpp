// SPDX-License-Identifier: BSL-1.0
//
// Generators: functions that yield one value after the other.
//
// A `Generator` is a lazy range: its body runs from one co_yield to the next when the loop asks for
// an element. The body of an `AsyncGenerator` may also wait, so its elements are awaited; if that
// takes too long, the next attempt goes on where this one left.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <utility>

using namespace std::chrono_literals;
using cohort::AsyncGenerator;
using cohort::Generator;
using cohort::Task;

Generator<int> fibonacci() {
  int a = 0;
  int b = 1;
  for (;;) {
    co_yield a;
    a = std::exchange(b, a + b);
  }
}

AsyncGenerator<int> measurements(int count) {
  for (int i = 1; i <= count; ++i) {
    co_await cohort::sleep_for(20ms);
    co_yield i* i;
  }
}

Task<> impatient() {
  auto values = measurements(3);
  int late = 0;
  for (;;) {
    const auto value = co_await values.next().within(5ms);
    if (value.closed()) break;
    if (value.timed_out()) {
      ++late;  // nothing is lost
    } else {
      std::cout << "measured " << *value << '\n';
    }
  }
  std::cout << (late > 0 ? "not always in time\n" : "always in time\n");
}

int main() {
  std::cout << "fibonacci:";
  for (const int x : fibonacci()) {
    if (x > 30) break;
    std::cout << ' ' << x;
  }
  std::cout << '\n';
  cohort::run(impatient());
  int sum = 0;
  for (const int value : measurements(2).blocking()) sum += value;
  std::cout << "sum " << sum << '\n';
}

// Output:
// fibonacci: 0 1 1 2 3 5 8 13 21
// measured 1
// measured 4
// measured 9
// not always in time
// sum 5
