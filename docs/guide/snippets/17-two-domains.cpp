// SPDX-License-Identifier: BSL-1.0
// What docs/guide/17-two-domains.md shows.
#include <cohort/cohort.hpp>

#include <iostream>
#include <vector>

using cohort::Future;
using cohort::Task;

template <class Domain>
Task<> produce(typename Domain::template Sender<int> numbers, int first) {
  for (int i = first; i < first + 100; ++i) co_await numbers.send(i);
}

template <class Domain>
Task<long> add(typename Domain::template Receiver<int> numbers) {
  long sum = 0;
  while (const auto x = co_await numbers.recv()) sum += *x;
  co_return sum;
}

template <class Domain>
long sum_of_all() {
  typename Domain::Pool pool{4};
  std::vector<Future<void>> producers;
  std::vector<Future<long>> sums;
  {
    auto channel = Domain::template channel<int>(16);
    for (const int first : {0, 100}) {
      producers.push_back(pool.submit(produce<Domain>, channel.tx, first));
    }
    for (int i = 0; i < 2; ++i) sums.push_back(pool.submit(add<Domain>, channel.rx));
  }  // no end is held here any more
  long sum = 0;
  for (const auto& each : producers) each.block();
  for (const auto& each : sums) sum += each.block();
  return sum;
}

template <class Domain>
void count(typename Domain::Lock lock, typename Domain::template Array<int> counts) {
  for (int i = 0; i < 100; ++i) {
    const auto held = lock.hold().block();
    ++counts.at(0);
  }
}

template <class Domain>
int count_together() {
  const typename Domain::Lock lock;
  const typename Domain::template Array<int> counts(1);
  std::vector<typename Domain::Worker> workers;
  for (int i = 0; i < 3; ++i) workers.emplace_back(count<Domain>, lock, counts).start();
  for (const auto& worker : workers) worker.join().block();
  return counts.at(0);
}

int main() try {
  cohort::freeze_support();
  std::cout << "threads: " << sum_of_all<cohort::Threads>() << '\n';
  std::cout << "processes: " << sum_of_all<cohort::Processes>() << '\n';
  std::cout << "threads: " << count_together<cohort::Threads>() << '\n';
  std::cout << "processes: " << count_together<cohort::Processes>() << '\n';
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// threads: 19900
// processes: 19900
// threads: 300
// processes: 300
