// SPDX-License-Identifier: BSL-1.0
// oneTBB: both halves offered to the scheduler by parallel_invoke.

#include <tbb/global_control.h>
#include <tbb/parallel_invoke.h>
#include <tbb/task_arena.h>
#include "../bench.hpp"

static int fib(int n) {
  if (n < 2) return n;
  int a = 0;
  int b = 0;
  tbb::parallel_invoke([&] { a = fib(n - 1); }, [&] { b = fib(n - 2); });
  return a + b;
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const int n = static_cast<int>(options.size_or(35));
  tbb::global_control limit(tbb::global_control::max_allowed_parallelism, options.threads);
  tbb::task_arena arena(static_cast<int>(options.threads));
  int result = 0;
  const double ms = bench::median_ms(options, [&] { arena.execute([&] { result = fib(n); }); });
  if (n == 35) bench::expect(result == 9227465, "fib 35");
  bench::report("fib", std::to_string(n), options.threads, ms, "ms");
}
