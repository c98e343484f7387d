// SPDX-License-Identifier: BSL-1.0
// What docs/guide/13-coming-from-other-libraries.md shows.
#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;
using cohort::Task;

// cppcoro: the lock is held as long as the guard lives; unlocking resumes nobody in place.
Task<int> next_number(cohort::Lock& lock, int& counter) {
  const auto held = co_await lock.hold();
  co_return ++counter;
}

// Asio: a limit is put on the operation, and the executor is the coroutine's own.
Task<bool> answered(cohort::Receiver<int> in) {
  const auto answer = co_await in.recv().within(1ms);
  co_return answer.has_value();
}

// TBB: fork and join. Below some size do not fork: a task is cheap, not free.
Task<long> sum(const std::vector<int>& numbers, std::size_t from, std::size_t to) {
  if (to - from <= 1000) {
    long total = 0;
    for (auto i = from; i != to; ++i) total += numbers[i];
    co_return total;
  }
  const auto middle = from + (to - from) / 2;
  const auto halves =
      co_await cohort::when_all(sum(numbers, from, middle), sum(numbers, middle, to));
  co_return std::get<0>(halves) + std::get<1>(halves);
}

int main() {
  cohort::Lock lock;
  int counter = 0;
  std::cout << cohort::run(next_number(lock, counter)) << '\n';

  auto ends = cohort::channel<int>(1);
  std::cout << cohort::run(answered(ends.rx)) << '\n';

  cohort::ThreadPool pool{4};
  const std::vector<int> numbers(100'000, 1);
  std::cout << cohort::run(pool, sum(numbers, 0, numbers.size())) << '\n';
}

// Output:
// 1
// 0
// 100000
