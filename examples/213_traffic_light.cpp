// SPDX-License-Identifier: BSL-1.0
//
// A traffic light and twenty cars: an Event, on threads and on processes.
//
// The cars come while it is red and wait. Then the light begins to work: it sets the event for a
// while and clears it for a while, for ever. It is a daemon, so nobody has to wait for it. A car that
// waits when the event is set goes, even if it is cleared at once.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <vector>

using namespace std::chrono_literals;

template <class Domain>
void light(typename Domain::Event green) {
  for (;;) {
    green.set();
    cohort::sleep_for(2ms).block();
    green.clear();
    cohort::sleep_for(2ms).block();
  }
}

template <class Domain>
void car(typename Domain::Event green, typename Domain::Semaphore at_the_line,
         typename Domain::template Value<int> passed) {
  at_the_line.release();
  green.wait().block();
  passed.fetch_add(1);
}

template <class Domain>
void traffic(const char* what) {
  const typename Domain::Event green;
  const typename Domain::Semaphore at_the_line{0};
  const typename Domain::template Value<int> passed{0};
  std::vector<typename Domain::Worker> cars;
  for (int i = 0; i < 20; ++i) cars.emplace_back(car<Domain>, green, at_the_line, passed).start();
  for (int i = 0; i < 20; ++i) at_the_line.acquire().block();
  std::cout << what << ": at red " << passed.load() << " have passed";

  typename Domain::Options daemon;
  daemon.name = "light";
  daemon.daemon = true;
  typename Domain::Worker at_work{daemon, light<Domain>, green};
  at_work.start();
  for (const auto& each : cars) each.join().block();
  std::cout << ", in the end " << passed.load()
            << "; the light is still there: " << at_work.is_alive() << '\n';
}

int main() try {
  cohort::freeze_support();
  traffic<cohort::Threads>("threads");
  traffic<cohort::Processes>("processes");
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// threads: at red 0 have passed, in the end 20; the light is still there: 1
// processes: at red 0 have passed, in the end 20; the light is still there: 1
