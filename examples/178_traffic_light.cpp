// SPDX-License-Identifier: BSL-1.0
//
// A traffic light and twenty cars: an Event.
//
// The light sets the event for two seconds and clears it for two, for ever. Cars come at any time and
// pass while it is set. The light is nobody's concern: it is stopped when the last car has passed.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cohort::Task;

struct Crossing {
  cohort::Event green;
  int passed = 0;
  int at_red = 0;
};

Task<> light(Crossing& crossing) {
  for (;;) {
    crossing.green.set();
    co_await cohort::sleep_for(2s);
    crossing.green.clear();
    std::cout << "red after " << crossing.passed << " cars\n";
    co_await cohort::sleep_for(2s);
  }
}

Task<> car(Crossing& crossing, std::chrono::milliseconds comes) {
  co_await cohort::sleep_for(comes);
  co_await crossing.green.wait();
  if (!crossing.green.is_set()) ++crossing.at_red;
  ++crossing.passed;
}

Task<> traffic(Crossing& crossing) {
  std::vector<Task<>> cars;
  for (int i = 0; i < 20; ++i) cars.push_back(car(crossing, i * 500ms + 250ms));
  // The light never ends by itself: the first to end is the traffic, and the loser is cancelled.
  const auto all_cars = [](std::vector<Task<>> all) -> Task<> {
    co_await cohort::when_all(std::move(all));
  };
  co_await cohort::when_any(light(crossing), all_cars(std::move(cars)));
}

int main() {
  Crossing crossing;
  cohort::EventLoop loop{cohort::LoopTime::simulated};  // no real time passes
  cohort::run(loop, traffic(crossing));
  std::cout << crossing.passed << " cars have passed, " << crossing.at_red << " of them at red\n";
}

// Output:
// red after 4 cars
// red after 12 cars
// 20 cars have passed, 0 of them at red
