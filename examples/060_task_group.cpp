// SPDX-License-Identifier: BSL-1.0
//
// Task groups: no task outlives the block that started it.
//
// `task_group(fn)` gives `fn` a group in which it spawns as many children as it likes, and is done
// when all of them have ended. If one fails, the others are cancelled and awaited, and its exception
// is thrown where the group was awaited: nothing is forgotten, nothing runs on in the background.
//
// The body is a coroutine lambda with captures. That is safe here, because the group keeps it; give
// it a name first and do not write it inside the `co_await` expression, where g++ 12 errs.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using cohort::Task;
using cohort::TaskGroup;

Task<> cook(int* ready) {
  co_await cohort::sleep_for(1ms);
  ++*ready;
}

Task<> dinner() {
  int ready = 0;  // the children end before the block does, so they may use its variables
  const auto body = [&](TaskGroup& group) -> Task<> {
    group.spawn(cook, &ready);
    group.spawn(cook, &ready);
    group.spawn(cook, &ready);
    std::cout << "three children are at work\n";
    co_return;
  };
  co_await cohort::task_group(body);
  std::cout << "dinner with " << ready << " dishes\n";
}

Task<> wait_for_the_cake() {
  try {
    co_await cohort::sleep_for(1h);
  } catch (const cohort::Cancelled&) {
    std::cout << "the cake is cancelled\n";
    throw;
  }
}

Task<> burn(std::string dish) {
  co_await cohort::sleep_for(1ms);
  throw std::runtime_error("the " + dish + " is burnt");
}

Task<> party() {
  const auto body = [](TaskGroup& group) -> Task<> {
    group.spawn(wait_for_the_cake);
    group.spawn(burn, "pizza");
    co_return;
  };
  try {
    co_await cohort::task_group(body);
  } catch (const std::exception& error) {
    std::cout << "no party: " << error.what() << '\n';
  }
}

int main() {
  cohort::run(dinner());
  cohort::run(party());
}

// Output:
// three children are at work
// dinner with 3 dishes
// the cake is cancelled
// no party: the pizza is burnt
