// SPDX-License-Identifier: BSL-1.0
// Two coroutines wake each other in turn: the cost of one hand-over through an event.

#include <cohort/cohort.hpp>
#include "bench.hpp"

using cohort::Event;
using cohort::Task;

static Task<> answer(Event* ping, Event* pong, std::uint64_t times) {
  for (std::uint64_t i = 0; i < times; ++i) {
    co_await ping->wait();
    ping->clear();
    pong->set();
  }
}

static Task<> ask(Event* ping, Event* pong, std::uint64_t times) {
  for (std::uint64_t i = 0; i < times; ++i) {
    ping->set();
    co_await pong->wait();
    pong->clear();
  }
}

static Task<> game(Event* ping, Event* pong, std::uint64_t times) {
  co_await cohort::when_all(ask(ping, pong, times), answer(ping, pong, times));
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  const std::uint64_t times = options.size_or(500'000);
  cohort::ThreadPool pool{options.threads};
  Event ping;
  Event pong;
  const double ns =
      bench::median_ns(options, [&] { cohort::run(pool, game(&ping, &pong, times)); });
  bench::report("event", "hand_over", options.threads, ns / static_cast<double>(2 * times), "ns");
}
