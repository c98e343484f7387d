// SPDX-License-Identifier: BSL-1.0
//
// Cancellation: asking a task to stop.
//
// Nothing is killed. A request makes the task's current wait, and every later one, throw Cancelled,
// so that its destructors run and it ends as from any exception. Cancelled derives from nothing: a
// `catch (const std::exception&)` lets it pass, and so should you, after cleaning up.
//
// Who can ask: `future.cancel()`, a StopSource for a task started with its token, and all that
// cancels by itself: timeouts, task groups, `when_any`.

#include <cohort/cohort.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;
using cohort::Task;

struct Farewell {
  ~Farewell() { std::cout << "destructors run\n"; }
};

Task<> write_log(const char* line) {
  co_await cohort::sleep_for(1ms);
  std::cout << line << '\n';
}

Task<> worker(cohort::Event& started) {
  const Farewell farewell;
  bool cancelled = false;
  try {
    started.set();
    co_await cohort::sleep_for(1h);
  } catch (const cohort::Cancelled&) {
    cancelled = true;  // a handler cannot contain co_await, so the clean-up comes below
  }
  if (cancelled) {
    co_await cohort::shield(write_log("a shielded wait is finished all the same"));
    co_await cohort::checkpoint();  // an ordinary wait throws again
    std::cout << "never printed\n";
  }
}

// A task that has nothing to wait for passes a checkpoint now and then.
Task<> count_sheep() {
  for (;;) co_await cohort::checkpoint();
}

int main() {
  cohort::ThreadPool pool{1};
  cohort::Event started;
  const auto future = pool.submit(worker, std::ref(started));
  started.wait().block();
  future.cancel();
  try {
    future.block();
  } catch (const cohort::Cancelled&) {
    std::cout << "the worker was cancelled: " << std::boolalpha << future.cancelled() << '\n';
  }

  const cohort::StopSource source;
  std::thread other([&] { source.request_stop(); });
  try {
    cohort::run(count_sheep(), source.token());
  } catch (const cohort::Cancelled&) {
    std::cout << "and so were the sheep\n";
  }
  other.join();
}

// Output:
// a shielded wait is finished all the same
// destructors run
// the worker was cancelled: true
// and so were the sheep
