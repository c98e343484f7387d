// SPDX-License-Identifier: BSL-1.0
//
// Waiting a while for an event, on threads and on processes.
//
// `wait().within(d)` yields false if the time is up first: a value, no exception. Then the event is
// set by somebody else, and all who wait go on. Once set it stays set, until it is cleared.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

template <class Domain>
void wait_twice(typename Domain::Event event, typename Domain::template SimpleQueue<bool> said) {
  said.put(event.wait().within(10ms).block()).block();
  event.wait().block();
  said.put(true).block();
}

template <class Domain>
void on(const char* what) {
  const typename Domain::Event event;
  const typename Domain::template SimpleQueue<bool> said;
  typename Domain::Worker waiter{wait_twice<Domain>, event, said};
  std::cout << what << ": start, ";
  waiter.start();
  std::cout << "after a while " << said.get().block() << ", ";
  event.set();
  std::cout << "set " << said.get().block() << ", ";
  waiter.join().block();
  std::cout << "again " << event.wait().within(0s).block() << ", ";
  event.clear();
  std::cout << "cleared " << event.wait().within(0s).block() << ", end\n";
}

int main() try {
  cohort::freeze_support();
  on<cohort::Threads>("threads");
  on<cohort::Processes>("processes");
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// threads: start, after a while 0, set 1, again 1, cleared 0, end
// processes: start, after a while 0, set 1, again 1, cleared 0, end
