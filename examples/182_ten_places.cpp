// SPDX-License-Identifier: BSL-1.0
//
// Thirty customers, ten places: two queues.
//
// Everybody asks in one queue. A clerk reads it, first come, first served, and tells the winners in
// another one, until the places are gone; the rest hears that it is over, as the queue is shut down.

#include <cohort/cohort.hpp>

#include <functional>
#include <iostream>
#include <set>

using cohort::Queue;
using cohort::Task;

Task<> customer(Queue<int>& requests, int name) {
  try {
    co_await requests.put(name);
  } catch (const cohort::ShutDown&) {}  // too late
}

Task<> clerk(Queue<int>& requests, Queue<int>& winners) {
  for (int places = 10; places > 0; --places) {
    const int name = co_await requests.get();
    co_await winners.put(name);
  }
  requests.shutdown(true);  // who still stands there goes home
  winners.shutdown();       // what is in it can still be read
}

int main() {
  Queue<int> requests{3};
  Queue<int> winners;
  cohort::ThreadPool pool{4};
  for (int name = 0; name < 30; ++name) pool.submit(customer, std::ref(requests), name);
  pool.submit(clerk, std::ref(requests), std::ref(winners));

  std::set<int> names;
  try {
    for (;;) names.insert(winners.get().block());
  } catch (const cohort::ShutDown&) {}
  pool.shutdown().block();
  std::cout << names.size() << " different winners\n";
}

// Output:
// 10 different winners
