// SPDX-License-Identifier: BSL-1.0
// What it costs to create a task and to await it, when it completes at once.

#include <cohort/cohort.hpp>
#include "bench.hpp"

using cohort::Task;

static Task<std::uint64_t> one(std::uint64_t i) { co_return i; }

static Task<std::uint64_t> loop(std::uint64_t times) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < times; ++i) sum += co_await one(i);
  co_return sum;
}

// An operation that is ready needs no frame: the cost of the await alone.
static Task<std::uint64_t> ready(std::uint64_t times) {
  cohort::Semaphore free{1};
  for (std::uint64_t i = 0; i < times; ++i) {
    co_await free.acquire();
    free.release();
  }
  co_return bench::sum_below(times);
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const std::uint64_t times = options.size_or(10'000'000);
  cohort::ThreadPool pool{options.threads};
  auto measure = [&](const char* variant, Task<std::uint64_t> (*body)(std::uint64_t)) {
    const double ns = bench::median_ns(options, [&] {
      bench::expect(cohort::run(pool, body(times)) == bench::sum_below(times), variant);
    });
    bench::report("task", variant, options.threads, ns / static_cast<double>(times), "ns");
  };
  measure("create_await", loop);
  measure("ready_await", ready);
}
