// SPDX-License-Identifier: BSL-1.0
// oneTBB: a task_group at every node, one task for each place that is free.

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <array>
#include "../bench.hpp"

constexpr int n = 13;
using Rows = std::array<char, n>;

static int place(int row, Rows rows) {
  if (row == n) return 1;
  std::array<int, n> found;
  std::size_t legs = 0;
  tbb::task_group children;
  for (int column = 0; column < n; ++column) {
    if (!bench::may_place(rows, row, column)) continue;
    rows[static_cast<std::size_t>(row)] = static_cast<char>(column);
    children.run([&found, leg = legs++, row, rows] { found[leg] = place(row + 1, rows); });
  }
  children.wait();
  int total = 0;
  for (std::size_t leg = 0; leg < legs; ++leg) total += found[leg];
  return total;
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  tbb::global_control limit(tbb::global_control::max_allowed_parallelism, options.threads);
  tbb::task_arena arena(static_cast<int>(options.threads));
  int total = 0;
  const double ms =
      bench::median_ms(options, [&] { arena.execute([&] { total = place(0, Rows{}); }); });
  bench::expect(total == bench::queens_answer(n), "nqueens");
  bench::report("nqueens", std::to_string(n), options.threads, ms, "ms");
}
