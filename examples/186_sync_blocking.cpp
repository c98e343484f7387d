// SPDX-License-Identifier: BSL-1.0
//
// One of four ways to get a number from a queue: synchronous and blocking.
//
// The customer stands at the counter and does nothing else until served. The simplest, and the one
// that needs a thread for each who waits. (Compare 187 to 189: the queue is the same.)

#include <cohort/cohort.hpp>

#include <iostream>
#include <thread>

int main() {
  cohort::Queue<int> counter;
  std::thread clerk([&] {
    for (int i = 1; i <= 3; ++i) counter.put(i * i).block();
  });

  int sum = 0;
  for (int i = 0; i < 3; ++i) sum += counter.get().block();  // the thread sleeps here
  std::cout << "sum " << sum << '\n';
  clerk.join();
}

// Output:
// sum 14
