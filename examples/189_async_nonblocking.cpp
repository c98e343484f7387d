// SPDX-License-Identifier: BSL-1.0
//
// One of four ways to get a number from a queue: asynchronous and non-blocking.
//
// The coroutine leaves its number and goes; when the item is there it is called. Nobody polls and no
// thread stands and waits: here one thread has a thousand customers at the counter, and the clerk too.

#include <cohort/cohort.hpp>

#include <iostream>
#include <utility>
#include <vector>

using cohort::Task;

Task<int> customer(cohort::Queue<int>& counter) { co_return co_await counter.get(); }

Task<> clerk(cohort::Queue<int>& counter) {
  for (int i = 1; i <= 1000; ++i) {
    co_await counter.put(i);
    if (i % 10 == 0) co_await cohort::yield_now();
  }
}

Task<long> customers(cohort::Queue<int>& counter) {
  std::vector<Task<int>> all;
  for (int i = 0; i < 1000; ++i) all.push_back(customer(counter));
  long sum = 0;
  for (const int number : co_await cohort::when_all(std::move(all))) sum += number;
  co_return sum;
}

Task<> shop() {
  cohort::Queue<int> counter;
  const auto both = co_await cohort::when_all(customers(counter), clerk(counter));
  std::cout << "sum " << std::get<0>(both) << '\n';
}

int main() { cohort::run(shop()); }

// Output:
// sum 500500
