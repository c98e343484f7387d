// SPDX-License-Identifier: BSL-1.0
//
// Semaphores: a few at a time.
//
// A Semaphore has a number of permits. `hold` waits for one and yields a guard that gives it back.
// The usual job: many tasks, but never more than so many at the same place. `acquire` and `release`
// are for permits that are handed out by one task and given back by another.

#include <cohort/cohort.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cohort::Semaphore;
using cohort::Task;

struct Counter {
  int now = 0;
  int most = 0;
};

Task<int> download(int size, Semaphore& connections, Counter& counter) {
  const auto permit = co_await connections.hold();
  ++counter.now;
  counter.most = std::max(counter.most, counter.now);
  co_await cohort::sleep_for(1ms);
  --counter.now;
  co_return size;
}

Task<> downloads() {
  Semaphore connections{3};
  Counter counter;  // needs no lock: `run` works on one thread
  std::vector<Task<int>> tasks;
  for (int size = 1; size <= 10; ++size) tasks.push_back(download(size, connections, counter));

  const std::vector<int> sizes = co_await cohort::when_all(std::move(tasks));
  int sum = 0;
  for (const int size : sizes) sum += size;
  std::cout << sizes.size() << " downloads, " << sum << " MB\n";
  std::cout << "at most " << counter.most << " at a time\n";
}

int main() {
  cohort::run(downloads());

  Semaphore permits{2};
  permits.acquire().block();
  std::cout << "left: " << permits.value() << '\n';
  permits.release(3);  // tokens, not turns: there may be more than at the beginning
  std::cout << "left: " << permits.value() << '\n';
}

// Output:
// 10 downloads, 55 MB
// at most 3 at a time
// left: 1
// left: 4
