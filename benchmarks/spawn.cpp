// SPDX-License-Identifier: BSL-1.0
// Starting tasks from inside the pool: whose Future is dropped, whose Future is awaited at once,
// and as children of a group.

#include <atomic>
#include <cohort/cohort.hpp>
#include "bench.hpp"

using cohort::Task;

static std::atomic<std::uint64_t> finished{0};

static Task<> count() {
  finished.fetch_add(1, std::memory_order_relaxed);
  co_return;
}

static Task<> dropped(cohort::ThreadPool* pool, std::uint64_t times) {
  for (std::uint64_t i = 0; i < times; ++i) (void)cohort::spawn(*pool, count);
  while (finished.load(std::memory_order_relaxed) < times) co_await cohort::yield_now();
}

static Task<> awaited(cohort::ThreadPool* pool, std::uint64_t times) {
  for (std::uint64_t i = 0; i < times; ++i) co_await cohort::spawn(*pool, count);
}

static Task<> grouped(cohort::ThreadPool*, std::uint64_t times) {
  // Named first: a capturing lambda inside a co_await expression is destroyed twice by g++ 12.
  auto children = [times](cohort::TaskGroup& group) -> Task<> {
    for (std::uint64_t i = 0; i < times; ++i) group.spawn(count);
    co_return;
  };
  co_await cohort::task_group(children);
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const std::uint64_t times = options.size_or(1'000'000);
  cohort::ThreadPool pool{options.threads};
  auto measure = [&](const char* variant, Task<> (*body)(cohort::ThreadPool*, std::uint64_t)) {
    const double ns = bench::median_ns(options, [&] {
      finished = 0;
      cohort::run(pool, body(&pool, times));
      bench::expect(finished.load() == times, variant);
    });
    bench::report("spawn", variant, options.threads, ns / static_cast<double>(times), "ns");
  };
  measure("dropped", dropped);
  measure("awaited", awaited);
  measure("group", grouped);
}
