// SPDX-License-Identifier: BSL-1.0
//
// Timeouts: not waiting for ever.
//
// Everything that waits takes a limit: `.within(duration)` or `.until(time_point)`. Running out of
// time is a normal result, no exception:
//
//   a wait for nothing but the moment   bool          did it come?
//   a wait for a T                      optional<T>   the value, or none
//   recv(), an optional already         Timed<T>      the value, or timed_out() or closed()
//
// A wait that timed out has taken nothing: no item, no permit, no place in the line.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <utility>

using namespace std::chrono_literals;
using cohort::Task;

Task<int> slow_answer() {
  co_await cohort::sleep_for(1h);
  co_return 42;
}

Task<> timeouts() {
  cohort::Event event;
  const bool came = co_await event.wait().within(1ms);
  std::cout << (came ? "the event came\n" : "no event within 1 ms\n");

  cohort::Queue<int> queue{10};
  if (!co_await queue.get().within(1ms)) std::cout << "no item within 1 ms\n";
  co_await queue.put(7);
  if (const auto item = co_await queue.get().within(1ms)) std::cout << "item " << *item << '\n';
  if (!queue.try_get()) std::cout << "try_get() does not wait at all\n";

  auto ends = cohort::channel<int>(1);
  const auto early = co_await ends.rx.recv().within(1ms);
  if (early.timed_out()) std::cout << "nothing received yet\n";
  ends.tx.close();
  const auto late = co_await ends.rx.recv().within(1ms);
  if (late.closed()) std::cout << "nothing more to receive\n";

  // A whole task can be limited, too. It is cancelled when the time is over, and only when it has
  // ended does the wait.
  const auto answer = co_await slow_answer().within(1ms);
  std::cout << (answer ? "an answer\n" : "no answer within 1 ms\n");

  // Where a timeout is a failure, `timeout` makes it an exception.
  try {
    co_await cohort::timeout(1ms, slow_answer());
  } catch (const cohort::TimedOut& error) {
    std::cout << "an exception: " << error.what() << '\n';
  }
}

int main() {
  cohort::run(timeouts());

  cohort::Lock lock;
  lock.acquire().block();
  const bool acquired = lock.acquire().within(1ms).block();  // the same on a plain thread
  std::cout << (acquired ? "took a lock twice?\n" : "no lock within 1 ms\n");
}

// Output:
// no event within 1 ms
// no item within 1 ms
// item 7
// try_get() does not wait at all
// nothing received yet
// nothing more to receive
// no answer within 1 ms
// an exception: timed out
// no lock within 1 ms
