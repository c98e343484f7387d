// SPDX-License-Identifier: BSL-1.0
// Fork-join with a number of children known only at run time: a task for each place that is free.

#include <array>
#include <cohort/cohort.hpp>
#include <ranges>
#include "bench.hpp"

constexpr int n = 13;
using Rows = std::array<char, n>;

static cohort::Task<int> place(int row, Rows rows) {
  if (row == n) co_return 1;
  auto children =
      std::views::iota(0, n) |
      std::views::filter([&](int column) { return bench::may_place(rows, row, column); }) |
      std::views::transform([&](int column) {
        rows[static_cast<std::size_t>(row)] = static_cast<char>(column);
        return place(row + 1, rows);
      });
  const auto found = co_await cohort::when_all(children);
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
