// SPDX-License-Identifier: BSL-1.0
// oneTBB: a task_group of ten at every node, the tenth run by the node itself.

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <array>
#include "../bench.hpp"

static std::uint64_t tree(std::uint64_t first, std::uint64_t leaves) {
  if (leaves == 1) return first;
  const std::uint64_t part = leaves / 10;
  std::array<std::uint64_t, 10> sums;
  tbb::task_group children;
  for (std::uint64_t i = 0; i < 9; ++i)
    children.run([&sums, first, part, i] { sums[i] = tree(first + i * part, part); });
  children.run_and_wait([&] { sums[9] = tree(first + 9 * part, part); });
  std::uint64_t total = 0;
  for (const auto sum : sums) total += sum;
  return total;
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const std::uint64_t leaves = options.size_or(10'000'000);
  tbb::global_control limit(tbb::global_control::max_allowed_parallelism, options.threads);
  tbb::task_arena arena(static_cast<int>(options.threads));
  std::uint64_t sum = 0;
  const double ms =
      bench::median_ms(options, [&] { arena.execute([&] { sum = tree(0, leaves); }); });
  bench::expect(sum == bench::sum_below(leaves), "skynet");
  bench::report("skynet", std::to_string(leaves), options.threads, ms, "ms");
}
