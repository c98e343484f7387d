// SPDX-License-Identifier: BSL-1.0
// What is built on something else beside what it is built on: RLock and Lock; JoinableQueue, Pipe and
// Queue; the pool's face and submit. Nanoseconds for each item, acquisition or task.

#include <cohort/cohort.hpp>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>
#include "bench.hpp"

using cohort::Task;
using Number = std::uint64_t;

template <class Lock>
static Task<Number> acquire(Lock* lock, Number times) {
  Number count = 0;
  for (Number i = 0; i < times; ++i) {
    co_await lock->acquire();
    ++count;
    lock->release();
  }
  co_return count;
}

template <class Put>
static Task<> produce(Put put, Number items) {
  for (Number i = 0; i < items; ++i) co_await put(i);
}
template <class Get, class Done>
static Task<Number> consume(Get get, Done done, Number items) {
  Number sum = 0;
  for (Number i = 0; i < items; ++i) {
    sum += co_await get();
    done();
  }
  co_return sum;
}
template <class Put, class Get, class Done>
static Task<Number> both(Put put, Get get, Done done, Number items) {
  const auto results = co_await cohort::when_all(produce(put, items), consume(get, done, items));
  co_return std::get<1>(results);
}

static Number same(Number i) { return i; }

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const Number items = options.size_or(1'000'000);
  cohort::ThreadPool pool{options.threads};
  const auto measure = [&](const char* variant, auto body) {
    if (!options.wants(variant)) return;
    const double ns = bench::median_ns(options, body);
    bench::report("kin", variant, options.threads, ns / static_cast<double>(items), "ns");
  };
  const auto lock = [&](auto& of) {
    bench::expect(cohort::run(pool, acquire(&of, items)) == items, "lock");
  };
  measure("lock", [&] {
    cohort::Lock of;
    lock(of);
  });
  measure("rlock", [&] {
    cohort::RLock of;
    lock(of);
  });

  const auto stream = [&](auto put, auto get, auto done) {
    const Number sum = cohort::run(pool, both(put, get, done, items));
    bench::expect(sum == bench::sum_below(items), "queue");
  };
  measure("queue", [&] {
    cohort::Queue<Number> queue{64};
    stream([&](Number i) { return queue.put(i); }, [&] { return queue.get(); }, [] {});
  });
  measure("joinable_queue", [&] {
    cohort::JoinableQueue<Number> queue{64};
    const auto done = [&] { queue.task_done(); };
    stream([&](Number i) { return queue.put(i); }, [&] { return queue.get(); }, done);
  });
  measure("pipe", [&] {
    auto [left, right] = cohort::Pipe<Number>();
    const auto* const writer = &left;
    const auto* const reader = &right;
    stream([=](Number i) { return writer->send(i); }, [=] { return reader->recv(); }, [] {});
  });

  std::vector<Number> numbers(items);
  std::iota(numbers.begin(), numbers.end(), Number{0});
  measure("submit", [&] {
    std::vector<cohort::Future<Number>> futures;
    futures.reserve(items);
    for (const Number i : numbers) futures.push_back(pool.submit(same, i));
    Number sum = 0;
    for (auto& future : futures) sum += future.block();
    bench::expect(sum == bench::sum_below(items), "submit");
  });
  measure("map", [&] {
    const auto results = pool.map(same, numbers, 1).block();
    const Number sum = std::accumulate(results.begin(), results.end(), Number{0});
    bench::expect(sum == bench::sum_below(items), "map");
  });
  measure("apply_async", [&] {
    std::vector<cohort::Future<Number>> futures;
    futures.reserve(items);
    for (const Number i : numbers) futures.push_back(pool.apply_async(same, std::tuple(i)));
    Number sum = 0;
    for (auto& future : futures) sum += future.block();
    bench::expect(sum == bench::sum_below(items), "apply_async");
  });
}
