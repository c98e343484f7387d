// SPDX-License-Identifier: BSL-1.0
// What docs/guide/12-coming-from-python.md shows.
#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cohort::Task;

Task<> produce(cohort::Sender<int> out) {
  for (int i = 0; i < 3; ++i) co_await out.send(i);
}  // the last sender goes: that is the end of the stream

Task<> consume(cohort::Receiver<int> in) {
  while (const auto item = co_await in.recv()) std::cout << *item << '\n';
}

Task<> shop() {
  auto ends = cohort::channel<int>(10);
  co_await cohort::when_all(produce(std::move(ends.tx)), consume(ends.rx));
}

void waiting(cohort::Queue<std::string>& queue, cohort::Lock& lock) {
  queue.put("item").block();                                          // queue.put("item")
  std::string item = queue.get().block();                             // queue.get()
  std::optional<std::string> maybe = queue.get().within(1ms).block();  // queue.get(timeout=0.001)
  std::optional<std::string> now = queue.try_get();                   // queue.get(block=False)
  {
    const auto held = lock.hold().block();                            // with lock:
  }
  const bool got_it = lock.acquire().within(1s).block();              // lock.acquire(timeout=1)
  std::cout << item << ' ' << maybe.has_value() << now.has_value() << got_it << '\n';
  lock.release();
}

int square(int x) { return x * x; }

void pools() {
  cohort::ThreadPool pool{4};                                         // with Pool(4) as pool:
  std::vector<int> numbers{1, 2, 3};
  std::vector<int> squares = pool.map(square, numbers).block();       //     pool.map(square, numbers)
  int one = pool.apply(square, 5).block();                            //     pool.apply(square, (5,))
  const cohort::Future<int> later = pool.submit(square, 6);           //     pool.apply_async(square, (6,))
  std::cout << squares[2] << ' ' << one << ' ' << later.block() << '\n';
}

int main() {
  cohort::run(shop());
  cohort::Queue<std::string> queue;
  cohort::Lock lock;
  waiting(queue, lock);
  pools();
}

// Output:
// 0
// 1
// 2
// item 001
// 9 25 36
