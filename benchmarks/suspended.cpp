// SPDX-License-Identifier: BSL-1.0
// A million tasks that all wait for one event: memory of each, and the cost of starting and of
// resuming it. "cold" includes the page faults of memory that was never used before.

#include <atomic>
#include <cohort/cohort.hpp>
#include "bench.hpp"

using cohort::Event;
using cohort::Task;

static std::atomic<std::uint64_t> standing{0};
static std::atomic<std::uint64_t> finished{0};

static Task<> stand(Event* event) {
  standing.fetch_add(1, std::memory_order_relaxed);
  co_await event->wait();
  finished.fetch_add(1, std::memory_order_relaxed);
}

static Task<> reach(const std::atomic<std::uint64_t>* counter, std::uint64_t goal) {
  while (counter->load(std::memory_order_relaxed) < goal) co_await cohort::yield_now();
}

struct Round {
  cohort::ThreadPool* pool;
  std::uint64_t tasks;
  const char* flavour;
  const char* mark;       ///< "_cold" or ""
  bool first_in_process;  ///< later ones run in memory that is resident already
  Event event{};
  double before = 0;
  double start = 0;

  void begin() {
    standing = 0;
    finished = 0;
    before = bench::resident_bytes();
    start = bench::now_ns();
  }

  void tell(const std::string& what, double value, const char* unit) const {
    bench::report("suspended", what + flavour, static_cast<unsigned>(pool->concurrency()),
                  value / static_cast<double>(tasks), unit);
  }

  Task<> end() {
    co_await reach(&standing, tasks);
    tell(std::string("spawn") + mark, bench::now_ns() - start, "ns");
    if (first_in_process) tell("bytes", bench::resident_bytes() - before, "B");
    const double setting = bench::now_ns();
    event.set();
    co_await reach(&finished, tasks);
    tell(std::string("resume") + mark, bench::now_ns() - setting, "ns");
  }
};

static Task<> spawned(Round* round) {
  round->begin();
  for (std::uint64_t i = 0; i < round->tasks; ++i)
    (void)cohort::spawn(*round->pool, stand, &round->event);
  co_await round->end();
}

static Task<> fill(cohort::TaskGroup& group, Round* round) {
  for (std::uint64_t i = 0; i < round->tasks; ++i) group.spawn(stand, &round->event);
  co_await round->end();
}

static Task<> grouped(Round* round) {
  round->begin();
  auto children = [round](cohort::TaskGroup& group) { return fill(group, round); };
  co_await cohort::task_group(children);
}

int main(int argc, char** argv) {
  const auto options = bench::parse(argc, argv);
  bool first = true;
  auto measure = [&](const char* flavour, Task<> (*body)(Round*)) {
    cohort::ThreadPool pool{options.threads};
    for (const char* mark : {"_cold", ""}) {
      Round round{&pool, options.size_or(1'000'000), flavour, mark, first};
      cohort::run(pool, body(&round));
      first = false;
    }
  };
  if (options.wants("spawn")) measure("", spawned);
  if (options.wants("group")) measure("/group", grouped);
}
