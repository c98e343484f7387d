// SPDX-License-Identifier: BSL-1.0
//
// Three ways to have ten squares: one after another, all begun first, and map.
//
// `apply` waits for each result before the next is begun: no two at the same time. `apply_async` yields
// a Future at once; begin all, then ask. `map` does that by itself, and keeps the order of its input.
// `close` and `join` are the end: no more work, and all that was begun has ended.

#include <cohort/cohort.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <numeric>
#include <thread>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;

std::atomic<int> working{0};
std::atomic<int> most{0};

int square(int x) {
  const int now = ++working;
  if (now > most) most = now;
  std::this_thread::sleep_for(1ms);  // work
  --working;
  return x * x;
}

void print(const char* what, const std::vector<int>& squares) {
  std::cout << what << ':';
  for (const int x : squares) std::cout << ' ' << x;
  std::cout << '\n';
}

int main() {
  cohort::ThreadPool pool{4};
  std::vector<int> numbers(10);
  std::iota(numbers.begin(), numbers.end(), 1);

  std::vector<int> squares;
  for (const int x : numbers) squares.push_back(pool.apply(square, x).block());
  print("apply", squares);
  std::cout << "at most " << most << " at a time\n";

  std::vector<cohort::Future<int>> begun;
  for (const int x : numbers) begun.push_back(pool.apply_async(square, std::tuple(x)));
  squares.clear();
  for (const auto& each : begun) squares.push_back(each.block());
  print("apply_async", squares);

  print("map", pool.map(square, numbers).block());
  std::cout << "never more than 4 at a time: " << (most <= 4 ? "true" : "false") << '\n';

  pool.close();
  pool.join().block();
}

// Output:
// apply: 1 4 9 16 25 36 49 64 81 100
// at most 1 at a time
// apply_async: 1 4 9 16 25 36 49 64 81 100
// map: 1 4 9 16 25 36 49 64 81 100
// never more than 4 at a time: true
