// SPDX-License-Identifier: BSL-1.0
//
// Ten producers, ten consumers, one queue for three.
//
// The queue decouples them: neither side knows the other, a fast side waits for the slow one, and
// every item arrives once. The producers are coroutines, the consumers plain threads.

#include <cohort/cohort.hpp>

#include <atomic>
#include <functional>
#include <iostream>
#include <thread>
#include <vector>

using cohort::Queue;
using cohort::Task;

Task<> produce(Queue<int>& queue, int first) {
  for (int i = first; i < first + 10; ++i) co_await queue.put(i);
}

void consume(Queue<int>& queue, std::vector<std::atomic<int>>& seen) {
  try {
    for (;;) ++seen[static_cast<std::size_t>(queue.get().block())];
  } catch (const cohort::ShutDown&) {}  // drained, and no more will come
}

int main() {
  Queue<int> queue{3};
  std::vector<std::atomic<int>> seen(100);

  std::vector<std::thread> consumers;
  for (int i = 0; i < 10; ++i) consumers.emplace_back(consume, std::ref(queue), std::ref(seen));

  cohort::ThreadPool pool{2};
  std::vector<cohort::Future<void>> producers;
  for (int i = 0; i < 10; ++i) producers.push_back(pool.submit(produce, std::ref(queue), 10 * i));
  for (const auto& each : producers) each.block();

  queue.shutdown();
  for (std::thread& consumer : consumers) consumer.join();
  int once = 0;
  for (const auto& times : seen) once += times == 1;
  std::cout << once << " of 100 items arrived once\n";
}

// Output:
// 100 of 100 items arrived once
