// SPDX-License-Identifier: BSL-1.0
//
// A lost update: "take one off" is three steps.
//
// A hundred threads read 100, and only when all have read does the first of them write 99; so do the
// others. (The number is atomic: reading and writing an int at the same time would be undefined
// behaviour. That alone does not help, as each step is right and the three together are not.)
// Under the lock nobody reads between another's reading and writing.

#include <cohort/cohort.hpp>

#include <atomic>
#include <iostream>
#include <thread>
#include <vector>

constexpr int people = 100;

int take_one_each(bool with_a_lock) {
  std::atomic<int> number{people};
  cohort::Lock lock;
  cohort::Latch all_have_read{people};
  const auto take_one = [&] {
    if (with_a_lock) {
      const auto held = lock.hold().block();
      const int seen = number.load();
      number.store(seen - 1);
    } else {
      const int seen = number.load();
      all_have_read.arrive_and_wait().block();
      number.store(seen - 1);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < people; ++i) threads.emplace_back(take_one);
  for (std::thread& thread : threads) thread.join();
  return number;
}

int main() {
  std::cout << "without a lock " << take_one_each(false) << " are left of 100\n";
  std::cout << "with the lock " << take_one_each(true) << " are left\n";
}

// Output:
// without a lock 99 are left of 100
// with the lock 0 are left
