// SPDX-License-Identifier: BSL-1.0
//
// A deadlock: two locks in opposite order, and two ways out.
//
// Ann has taken the fork and wants the spoon, Bob has taken the spoon and wants the fork. A time
// limit shows it: both give up. The cures: everybody takes them in the same order; or both at once,
// which std::scoped_lock does.

#include <cohort/cohort.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <mutex>
#include <tuple>

using namespace std::chrono_literals;
using cohort::Lock;
using cohort::Task;

// True if it got to eat. `both_have_one` makes sure of the worst case.
Task<bool> eat(Lock& first, Lock& second, cohort::Barrier& both_have_one) {
  const auto one = co_await first.hold();
  co_await both_have_one.wait();
  const auto other = co_await second.hold().within(10ms);
  co_return other.has_value();
}

Task<int> eat_in_order(Lock& fork, Lock& spoon) {
  const auto one = co_await fork.hold();
  co_await cohort::yield_now();
  const auto other = co_await spoon.hold();
  co_return 1;
}

int eat_with_both(Lock& one, Lock& other) {
  const std::scoped_lock both(one, other);
  return 1;
}

Task<> in_opposite_order(Lock& fork, Lock& spoon) {
  cohort::Barrier both_have_one{2};
  const auto ate =
      co_await cohort::when_all(eat(fork, spoon, both_have_one), eat(spoon, fork, both_have_one));
  std::cout << "in opposite order: " << std::get<0>(ate) + std::get<1>(ate) << " of 2 eat\n";
}

Task<> in_the_same_order(Lock& fork, Lock& spoon) {
  const auto ate = co_await cohort::when_all(eat_in_order(fork, spoon), eat_in_order(fork, spoon));
  std::cout << "in the same order: " << std::get<0>(ate) + std::get<1>(ate) << " of 2 eat\n";
}

int main() {
  Lock fork;
  Lock spoon;
  cohort::EventLoop loop{cohort::LoopTime::simulated};
  cohort::run(loop, in_opposite_order(fork, spoon));
  cohort::run(loop, in_the_same_order(fork, spoon));

  cohort::ThreadPool pool{2};
  const auto ann = pool.submit(eat_with_both, std::ref(fork), std::ref(spoon));
  const auto bob = pool.submit(eat_with_both, std::ref(spoon), std::ref(fork));
  std::cout << "both at once: " << ann.block() + bob.block() << " of 2 eat\n";
}

// Output:
// in opposite order: 0 of 2 eat
// in the same order: 2 of 2 eat
// both at once: 2 of 2 eat
