// SPDX-License-Identifier: BSL-1.0
//
// Waiting for what does not come, until somebody helps.
//
// A lock taken twice, a fifth permit of four, an event that nobody sets: without a limit each of
// these waits would last for ever. `within` yields false instead, and nothing was taken. Then
// another party does what was missing, and the same wait succeeds.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;
using cohort::Task;

// Twice the same wait, with help in between.
template <class Wait, class Help>
Task<> in_vain(const char* what, Wait wait, Help help) {
  const bool alone = co_await wait().within(1s);
  help();
  const bool helped = co_await wait().within(1s);
  std::cout << what << ": " << (alone ? "yes" : "no") << ", then " << (helped ? "yes" : "no")
            << '\n';
}

int main() {
  cohort::EventLoop loop{cohort::LoopTime::simulated};  // no real time passes

  cohort::Lock lock;
  lock.acquire().block();
  const auto acquire = [&lock] { return lock.acquire(); };
  const auto release = [&lock] { lock.release(); };  // anybody may
  cohort::run(loop, in_vain("the lock again", acquire, release));

  cohort::Semaphore permits{4};
  for (int i = 0; i < 4; ++i) permits.acquire().block();
  const auto fifth = [&permits] { return permits.acquire(); };
  const auto give_back = [&permits] { permits.release(); };
  cohort::run(loop, in_vain("a fifth permit", fifth, give_back));

  cohort::Event event;
  const auto wait = [&event] { return event.wait(); };
  const auto set = [&event] { event.set(); };
  cohort::run(loop, in_vain("the event", wait, set));
}

// Output:
// the lock again: no, then yes
// a fifth permit: no, then yes
// the event: no, then yes
