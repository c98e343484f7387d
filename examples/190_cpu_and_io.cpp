// SPDX-License-Identifier: BSL-1.0
//
// What threads are good for: computing. What one thread is good for: waiting.
//
// Twenty tasks that wait take as long as one, on one thread: a suspended coroutine needs none. Tasks
// that compute take turns on one thread, and need as many threads as there are CPUs. (The times go to
// stderr: they depend on the machine. What is checked is that waiting overlaps.)

#include <cohort/cohort.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cohort::Task;

Task<std::uint64_t> compute() {  // CPU-bound
  std::uint64_t x = 1;
  for (int i = 0; i < 3'000'000; ++i) x = x * 6364136223846793005u + 1442695040888963407u;
  co_return x;
}

Task<std::uint64_t> wait_for_a_disk() {  // I/O-bound
  co_await cohort::sleep_for(50ms);
  co_return 1;
}

Task<std::uint64_t> twenty(Task<std::uint64_t> (*work)()) {
  std::vector<Task<std::uint64_t>> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(work());
  std::uint64_t all = 0;
  for (const auto x : co_await cohort::when_all(std::move(tasks))) all += x;
  co_return all;
}

template <class Executor>
std::chrono::milliseconds time(const char* what, Executor& executor,
                               Task<std::uint64_t> (*work)()) {
  const auto begin = std::chrono::steady_clock::now();
  (void)cohort::run(executor, twenty(work));
  const auto taken = std::chrono::steady_clock::now() - begin;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(taken);
  std::cerr << what << ": " << ms.count() << " ms\n";
  return ms;
}

int main() {
  cohort::EventLoop one_thread;
  cohort::ThreadPool pool;
  const auto waiting = time("one thread waits", one_thread, wait_for_a_disk);
  time("a pool waits", pool, wait_for_a_disk);
  time("one thread computes", one_thread, compute);
  time("a pool computes", pool, compute);
  std::cout << (waiting < 20 * 50ms ? "waiting overlaps\n" : "waiting does not overlap\n");
}

// Output:
// waiting overlaps
