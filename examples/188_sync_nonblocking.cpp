// SPDX-License-Identifier: BSL-1.0
//
// One of four ways to get a number from a queue: synchronous and non-blocking.
//
// The customer goes away and looks again, and again: polling. The thread is never held up, and most of
// its looks are for nothing. Right where it has a loop anyway, one look a round; else the worst of four.

#include <cohort/cohort.hpp>

#include <iostream>
#include <thread>

int main() {
  cohort::Queue<int> counter;
  cohort::Event looked;
  std::thread clerk([&] {
    looked.wait().block();  // so that the first look is for nothing
    for (int i = 1; i <= 3; ++i) counter.put(i * i).block();
  });

  int sum = 0;
  int in_vain = 0;
  for (int got = 0; got < 3;) {
    if (const auto number = counter.try_get()) {  // never waits
      sum += *number;
      ++got;
    } else {
      ++in_vain;
      looked.set();
      std::this_thread::yield();  // or something useful
    }
  }
  std::cout << "sum " << sum << (in_vain > 0 ? ", looked in vain\n" : "\n");
  clerk.join();
}

// Output:
// sum 14, looked in vain
