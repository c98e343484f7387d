// SPDX-License-Identifier: BSL-1.0
//
// How does a consumer know that nothing more will come?
//
// A queue does not say. So somebody puts a sentinel, after all producers have ended, one for each
// consumer: forget one, and a consumer waits for ever. A queue can also be shut down. A channel knows
// its senders: when the last one is gone the stream ends, and nobody has to count.

#include <cohort/cohort.hpp>

#include <functional>
#include <iostream>
#include <optional>
#include <utility>

using cohort::Task;

// With sentinels: an empty optional.
Task<> produce(cohort::Queue<std::optional<int>>& queue, int first) {
  for (int i = first; i < first + 5; ++i) co_await queue.put(std::optional(i));
}
Task<int> consume(cohort::Queue<std::optional<int>>& queue) {
  int sum = 0;
  while (const auto item = co_await queue.get()) sum += *item;
  co_return sum;
}

// With a channel.
Task<> send_five(cohort::Sender<int> out, int first) {
  for (int i = first; i < first + 5; ++i) co_await out.send(i);
}
Task<int> add_received(cohort::Receiver<int> in) {
  int sum = 0;
  while (const auto item = co_await in.recv()) sum += *item;
  co_return sum;
}

int main() {
  cohort::ThreadPool pool{2};
  {
    cohort::Queue<std::optional<int>> queue{3};
    const auto left = pool.submit(consume, std::ref(queue));
    const auto right = pool.submit(consume, std::ref(queue));
    const auto low = pool.submit(produce, std::ref(queue), 0);
    const auto high = pool.submit(produce, std::ref(queue), 5);
    low.block();
    high.block();  // all producers have ended: only now
    for (int consumer = 0; consumer < 2; ++consumer) queue.put(std::nullopt).block();
    std::cout << "sentinels: " << left.block() + right.block() << '\n';
  }
  {
    auto [tx, rx] = cohort::channel<int>(3);
    const auto left = pool.submit(add_received, rx);
    const auto right = pool.submit(add_received, std::move(rx));
    pool.submit(send_five, tx, 0);
    pool.submit(send_five, std::move(tx), 5);
    std::cout << "channel: " << left.block() + right.block() << '\n';
  }
}

// Output:
// sentinels: 45
// channel: 45
