// SPDX-License-Identifier: BSL-1.0
// Grant, time-out and stop race for the same waits.

#include "contract/waiting_races_contract.hpp"

namespace cohort::test {

TEST(WaitingRaces, AnEventMayGoWhenItsWaiterHasReturned) {
  std::atomic<Event*> current{nullptr};
  std::atomic<bool> done{false};
  std::thread waker([&] {
    while (!done) {
      if (Event* const event = current.exchange(nullptr)) event->set();
    }
  });
  for (int round = 0; round < 3000; ++round) {
    Event event;
    current = &event;
    event.wait().block();
  }
  done = true;
  waker.join();
}

}  // namespace cohort::test
