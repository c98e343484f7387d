// SPDX-License-Identifier: BSL-1.0
// A hundred thousand sleeps at once, of up to 10 ms each; and how late a lone 1 ms sleep ends.

#include <chrono>
#include <cohort/cohort.hpp>
#include "bench.hpp"

using cohort::Task;
using namespace std::chrono_literals;

static Task<> doze(std::uint64_t i) {
  co_await cohort::sleep_for(std::chrono::microseconds(i % 1000 * 10));
}

static Task<> many(std::uint64_t times) {
  // Named first: a capturing lambda inside a co_await expression is destroyed twice by g++ 12.
  auto children = [times](cohort::TaskGroup& group) -> Task<> {
    for (std::uint64_t i = 0; i < times; ++i) group.spawn(doze, i);
    co_return;
  };
  co_await cohort::task_group(children);
}

static Task<> alone(int times) {
  for (int i = 0; i < times; ++i) co_await cohort::sleep_for(1ms);
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const std::uint64_t times = options.size_or(100'000);
  cohort::ThreadPool pool{options.threads};
  double ms = bench::median_ms(options, [&] { cohort::run(pool, many(times)); });
  bench::report("timer", "sleeps", options.threads, ms, "ms");
  constexpr int lone = 200;
  ms = bench::median_ms(options, [&] { cohort::run(pool, alone(lone)); });
  bench::report("timer", "late", options.threads, (ms / lone - 1) * 1e3, "us");
}
