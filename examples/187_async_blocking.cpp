// SPDX-License-Identifier: BSL-1.0
//
// One of four ways to get a number from a queue: asynchronous and blocking.
//
// Somebody else is sent to the counter, and a Future is what we have meanwhile: other things can be
// begun. But then we stand and wait for the message, which is blocking after all.

#include <cohort/cohort.hpp>

#include <functional>
#include <iostream>
#include <thread>

cohort::Task<int> three_numbers(cohort::Queue<int>& counter) {
  int sum = 0;
  for (int i = 0; i < 3; ++i) {
    const int number = co_await counter.get();
    sum += number;
  }
  co_return sum;
}

int main() {
  cohort::ThreadPool pool{1};
  cohort::Queue<int> counter;
  const auto sum = pool.submit(three_numbers, std::ref(counter));
  std::cout << "sent for; not there: " << std::boolalpha << !sum.done() << '\n';

  std::thread clerk([&] {
    for (int i = 1; i <= 3; ++i) counter.put(i * i).block();
  });
  std::cout << "sum " << sum.block() << '\n';  // the thread sleeps here
  clerk.join();
}

// Output:
// sent for; not there: true
// sum 14
