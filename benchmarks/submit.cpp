// SPDX-License-Identifier: BSL-1.0
// Handing functions to the pool from a plain thread: many at once, and one at a time.

#include <cohort/cohort.hpp>
#include <vector>
#include "bench.hpp"

static std::uint64_t same(std::uint64_t i) { return i; }

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const std::uint64_t many = options.size_or(1'000'000);
  const std::uint64_t few = many / 20 + 1;
  cohort::ThreadPool pool{options.threads};
  double ns = bench::median_ns(options, [&] {
    std::vector<cohort::Future<std::uint64_t>> futures;
    futures.reserve(many);
    for (std::uint64_t i = 0; i < many; ++i) futures.push_back(pool.submit(same, i));
    std::uint64_t sum = 0;
    for (auto& future : futures) sum += future.block();
    bench::expect(sum == bench::sum_below(many), "submit");
  });
  bench::report("submit", "many", options.threads, ns / static_cast<double>(many), "ns");
  ns = bench::median_ns(options, [&] {
    for (std::uint64_t i = 0; i < few; ++i)
      bench::expect(pool.submit(same, i).block() == i, "round trip");
  });
  bench::report("submit", "round_trip", options.threads, ns / static_cast<double>(few), "ns");
}
