// SPDX-License-Identifier: BSL-1.0
// One sender, one receiver, a bounded channel between them: the ordinary one, and the one that
// was promised a single sender and a single receiver; that one also in batches at both ends, and at
// the receiver's alone.

#include <algorithm>
#include <cohort/cohort.hpp>
#include <utility>
#include <vector>
#include "bench.hpp"

using cohort::Task;
using Number = std::uint64_t;

template <class Sender>
static Task<> produce(Sender given, Number items) {
  // A parameter lives as long as the frame; this copy goes, and ends the stream, with the loop.
  const Sender tx = std::move(given);
  for (Number i = 0; i < items; ++i) co_await tx.send(i);
}

template <class Sender>
static Task<> produce_many(Sender given, Number items) {
  const Sender tx = std::move(given);
  const Number size = std::min<Number>(tx.capacity(), 64);
  std::vector<Number> batch;
  for (Number i = 0; i < items;) {
    for (const Number end = std::min(items, i + size); i < end; ++i) batch.push_back(i);
    co_await tx.send_many(batch);
  }
}

template <class Receiver>
static Task<Number> consume(Receiver rx) {
  Number sum = 0;
  while (const auto item = co_await rx.recv()) sum += *item;
  co_return sum;
}

template <class Receiver>
static Task<Number> consume_many(Receiver rx) {
  Number sum = 0;
  std::vector<Number> batch;
  while (co_await rx.recv_many(batch, 1024) != 0) {
    for (const Number item : batch) sum += item;
    batch.clear();
  }
  co_return sum;
}

enum class Batches { none, received, both };

template <class Ends>
static Task<Number> both(Ends ends, Number items, Batches batches) {
  auto sending = batches == Batches::both ? produce_many(std::move(ends.tx), items)
                                          : produce(std::move(ends.tx), items);
  auto receiving =
      batches == Batches::none ? consume(std::move(ends.rx)) : consume_many(std::move(ends.rx));
  const auto results = co_await cohort::when_all(std::move(sending), std::move(receiving));
  co_return std::get<1>(results);
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const Number items = options.size_or(10'000'000);
  cohort::ThreadPool pool{options.threads};
  auto measure = [&](const std::string& variant, auto make, Batches batches = Batches::none) {
    if (!options.wants(variant)) return;
    const double ms = bench::median_ms(options, [&] {
      const Number sum = cohort::run(pool, both(make(), items, batches));
      bench::expect(sum == bench::sum_below(items), "channel");
    });
    bench::report("channel_one", variant, options.threads, ms, "ms");
  };
  for (const std::size_t capacity : {std::size_t{64}, std::size_t{1024}}) {
    const std::string name = "cap" + std::to_string(capacity);
    const auto one_to_one = [=] { return cohort::channel<Number>(capacity, cohort::one_to_one); };
    measure(name, one_to_one);
    measure(name + "/many", one_to_one, Batches::both);
    measure(name + "/recv_many", one_to_one, Batches::received);
    measure(name + "/shared", [=] { return cohort::channel<Number>(capacity); });
  }
}
