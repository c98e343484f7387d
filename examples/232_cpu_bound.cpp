// SPDX-License-Identifier: BSL-1.0
//
// Work for the processor: on one thread, on threads, on processes.
//
// The same function, the same pieces, three times. In C++ threads compute at the same time, so threads
// and processes are both about as many times as fast as there are processors; threads begin
// sooner, processes are safe from each other. The times, on stderr, say what it is here.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <vector>

using Clock = std::chrono::steady_clock;

// How many numbers from `first` on, of `count`, are prime.
int primes(int first, int count) {
  int found = 0;
  for (int n = first; n < first + count; ++n) {
    bool prime = n > 1;
    for (int d = 2; d * d <= n && prime; ++d) prime = n % d != 0;
    found += prime;
  }
  return found;
}

constexpr int pieces = 16;
constexpr int size = 25'000;

int on_one_thread() {
  int found = 0;
  for (int i = 0; i < pieces; ++i) found += primes(i * size, size);
  return found;
}

template <class Domain>
int on() {
  typename Domain::Pool pool;  // as many workers as there are processors
  std::vector<cohort::Future<int>> parts;
  for (int i = 0; i < pieces; ++i) parts.push_back(pool.submit(primes, i * size, size));
  int found = 0;
  for (const auto& part : parts) found += part.block();
  return found;
}

void measure(const char* what, int (*work)()) {
  const auto begin = Clock::now();
  std::cout << what << ": " << work() << " primes\n";
  const std::chrono::duration<double> elapsed = Clock::now() - begin;
  std::cerr << what << ": " << elapsed.count() << " s\n";
}

int main() try {
  cohort::freeze_support();
  measure("one thread", on_one_thread);
  measure("threads", on<cohort::Threads>);
  measure("processes", on<cohort::Processes>);
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// one thread: 33860 primes
// threads: 33860 primes
// processes: 33860 primes
