// SPDX-License-Identifier: BSL-1.0
// What docs/guide/01-tasks.md shows.
#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cohort::Future;
using cohort::Task;
using cohort::TaskGroup;

Task<int> square(int x) { co_return x * x; }

Task<int> one_after_the_other(int a, int b) {
  const int first = co_await square(a);
  const int second = co_await square(b);
  co_return first + second;
}

Task<int> at_the_same_time(int a, int b) {
  const auto both = co_await cohort::when_all(square(a), square(b));
  co_return std::get<0>(both) + std::get<1>(both);
}

Task<int> many(int n) {
  std::vector<Task<int>> tasks;
  for (int i = 1; i <= n; ++i) tasks.push_back(square(i));
  const std::vector<int> squares = co_await cohort::when_all(std::move(tasks));
  co_return squares.back();
}

Task<bool> answered_in_time(Future<int> answer) {
  const auto first = co_await cohort::when_any(answer, cohort::sleep_for(1ms));
  co_return first.index() == 0;
}

Task<> add_square(int x, int* sum) { *sum += co_await square(x); }

Task<int> with_a_group() {
  int sum = 0;  // the children end before the group does, so they may use it
  const auto body = [&](TaskGroup& group) -> Task<> {
    for (int i = 1; i <= 3; ++i) group.spawn(add_square, i, &sum);
    co_return;
  };
  co_await cohort::task_group(body);
  co_return sum;
}

int main() {
  std::cout << cohort::run(one_after_the_other(3, 4)) << '\n';

  std::cout << cohort::run(at_the_same_time(3, 4)) << ' ' << cohort::run(many(10)) << '\n';

  cohort::ThreadPool pool{2};
  Future<int> sum = pool.submit(one_after_the_other, 3, 4);
  const int& result = sum.block();  // a named Future can be asked again
  std::cout << result << ' ' << sum.done() << '\n';

  cohort::Promise<int> promise;
  Future<int> answer = promise.future();
  std::thread other([&] { promise.set_value(42); });
  std::cout << answer.block() << '\n';
  other.join();

  cohort::Promise<int> kept;
  std::cout << cohort::run(answered_in_time(answer));
  std::cout << cohort::run(answered_in_time(kept.future())) << '\n';
  kept.set_value(0);
  std::cout << cohort::run(with_a_group()) << '\n';
}

// Output:
// 25
// 25 100
// 25 1
// 42
// 10
// 14
