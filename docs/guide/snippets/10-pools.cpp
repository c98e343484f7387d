// SPDX-License-Identifier: BSL-1.0
// What docs/guide/10-pools.md shows.
#include <cohort/cohort.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using cohort::Future;
using cohort::Generator;
using cohort::Task;

int square(int x) { return x * x; }
int add(int a, int b) { return a + b; }
int invert(int x) {
  if (x == 0) throw std::invalid_argument("nothing inverts zero");
  return 60 / x;
}

Generator<int> naturals() {
  for (int i = 1;; ++i) co_yield i;
}

Task<int> sleepy(int hours) {
  co_await cohort::sleep_for(std::chrono::hours(hours));
  co_return hours;
}

Task<> in_a_coroutine(cohort::ThreadPool& pool) {
  const std::vector<int> numbers{1, 2, 3};
  const std::vector<int> squares = co_await pool.map(square, numbers);
  std::cout << squares[0] << ' ' << squares[1] << ' ' << squares[2] << '\n';
}

Task<> first_three(cohort::ThreadPool& pool) {
  auto squares = pool.imap(square, naturals());  // reads no further than it must
  for (int i = 0; i < 3; ++i) {
    const auto next = co_await squares.next();
    std::cout << *next << '\n';
  }
}

void with_callbacks(cohort::ThreadPool& pool) {
  const auto print = [](int result) { std::cout << "60 / 4 = " << result << '\n'; };
  const auto explain = [](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      std::cout << e.what() << '\n';
    }
  };
  pool.apply_async(invert, std::tuple(4), print, explain).block();
  try {
    pool.apply_async(invert, std::tuple(0), print, explain).block();
  } catch (const std::invalid_argument&) {}  // the future has it, too
}

void as_they_finish() {
  cohort::EventLoop loop{cohort::LoopTime::simulated};
  std::vector<Future<int>> futures;
  for (const int hours : {3, 1, 2}) futures.push_back(loop.submit(sleepy, hours));

  const auto split = cohort::wait(futures, cohort::ReturnWhen::first_completed).block();
  std::cout << split.done.size() << " done, " << split.not_done.size() << " not\n";

  for (const auto& future : cohort::as_completed(futures).blocking()) {
    std::cout << future.block() << '\n';
  }
}

int main() {
  cohort::ThreadPool pool{4};
  std::cout << pool.apply(square, 5).block() << '\n';

  cohort::run(pool, in_a_coroutine(pool));

  const std::vector<std::pair<int, int>> pairs{{1, 2}, {3, 4}};
  const std::vector<int> sums = pool.starmap(add, pairs).block();
  std::cout << sums[0] << ' ' << sums[1] << '\n';

  cohort::run(pool, first_three(pool));
  with_callbacks(pool);
  as_they_finish();

  pool.close();         // no more work
  pool.join().block();  // what was begun has ended
}

// Output:
// 25
// 1 4 9
// 3 7
// 1
// 4
// 9
// 60 / 4 = 15
// nothing inverts zero
// 1 done, 2 not
// 1
// 2
// 3
