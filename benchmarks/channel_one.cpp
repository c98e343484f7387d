// SPDX-License-Identifier: BSL-1.0
// One sender, one receiver, a bounded channel between them: the ordinary one, and the one that
// was promised a single sender and a single receiver.

#include <cohort/cohort.hpp>
#include <utility>
#include "bench.hpp"

using cohort::Task;
using Number = std::uint64_t;

template <class Sender>
static Task<> produce(Sender given, Number items) {
  // A parameter lives as long as the frame; this copy goes, and ends the stream, with the loop.
  const Sender tx = std::move(given);
  for (Number i = 0; i < items; ++i) co_await tx.send(i);
}

template <class Receiver>
static Task<Number> consume(Receiver rx) {
  Number sum = 0;
  while (const auto item = co_await rx.recv()) sum += *item;
  co_return sum;
}

template <class Ends>
static Task<Number> both(Ends ends, Number items) {
  auto sending = produce(std::move(ends.tx), items);
  auto receiving = consume(std::move(ends.rx));
  const auto results = co_await cohort::when_all(std::move(sending), std::move(receiving));
  co_return std::get<1>(results);
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const Number items = options.size_or(10'000'000);
  cohort::ThreadPool pool{options.threads};
  auto measure = [&](const std::string& variant, auto make) {
    const double ms = bench::median_ms(options, [&] {
      const Number sum = cohort::run(pool, both(make(), items));
      bench::expect(sum == bench::sum_below(items), "channel");
    });
    bench::report("channel_one", variant, options.threads, ms, "ms");
  };
  for (const std::size_t capacity : {std::size_t{64}, std::size_t{1024}}) {
    const std::string name = "cap" + std::to_string(capacity);
    measure(name, [=] { return cohort::channel<Number>(capacity, cohort::one_to_one); });
    measure(name + "/shared", [=] { return cohort::channel<Number>(capacity); });
  }
}
