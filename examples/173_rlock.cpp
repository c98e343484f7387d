// SPDX-License-Identifier: BSL-1.0
//
// RLock: a lock that its holder may take again.
//
// `transfer` locks, and calls `withdraw` and `deposit`, which lock, too. With a Lock the second
// `hold` would wait for the first, for ever. An RLock knows its owner: the task, with all that it
// awaits, or the thread outside tasks. It is free for others after as many releases as acquires.

#include <cohort/cohort.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <vector>

using namespace std::chrono_literals;
using cohort::Task;

struct Bank {
  cohort::RLock lock;
  int left = 300;
  int right = 0;
};

Task<> withdraw(Bank& bank, int amount) {
  const auto held = co_await bank.lock.hold();
  bank.left -= amount;
}
Task<> deposit(Bank& bank, int amount) {
  const auto held = co_await bank.lock.hold();
  bank.right += amount;
}
Task<> transfer(Bank& bank, int amount) {
  const auto held = co_await bank.lock.hold();  // nobody sees the money on neither side
  co_await withdraw(bank, amount);
  co_await cohort::yield_now();
  co_await deposit(bank, amount);
}

// The same for threads.
int depth(cohort::RLock& lock, int levels) {
  const auto held = lock.hold().block();
  return levels == 0 ? 0 : 1 + depth(lock, levels - 1);
}

int main() {
  cohort::ThreadPool pool{3};
  Bank bank;
  std::vector<cohort::Future<void>> transfers;
  for (int i = 0; i < 3; ++i) transfers.push_back(pool.submit(transfer, std::ref(bank), 100));
  for (const auto& each : transfers) each.block();
  std::cout << bank.left << " left, " << bank.right << " right\n";

  std::cout << depth(bank.lock, 10) << " levels deep\n";

  cohort::Lock simple;
  const auto held = simple.hold().block();
  const bool again = simple.acquire().within(10ms).block();
  std::cout << (again ? "a Lock, twice\n" : "a Lock is not given twice\n");
}

// Output:
// 0 left, 300 right
// 10 levels deep
// a Lock is not given twice
