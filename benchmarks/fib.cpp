// SPDX-License-Identifier: BSL-1.0
// Fork-join, as fine as it gets: every number is the sum of two child tasks.

#include <cohort/cohort.hpp>
#include <string>
#include <tuple>
#include "bench.hpp"

using cohort::Task;

static Task<int> fib(int n) {
  if (n < 2) co_return n;
  const auto both = co_await cohort::when_all(fib(n - 1), fib(n - 2));
  co_return std::get<0>(both) + std::get<1>(both);
}

// The price of the tasks alone: the same tree with nothing that could run at the same time.
static Task<int> fib_in_turn(int n) {
  if (n < 2) co_return n;
  const int a = co_await fib_in_turn(n - 1);
  const int b = co_await fib_in_turn(n - 2);
  co_return a + b;
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const int n = static_cast<int>(options.size_or(35));
  cohort::ThreadPool pool{options.threads};
  int result = 0;
  auto measure = [&](const std::string& variant, Task<int> (*tree)(int)) {
    const double ms = bench::median_ms(options, [&] { result = cohort::run(pool, tree(n)); });
    if (n == 35) bench::expect(result == 9227465, "fib 35");
    bench::report("fib", variant, options.threads, ms, "ms");
  };
  measure(std::to_string(n), fib);
  measure("in_turn", fib_in_turn);
}
