// SPDX-License-Identifier: BSL-1.0
//
// Locks: one at a time.
//
// `hold` waits for the lock and yields a guard; where the guard ends, the lock is free again. Tasks
// write `co_await lock.hold()`, threads `lock.hold().block()`: both stand in the same line and are
// served in the order in which they came. Unlike a std::mutex, the lock may be held over a
// `co_await`; the others wait, their threads do not.

#include <cohort/cohort.hpp>

#include <functional>
#include <iostream>
#include <mutex>
#include <thread>

using cohort::Task;

struct Account {
  cohort::Lock lock;
  int money = 0;
};

Task<> deposit(Account& account, int times) {
  for (int i = 0; i < times; ++i) {
    const auto held = co_await account.lock.hold();
    const int before = account.money;
    co_await cohort::yield_now();  // others run, and find the lock taken
    account.money = before + 1;
  }
}

void deposit_from_a_thread(Account& account, int times) {
  for (int i = 0; i < times; ++i) {
    const auto held = account.lock.hold().block();
    ++account.money;
  }
}

// Two locks: std::scoped_lock takes both without a deadlock.
void move_money(Account& from, Account& to, int amount) {
  const std::scoped_lock both(from.lock, to.lock);
  from.money -= amount;
  to.money += amount;
}

int main() {
  Account account;
  Account savings;
  {
    cohort::ThreadPool pool{4};
    std::thread thread(deposit_from_a_thread, std::ref(account), 1000);
    const auto one = pool.submit(deposit, std::ref(account), 1000);
    const auto two = pool.submit(deposit, std::ref(account), 1000);
    one.block();
    two.block();
    thread.join();
    std::cout << "1000 from each of three: " << account.money << '\n';

    const auto there = pool.submit(move_money, std::ref(account), std::ref(savings), 500);
    const auto back = pool.submit(move_money, std::ref(savings), std::ref(account), 200);
    there.block();
    back.block();
  }
  std::cout << "account " << account.money << ", savings " << savings.money << '\n';

  const bool free = account.lock.try_acquire();  // never waits
  const bool again = account.lock.try_acquire();
  std::cout << std::boolalpha << "free: " << free << ", free again: " << again << '\n';
  account.lock.release();
}

// Output:
// 1000 from each of three: 3000
// account 2700, savings 300
// free: true, free again: false
