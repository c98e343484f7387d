// SPDX-License-Identifier: BSL-1.0
// The program of README.md.
#include <cohort/cohort.hpp>

#include <iostream>
#include <utility>

cohort::Task<int> sum_of_squares(cohort::Receiver<int> numbers) {
  int sum = 0;
  while (const auto x = co_await numbers.recv()) sum += *x * *x;  // a coroutine suspends
  co_return sum;
}

int main() {
  cohort::ThreadPool pool{2};
  auto [tx, rx] = cohort::channel<int>(16);
  const auto left = pool.submit(sum_of_squares, rx);
  const auto right = pool.submit(sum_of_squares, std::move(rx));

  for (int i = 1; i <= 1000; ++i) tx.send(i).block();  // a thread blocks
  tx.close();
  std::cout << "1² + 2² + … + 1000² = " << left.block() + right.block() << '\n';
}

// Output:
// 1² + 2² + … + 1000² = 333833500
