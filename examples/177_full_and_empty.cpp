// SPDX-License-Identifier: BSL-1.0
//
// A queue that is full, and one that is empty: waiting, trying, or an exception.
//
// `put` and `get` wait. `try_put` and `try_get` say no. `put_nowait` and `get_nowait` are Python's:
// they throw. In every case a refused item stays with the caller.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

using namespace std::chrono_literals;

int main() {
  std::cout << std::boolalpha;
  cohort::Queue<std::unique_ptr<int>> queue{3};
  for (int i = 1; i <= 3; ++i) queue.put(std::make_unique<int>(i)).block();
  std::cout << "full: " << queue.full() << ", " << queue.qsize() << " items\n";

  auto fourth = std::make_unique<int>(4);
  std::cout << "try_put: " << queue.try_put(std::move(fourth)) << '\n';
  const bool in_time = queue.put_from(fourth).within(1ms).block();
  std::cout << "put within 1 ms: " << in_time << '\n';
  try {
    queue.put_nowait(std::move(fourth));
  } catch (const cohort::Full& error) {
    std::cout << "put_nowait: " << error.what() << '\n';
  }
  std::cout << "still ours: " << *fourth << '\n';

  for (int i = 0; i < 3; ++i) std::cout << *queue.get().block() << ' ';
  std::cout << "empty: " << queue.empty() << '\n';

  std::cout << "try_get: " << queue.try_get().has_value() << '\n';
  std::cout << "get within 1 ms: " << queue.get().within(1ms).block().has_value() << '\n';
  try {
    (void)queue.get_nowait();
  } catch (const cohort::Empty& error) {
    std::cout << "get_nowait: " << error.what() << '\n';
  }
}

// Output:
// full: true, 3 items
// try_put: false
// put within 1 ms: false
// put_nowait: the queue is full
// still ours: 4
// 1 2 3 empty: true
// try_get: false
// get within 1 ms: false
// get_nowait: the queue is empty
