// SPDX-License-Identifier: BSL-1.0
// What docs/guide/03-executors.md shows.
#include <cohort/cohort.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <iostream>
#include <string>

using namespace std::chrono_literals;
using cohort::Task;

int twice(int x) { return 2 * x; }

Task<int> twice_later(int x) {
  co_await cohort::sleep_for(1ms);
  co_return twice(x);
}

// Blocks a thread of the pool until another task of that pool has ended. Fine in a plain function.
int ask(cohort::ThreadPool& pool) { return pool.submit(twice, 21).block(); }

Task<> add(int* balance, int amount) {
  *balance += amount;
  co_return;
}

Task<std::string> load(cohort::ThreadPool& pool) {
  co_await pool.schedule();  // from here on, on a thread of the pool
  co_return "loaded";
}

Task<> blocks() {
  cohort::sleep_for(1ms).block();
  co_return;
}

int main() {
  cohort::ThreadPool pool{1};
  std::cout << pool.submit(twice, 1).block() << ' ';           // a function
  std::cout << pool.submit(twice_later, 2).block() << ' ';     // a coroutine function
  std::cout << cohort::run(pool, twice_later(3)) << '\n';      // a task

  std::cout << pool.submit(ask, std::ref(pool)).block() << '\n';

  cohort::EventLoop loop;
  const auto first = loop.submit(twice_later, 5);
  const auto second = loop.submit(twice, 5);
  std::cout << first.block() << '\n';  // drives the loop on this thread
  loop.run();                          // until no task is left
  std::cout << second.done() << '\n';

  cohort::Strand strand{pool};
  int balance = 0;
  for (int i = 1; i <= 100; ++i) spawn(strand, add, &balance, i);
  strand.shutdown().block();  // no more work; done when what was begun has ended
  std::cout << balance << '\n';

  std::cout << cohort::run(load(pool)) << '\n';

  cohort::PolicyExecutor<cohort::ShortestJobFirst> shortest{1};
  const auto hour = shortest.submit(cohort::With{.estimate = 1h}, twice, 30);
  const auto minute = shortest.submit(cohort::With{.estimate = 1min}, twice, 1);
  std::cout << hour.block() + minute.block() << '\n';

  cohort::EventLoop machine{cohort::LoopTime::simulated};
  cohort::PolicyExecutor on_it{machine, cohort::RoundRobin{10ms}};
  const auto work = on_it.submit([&machine] { machine.advance(30ms); });  // takes 30 ms there
  work.block();

  cohort::EventLoop simulated{cohort::LoopTime::simulated};
  cohort::run(simulated, cohort::timeout(2h, twice_later(1)));  // no real time passes
  try {
    cohort::run(blocks());
  } catch (const cohort::UsageError& error) {
    std::cout << error.what() << '\n';
  }
}

// Output:
// 2 4 6
// 42
// 10
// 1
// 5050
// loaded
// 62
// block() inside a coroutine would stop everything else on this thread: write `co_await operation;` instead of `operation.block();`
