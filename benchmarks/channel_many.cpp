// SPDX-License-Identifier: BSL-1.0
// As many senders as receivers on one bounded channel.

#include <atomic>
#include <cohort/cohort.hpp>
#include <utility>
#include <vector>
#include "bench.hpp"

using cohort::Task;
using Number = std::uint64_t;

static Task<> produce(cohort::Sender<Number> given, Number items) {
  // A parameter lives as long as the frame; this copy goes with the loop, and when the last one
  // is gone the receivers see the end.
  const cohort::Sender<Number> tx = std::move(given);
  for (Number i = 0; i < items; ++i) co_await tx.send(i);
}

static Task<> consume(cohort::Receiver<Number> rx, std::atomic<Number>* total) {
  Number sum = 0;
  while (const auto item = co_await rx.recv()) sum += *item;
  total->fetch_add(sum);
}

static Task<Number> all(std::size_t capacity, Number sides, Number items) {
  std::atomic<Number> total{0};
  std::vector<Task<>> legs;
  {
    auto ends = cohort::channel<Number>(capacity);
    for (Number side = 0; side < sides; ++side) {
      legs.push_back(consume(ends.rx, &total));
      legs.push_back(produce(ends.tx, items / sides));
    }
  }
  co_await cohort::when_all(std::move(legs));
  co_return total.load();
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const Number items = options.size_or(10'000'000);
  cohort::ThreadPool pool{options.threads};
  for (const Number sides : {Number{1}, Number{4}}) {
    const double ms = bench::median_ms(options, [&] {
      const Number sum = cohort::run(pool, all(1024, sides, items));
      bench::expect(sum == sides * bench::sum_below(items / sides), "channel");
    });
    const std::string side = std::to_string(sides);
    bench::report("channel_many", side + ":" + side, options.threads, ms, "ms");
  }
}
