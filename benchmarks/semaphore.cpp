// SPDX-License-Identifier: BSL-1.0
// Two permits, four coroutines.

#include <array>
#include <atomic>
#include <cohort/cohort.hpp>
#include <utility>
#include <vector>
#include "bench.hpp"

using cohort::Task;

static std::atomic<int> inside{0};

static Task<> enter(cohort::Semaphore* permits, std::uint64_t times, bool* crowded) {
  for (std::uint64_t i = 0; i < times; ++i) {
    co_await permits->acquire();
    if (inside.fetch_add(1, std::memory_order_relaxed) >= 2) *crowded = true;
    inside.fetch_sub(1, std::memory_order_relaxed);
    permits->release();
  }
}

static Task<> four(cohort::Semaphore* permits, std::uint64_t times) {
  std::array<bool, 4> crowded{};
  std::vector<Task<>> legs;
  for (bool& each : crowded) legs.push_back(enter(permits, times, &each));
  co_await cohort::when_all(std::move(legs));
  for (const bool each : crowded) bench::expect(!each, "more inside than permits");
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const std::uint64_t times = options.size_or(1'000'000);
  cohort::ThreadPool pool{options.threads};
  cohort::Semaphore permits{2};
  const double ms = bench::median_ms(options, [&] { cohort::run(pool, four(&permits, times)); });
  bench::report("semaphore", "4_on_2", options.threads, ms, "ms");
}
