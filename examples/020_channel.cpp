// SPDX-License-Identifier: BSL-1.0
//
// Channels: tasks that talk instead of sharing.
//
// `channel<T>(capacity)` has two ends, a Sender and a Receiver. Both are handles: copy them, pass
// them by value. `send` waits while the buffer is full, so a fast producer cannot run away from a
// slow consumer. `recv` waits while it is empty, and yields an empty optional once every sender is
// gone and everything was received. So nobody has to announce the end: it is enough to let go.

#include <cohort/cohort.hpp>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

using cohort::Receiver;
using cohort::Sender;
using cohort::Task;

Task<> cook(Sender<std::string> counter) {
  const std::vector<std::string> menu{"soup", "rice", "tea"};
  for (const std::string& dish : menu) co_await counter.send(dish);
}  // the only sender ends here, and the channel with it

Task<int> guest(Receiver<std::string> counter) {
  int dishes = 0;
  while (auto dish = co_await counter.recv()) {
    std::cout << "the guest gets " << *dish << '\n';
    ++dishes;
  }
  co_return dishes;
}

// Several senders, several receivers: each number goes to exactly one of the adders.
Task<> count(Sender<int> out, int first, int last) {
  for (int i = first; i <= last; ++i) co_await out.send(i);
}

Task<int> add(Receiver<int> in) {
  int sum = 0;
  while (const auto number = co_await in.recv()) sum += *number;
  co_return sum;
}

int main() {
  cohort::ThreadPool pool{2};
  {
    auto [tx, rx] = cohort::channel<std::string>(1);
    const auto cooking = pool.submit(cook, std::move(tx));  // moved: we keep no sender
    const auto eating = pool.submit(guest, std::move(rx));
    cooking.block();
    const int dishes = eating.block();
    std::cout << "and had " << dishes << " dishes\n";
  }
  {
    auto [tx, rx] = cohort::channel<int>(8);
    const auto low = pool.submit(count, tx, 1, 500);
    const auto high = pool.submit(count, std::move(tx), 501, 1000);
    const auto left = pool.submit(add, rx);
    int right = 0;  // a plain thread can take part, too
    while (const auto number = rx.recv().block()) right += *number;
    low.block();
    high.block();
    std::cout << "1 + 2 + ... + 1000 = " << left.block() + right << '\n';
  }
}

// Output:
// the guest gets soup
// the guest gets rice
// the guest gets tea
// and had 3 dishes
// 1 + 2 + ... + 1000 = 500500
