// SPDX-License-Identifier: BSL-1.0
// What docs/guide/04-channels-and-queues.md shows.
#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
using cohort::Receiver;
using cohort::Sender;
using cohort::Task;

Task<> produce(Sender<std::string> out) {
  co_await out.send("bread");
  co_await out.send("butter");
}  // the last sender goes: the stream ends

Task<> consume(Receiver<std::string> in) {
  while (const auto item = co_await in.recv()) std::cout << *item << '\n';
  std::cout << "that was all\n";
}

Task<> shop() {
  auto ends = cohort::channel<std::string>(1);
  co_await cohort::when_all(produce(std::move(ends.tx)), consume(ends.rx));
}

Task<> impatient(Receiver<int> in) {
  const auto item = co_await in.recv().within(1ms);
  if (item) {
    std::cout << *item << '\n';
  } else if (item.timed_out()) {
    std::cout << "nothing yet\n";
  } else {
    std::cout << "closed\n";
  }
}

Task<> in_batches(Sender<int> out) {
  std::vector<int> numbers{1, 2, 3, 4, 5};
  co_await out.send_many(numbers);  // in order; waits for room as often as it takes
  std::cout << numbers.size() << " left\n";
}

Task<> add_up(Receiver<int> in) {
  std::vector<int> batch;
  while (const auto count = co_await in.recv_many(batch, 100)) {
    std::cout << count << " more\n";
  }
  std::cout << "sum: " << std::accumulate(batch.begin(), batch.end(), 0) << '\n';
}

Task<> batches() {
  auto ends = cohort::channel<int>(10, cohort::one_to_one);
  co_await cohort::when_all(in_batches(std::move(ends.tx)), add_up(ends.rx));
}

Task<> first_come(Receiver<int> numbers, Receiver<std::string> words) {
  auto first = co_await cohort::select(numbers.recv(), words.recv(), cohort::sleep_for(1s));
  switch (first.index()) {
    case 0: std::cout << "a number: " << *std::get<0>(first) << '\n'; break;
    case 1: std::cout << "a word: " << *std::get<1>(first) << '\n'; break;
    default: std::cout << "neither within a second\n";
  }
}

Task<> hear(cohort::BroadcastReceiver<int> numbers) {
  int sum = 0;
  while (const auto x = co_await numbers.recv()) sum += *x;
  std::cout << "sum: " << sum << '\n';
}

Task<> to_everybody() {
  auto ends = cohort::broadcast<int>(16);
  const auto talk = [&](cohort::TaskGroup& group) -> Task<> {
    for (int i = 0; i < 2; ++i) group.spawn(hear, ends.rx.subscribe());
    for (int i = 1; i <= 4; ++i) co_await ends.tx.send(i);
    ends.tx = {};
  };
  co_await cohort::task_group(talk);
}

Task<> latest_and_only() {
  auto volume = cohort::watch(5);
  volume.tx.send(6);
  volume.tx.send(7);
  co_await volume.rx.changed();
  std::cout << "volume " << volume.rx.get() << '\n';

  auto answer = cohort::oneshot<std::string>();
  answer.tx.send("yes");
  const auto said = co_await answer.rx.recv();
  std::cout << said.value_or("nothing") << '\n';
}

Task<> jobs() {
  cohort::Queue<std::string> queue{2};  // at most two; without an argument: no bound
  co_await queue.put("one");
  co_await queue.put("two");
  if (!queue.try_put("three")) std::cout << "full: " << queue.qsize() << '\n';
  queue.shutdown();                     // no more items; these two can still be got
  const std::string one = co_await queue.get();
  const std::string two = queue.get_nowait();
  std::cout << one << ' ' << two << '\n';
  try {
    co_await queue.get();
  } catch (const cohort::ShutDown& error) {
    std::cout << error.what() << '\n';
  }
}

Task<> keep_what_was_refused() {
  auto ends = cohort::channel<std::unique_ptr<int>>(1, cohort::one_to_one);
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  co_await ends.tx.send_from(first);
  const bool sent = co_await ends.tx.send_from(second).within(1ms);
  std::cout << sent << ' ' << (first == nullptr) << ' ' << *second << '\n';
}

int main() {
  cohort::run(shop());

  auto numbers = cohort::channel<int>(8);
  auto words = cohort::channel<std::string>(8);
  cohort::run(impatient(numbers.rx));
  words.tx.send("hello").block();
  cohort::run(first_come(numbers.rx, words.rx));
  numbers.tx.close();
  cohort::run(impatient(numbers.rx));

  cohort::run(batches());
  cohort::run(to_everybody());
  cohort::run(latest_and_only());
  cohort::run(jobs());
  cohort::run(keep_what_was_refused());
}

// Output:
// bread
// butter
// that was all
// nothing yet
// a word: hello
// closed
// 0 left
// 5 more
// sum: 15
// sum: 10
// sum: 10
// volume 7
// yes
// full: 2
// one two
// Queue::get(): the queue was shut down and is drained
// 0 1 2
