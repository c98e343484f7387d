// SPDX-License-Identifier: BSL-1.0
//
// Events: waiting for a moment.
//
// An Event is set or not. `wait` waits until it is set, and then lets everybody through until
// somebody clears it. Who waits when it is set goes on, even if it is cleared at once.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;
using cohort::Event;
using cohort::Task;

struct Track {
  Event ready;
  Event start;
  int runners = 0;  // needs no lock: `run` works on one thread
};

Task<> runner(Track& track) {
  const int number = ++track.runners;
  std::cout << "runner " << number << " is ready\n";
  if (number == 3) track.ready.set();
  co_await track.start.wait();
  std::cout << "runner " << number << " runs\n";
}

Task<> referee(Track& track) {
  co_await track.ready.wait();
  std::cout << "go!\n";
  track.start.set();    // all three go on, in the order in which they came,
  track.start.clear();  // and whoever comes later has to wait
}

Task<> race() {
  Track track;
  co_await cohort::when_all(referee(track), runner(track), runner(track), runner(track));
  const bool late = co_await track.start.wait().within(1ms);
  std::cout << (late ? "" : "too late\n");
}

int main() {
  cohort::run(race());

  // Between threads it is the same.
  Event door;
  std::thread visitor([&] {
    door.wait().block();
    std::cout << "the visitor comes in\n";
  });
  std::cout << "the door opens\n";
  door.set();
  visitor.join();
  std::cout << std::boolalpha << "still open: " << door.is_set() << '\n';
}

// Output:
// runner 1 is ready
// runner 2 is ready
// runner 3 is ready
// go!
// runner 1 runs
// runner 2 runs
// runner 3 runs
// too late
// the door opens
// the visitor comes in
// still open: true
