// SPDX-License-Identifier: BSL-1.0
// One lock, four coroutines. An empty section rewards whoever runs everything on one thread, so
// there is a second measurement with 1 us of work inside and 4 us outside, and the longest wait.

#include <array>
#include <cohort/cohort.hpp>
#include <utility>
#include <vector>
#include "bench.hpp"

using cohort::Lock;
using cohort::Task;

static std::uint64_t counter = 0;  // guarded by the lock: a wrong sum is a broken lock
static std::array<double, 4> longest;

static Task<> acquire(Lock* lock, std::uint64_t times, std::size_t) {
  for (std::uint64_t i = 0; i < times; ++i) {
    co_await lock->acquire();
    ++counter;
    lock->release();
  }
}

static Task<> hold(Lock* lock, std::uint64_t times, std::size_t) {
  for (std::uint64_t i = 0; i < times; ++i) {
    const auto held = co_await lock->hold();
    ++counter;
  }
}

static Task<> work(Lock* lock, std::uint64_t times, std::size_t me) {
  for (std::uint64_t i = 0; i < times; ++i) {
    const double asked = bench::now_ns();
    co_await lock->acquire();
    longest[me] = std::max(longest[me], bench::now_ns() - asked);
    bench::work_for_ns(1000);
    ++counter;
    lock->release();
    bench::work_for_ns(4000);
  }
}

using Body = Task<>(Lock*, std::uint64_t, std::size_t);

static Task<> four(Body* body, Lock* lock, std::uint64_t times) {
  std::vector<Task<>> legs;
  for (std::size_t me = 0; me < 4; ++me) legs.push_back(body(lock, times, me));
  co_await cohort::when_all(std::move(legs));
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const std::uint64_t times = options.size_or(1'000'000);
  cohort::ThreadPool pool{options.threads};
  Lock lock;
  auto measure = [&](const char* variant, Body* body, std::uint64_t each) {
    const double ms = bench::median_ms(options, [&] {
      counter = 0;
      longest.fill(0);
      cohort::run(pool, four(body, &lock, each));
      bench::expect(counter == 4 * each, variant);
    });
    bench::report("lock", variant, options.threads, ms, "ms");
  };
  measure("empty", acquire, times);
  measure("empty/hold", hold, times);
  measure("work", work, std::max<std::uint64_t>(1, times / 50));
  bench::report("lock", "longest_wait", options.threads,
                *std::max_element(longest.begin(), longest.end()) / 1e3, "us");
}
