// SPDX-License-Identifier: BSL-1.0
//
// Timers: call a function once, in a while, unless somebody says no before.
//
// A Timer is a thread that waits first. `cancel` says whether it came in time: the function is
// either called or cancelled, never both. Inside a coroutine you do not need one: sleep_for costs
// no thread.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

void ring(const std::string& what) { std::cout << "ring: " << what << '\n'; }

int main() {
  cohort::Timer tea{2ms, ring, "the tea is ready"};
  tea.start();

  cohort::Timer bomb{1h, ring, "too late"};
  bomb.start();
  std::cout << std::boolalpha << "the bomb is defused: " << bomb.cancel() << '\n';
  bomb.join().block();  // at once

  tea.join().block();
  std::cout << "the tea is cancelled: " << tea.cancel() << '\n';
}

// Output:
// the bomb is defused: true
// ring: the tea is ready
// the tea is cancelled: false
