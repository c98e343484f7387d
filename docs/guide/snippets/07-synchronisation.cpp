// SPDX-License-Identifier: BSL-1.0
// What docs/guide/07-synchronisation.md shows.
#include <cohort/cohort.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <iostream>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

using cohort::Task;

Task<> deposit(cohort::Lock& lock, int& balance) {
  const auto held = co_await lock.hold();  // released where `held` ends
  const int before = balance;
  co_await cohort::yield_now();  // may be held over a co_await
  balance = before + 1;
}

Task<int> depth(cohort::RLock& lock, int n) {
  const auto held = co_await lock.hold();  // at once, if this task has it already
  if (n == 0) co_return 0;
  const int rest = co_await depth(lock, n - 1);
  co_return rest + 1;
}

Task<> guest(cohort::Semaphore& rooms, int& inside, int& most) {
  const auto room = co_await rooms.hold();
  most = std::max(most, ++inside);
  co_await cohort::yield_now();
  --inside;
}

Task<> party(cohort::Semaphore& rooms, int& most) {
  int inside = 0;
  std::vector<Task<>> guests;
  for (int i = 0; i < 10; ++i) guests.push_back(guest(rooms, inside, most));
  co_await cohort::when_all(std::move(guests));
}

Task<> car(cohort::Event& green, std::string& log) {
  co_await green.wait();
  log += "a car\n";
}

struct Shelf {
  cohort::Condition changed;  // with a lock of its own
  std::deque<int> loaves;
};

Task<int> buy(Shelf& shelf) {
  const auto held = co_await shelf.changed.hold();
  const auto filled = [&shelf] { return !shelf.loaves.empty(); };
  co_await shelf.changed.wait_for(filled);  // lets go of the lock meanwhile
  const int loaf = shelf.loaves.front();
  shelf.loaves.pop_front();
  co_return loaf;
}

Task<> bake(Shelf& shelf, int loaf) {
  const auto held = co_await shelf.changed.hold();
  shelf.loaves.push_back(loaf);
  shelf.changed.notify();
}

Task<> climber(cohort::Barrier& camp, std::string& log) {
  for (int day = 1; day <= 2; ++day) {
    const auto place = co_await camp.wait();                     // 0 for the first to arrive
    if (place == 0) log += "day " + std::to_string(day) + "\n";  // one of them
  }
}

Task<> worker(cohort::Latch& ready, int& sum, int part) {
  co_await cohort::yield_now();
  sum += part;
  ready.count_down();
}

Task<> look_up(cohort::RWLock& lock, const std::string& text, std::size_t& size) {
  const auto reading = co_await lock.hold_read();  // others may read at the same time
  size = text.size();
}

Task<> replace(cohort::RWLock& lock, std::string& text) {
  const auto writing = co_await lock.hold_write();  // alone
  text = "new";
}

template <class Fn>
void print_error(Fn misuse) {
  try {
    misuse();
  } catch (const cohort::UsageError& error) {
    std::cout << error.what() << '\n';
  }
}

int main() {
  cohort::ThreadPool pool{2};
  cohort::Lock lock;
  int balance = 0;
  std::vector<cohort::Future<void>> deposits;
  for (int i = 0; i < 10; ++i) {
    deposits.push_back(pool.submit(deposit, std::ref(lock), std::ref(balance)));
  }
  for (const auto& each : deposits) each.block();
  {
    const std::scoped_lock held(lock);  // a thread
    std::cout << balance << '\n';
  }

  cohort::RLock recursive;
  std::cout << cohort::run(depth(recursive, 3)) << '\n';

  cohort::Semaphore rooms{4};
  int most = 0;
  cohort::run(party(rooms, most));
  std::cout << most << '\n';

  cohort::EventLoop loop;
  cohort::Event green;
  std::string log;
  spawn(loop, car(green, log));
  spawn(loop, car(green, log));
  loop.run_ready();
  green.set();
  green.clear();  // those who waited at set() go on all the same
  loop.run();
  std::cout << log;

  Shelf shelf;
  auto loaf = spawn(loop, buy(shelf));
  spawn(loop, bake(shelf, 7));
  std::cout << loaf.block() << '\n';
  loop.run();

  log.clear();
  cohort::Barrier camp{3};
  for (int i = 0; i < 3; ++i) spawn(loop, climber(camp, log));
  loop.run();
  std::cout << log;

  cohort::Latch ready{2};
  int sum = 0;
  spawn(loop, worker(ready, sum, 20));
  spawn(loop, worker(ready, sum, 22));
  loop.run();
  ready.wait().block();
  std::cout << sum << '\n';

  cohort::RWLock shared;
  std::string text = "old text";
  std::size_t size = 0;
  spawn(loop, look_up(shared, text, size));
  spawn(loop, replace(shared, text));
  loop.run();
  const std::shared_lock reading(shared);  // a thread
  std::cout << size << ' ' << text << '\n';

  print_error([&] { lock.release(); });
  print_error([&] { recursive.release(); });
  print_error([&] { shelf.changed.notify(); });
}

// Output:
// 10
// 3
// 4
// a car
// a car
// 7
// day 1
// day 2
// 42
// 8 new
// Lock::release(): the lock is not held; release it once per acquire
// RLock::release(): this task or thread does not own the lock; release it where it was acquired, or pass on the guard that hold() yields, which may be destroyed anywhere
// Condition::notify(): this task or thread does not hold the lock; write `auto held = co_await condition.hold();` before
