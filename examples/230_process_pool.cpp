// SPDX-License-Identifier: BSL-1.0
//
// A pool of processes: apply, submit, and the end.
//
// `apply` waits for its one result, so nothing is concurrent; `submit` gives a future at once, so
// submit all and then wait. The function is an ordinary one, or a coroutine function; arguments and
// results travel. An exception comes back as what it was.

#include <cohort/cohort.hpp>

#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

using cohort::Future;
using cohort::ProcessPool;
using cohort::Task;

int square(int x) { return x * x; }

Task<int> square_later(int x) {
  co_await cohort::yield_now();  // on the worker's own event loop
  co_return x* x;
}

std::string repeat(const std::string& word, int times) {
  if (times < 0) throw std::out_of_range("less than nothing");
  std::string text;
  for (int i = 0; i < times; ++i) text += word;
  return text;
}

int pid() { return cohort::current_process().pid(); }

int main() try {
  cohort::freeze_support();
  ProcessPool pool{2};
  std::cout << "apply:";
  for (int i = 1; i <= 10; ++i) std::cout << ' ' << pool.apply(square, i).block();

  std::vector<Future<int>> squares;
  for (int i = 1; i <= 10; ++i) squares.push_back(pool.submit(square_later, i));
  std::cout << "\nsubmit:";
  for (const auto& each : squares) std::cout << ' ' << each.block();

  std::cout << "\nnot in this process: " << (pool.submit(pid).block() != pid()) << '\n';
  std::cout << pool.submit(repeat, "ho", 3).block() << '\n';
  const auto failed = pool.submit(repeat, "ho", -1);
  try {
    failed.block();
  } catch (const std::out_of_range& error) {
    std::cout << error.what() << '\n';
  }

  const auto last = pool.submit(square, 12);
  pool.close();         // no more work
  pool.join().block();  // all that was begun has ended
  std::cout << "in the end: " << last.block() << '\n';
  try {
    pool.submit(square, 13);
  } catch (const cohort::ShutDown&) {
    std::cout << "closed\n";
  }
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// apply: 1 4 9 16 25 36 49 64 81 100
// submit: 1 4 9 16 25 36 49 64 81 100
// not in this process: 1
// hohoho
// less than nothing
// in the end: 144
// closed
