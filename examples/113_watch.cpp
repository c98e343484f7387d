// SPDX-License-Identifier: BSL-1.0
//
// A watch: a value that is replaced now and then; whoever looks sees the latest.
//
// Good for settings and states, where it does not matter how often they changed. Sending never
// waits; a receiver knows which value it has seen.

#include <cohort/cohort.hpp>

#include <iostream>
#include <string>
#include <utility>

using cohort::Task;
using cohort::WatchReceiver;

Task<> obey(WatchReceiver<std::string> light) {
  std::cout << "it is " << light.get() << '\n';
  while (const auto colour = co_await light.recv()) std::cout << "now " << *colour << '\n';
  std::cout << "the light is off\n";
}

Task<> switch_on_and_off() {
  auto light = cohort::watch<std::string>("red");
  const auto driver = light.rx;
  const auto obedience = [&](cohort::TaskGroup& group) -> Task<> {
    group.spawn(obey, std::move(light.rx));
    co_await cohort::yield_now();
    light.tx.send("amber");
    light.tx.send("green");  // amber was too short to be seen
    co_await cohort::yield_now();
    light.tx.send("red");
    light.tx = {};
  };
  co_await cohort::task_group(obedience);

  co_await driver.changed();  // it has not looked yet
  std::cout << "in the end: " << *driver.borrow() << '\n';
}

int main() { cohort::run(switch_on_and_off()); }

// Output:
// it is red
// now green
// now red
// the light is off
// in the end: red
