// SPDX-License-Identifier: BSL-1.0
//
// A JoinableQueue: producer, consumers, and the question whether all is done.
//
// `join` waits until every item that was put has also been dealt with: `task_done` says so, once per
// item. An empty queue alone does not tell, because somebody may still be at work on the last item.

#include <cohort/cohort.hpp>

#include <cstddef>
#include <functional>
#include <iostream>
#include <vector>

using cohort::JoinableQueue;
using cohort::Task;

Task<> worker(JoinableQueue<int>& numbers, std::vector<int>& squares) {
  try {
    for (;;) {
      const int number = co_await numbers.get();
      co_await cohort::yield_now();  // work
      squares[static_cast<std::size_t>(number)] = number * number;
      numbers.task_done();
    }
  } catch (const cohort::ShutDown&) {}  // nothing more will come
}

int main() {
  cohort::ThreadPool pool{2};
  JoinableQueue<int> numbers{4};  // the producer is never more than 4 ahead
  std::vector<int> squares(10);

  const auto one = pool.submit(worker, std::ref(numbers), std::ref(squares));
  const auto two = pool.submit(worker, std::ref(numbers), std::ref(squares));

  for (int i = 0; i < 10; ++i) numbers.put(i).block();
  numbers.join().block();  // all ten are done, not only got
  int sum = 0;
  for (const int square : squares) sum += square;
  std::cout << "the sum of the squares is " << sum << '\n';

  numbers.shutdown();
  one.block();
  two.block();
  std::cout << "the workers have gone home\n";
}

// Output:
// the sum of the squares is 285
// the workers have gone home
