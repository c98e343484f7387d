// SPDX-License-Identifier: BSL-1.0
// What docs/guide/02-waiting.md shows.
#include <cohort/cohort.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <iostream>
#include <optional>

using namespace std::chrono_literals;
using cohort::Task;

Task<> all_forms(cohort::Queue<int>& queue, cohort::Lock& lock) {
  int item = co_await queue.get();                                  // as long as it takes
  std::optional<int> maybe = co_await queue.get().within(10ms);     // at most that long
  const bool got_it = co_await lock.acquire().within(0ms);          // void: a bool; try once
  std::optional<int> now = queue.try_get();                         // never waits, no co_await
  std::cout << item << ' ' << maybe.value_or(-1) << ' ' << got_it << ' ' << now.value_or(-1)
            << '\n';
  lock.release();
}

void on_a_thread(cohort::Queue<int>& queue, const cohort::StopToken& stop) {
  int item = queue.get().block();                                   // as long as it takes
  std::optional<int> maybe = queue.get().within(10ms).block();      // at most that long
  std::cout << item << ' ' << maybe.value_or(-1) << '\n';
  queue.get().block(stop);                                          // throws Cancelled on a stop
}

Task<int> answer() {
  co_await cohort::sleep_for(1h);
  co_return 42;
}

Task<> limited() {
  const std::optional<int> late = co_await answer().within(1ms);    // cancelled and awaited
  std::cout << late.has_value() << '\n';
  try {
    co_await cohort::timeout(1ms, answer());                        // the same, as an exception
  } catch (const cohort::TimedOut& error) {
    std::cout << error.what() << '\n';
  }
}

Task<> say_goodbye() {
  co_await cohort::sleep_for(1ms);
  std::cout << "goodbye\n";
}

Task<> worker(cohort::Event& started) {
  bool stopped = false;
  try {
    started.set();
    co_await cohort::sleep_for(1h);
  } catch (const cohort::Cancelled&) {
    stopped = true;  // no co_await inside a handler: the language forbids it
  }
  if (stopped) {
    co_await cohort::shield(say_goodbye());
    throw cohort::Cancelled{};
  }
}

int main() {
  cohort::Queue<int> queue;
  cohort::Lock lock;
  queue.put(1).block();
  cohort::run(all_forms(queue, lock));

  queue.put(2).block();
  cohort::StopSource source;
  source.request_stop();
  try {
    on_a_thread(queue, source.token());
  } catch (const cohort::Cancelled&) {
    std::cout << "cancelled\n";
  }
  cohort::run(limited());

  cohort::ThreadPool pool{1};
  cohort::Event started;
  const auto future = pool.submit(worker, std::ref(started));
  started.wait().block();
  future.cancel();
  try {
    future.block();
  } catch (const cohort::Cancelled&) {
    std::cout << future.cancelled() << '\n';
  }
}

// Output:
// 1 -1 1 -1
// 2 -1
// cancelled
// 0
// timed out
// goodbye
// 1
