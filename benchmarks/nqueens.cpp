// SPDX-License-Identifier: BSL-1.0
// Fork-join with a number of children known only at run time: a task for each place that is free.

#include <array>
#include <cohort/cohort.hpp>
#include <utility>
#include <vector>
#include "bench.hpp"

constexpr int n = 13;
using Rows = std::array<char, n>;

static cohort::Task<int> place(int row, Rows rows) {
  if (row == n) co_return 1;
  std::vector<cohort::Task<int>> children;
  for (int column = 0; column < n; ++column) {
    if (!bench::may_place(rows, row, column)) continue;
    rows[static_cast<std::size_t>(row)] = static_cast<char>(column);
    children.push_back(place(row + 1, rows));
  }
  const auto found = co_await cohort::when_all(std::move(children));
  int total = 0;
  for (const int each : found) total += each;
  co_return total;
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  cohort::ThreadPool pool{options.threads};
  const Rows none{};
  int total = 0;
  const double ms = bench::median_ms(options, [&] { total = cohort::run(pool, place(0, none)); });
  bench::expect(total == bench::queens_answer(n), "nqueens");
  bench::report("nqueens", std::to_string(n), options.threads, ms, "ms");
}
