// SPDX-License-Identifier: BSL-1.0
//
// Threads, as in Python's `threading`: with a name, a start and a join.
//
// A Thread runs a function, or a coroutine function, with stored copies of its arguments; or you
// derive from Thread and override run(). It may be joined by threads and coroutines, for ever or
// for a while. A daemon does not keep the program alive: at the end it is asked to stop.

#include <cohort/cohort.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using cohort::Thread;
using cohort::ThreadOptions;

void cook(const std::string& dish, int& dishes) {
  std::cout << cohort::current_thread().name() << " cooks " << dish << '\n';
  ++dishes;
}

// The class form. run() uses the members, so the object must outlive it: Joined<Waiter> joins
// before anything of the Waiter goes. (Or call join() in the destructor.)
class Waiter : public Thread {
 public:
  explicit Waiter(std::string guest) : Thread(ThreadOptions{.name = "waiter"}), guest_(guest) {}
  void run() override { std::cout << name() << " serves " << guest_ << '\n'; }

 private:
  std::string guest_;
};

void play_music() {
  try {
    for (;;) cohort::sleep_for(1h).block();
  } catch (const cohort::Cancelled&) {  // the program ends
    std::cout << "the music stops\n";
    throw;
  }
}

int main() {
  int dishes = 0;
  Thread first{ThreadOptions{.name = "Anna"}, cook, "soup", std::ref(dishes)};
  first.start();
  first.join().block();
  std::cout << "dishes: " << dishes << ", alive: " << first.is_alive() << '\n';

  {
    cohort::Joined<Waiter> waiter{"table 3"};
    waiter.start();
  }

  Thread music{ThreadOptions{.name = "music", .daemon = true}, play_music};
  music.start();
  std::cout << "in a moment it has ended: " << music.join().within(1ms).block() << '\n';
  for (const auto& thread : cohort::enumerate()) std::cout << thread.name() << " is there\n";

  // An exception ends only its own thread, and goes to the hook.
  cohort::set_excepthook([](std::exception_ptr, cohort::ThreadRef thread) {
    std::cout << thread.name() << " has failed\n";
  });
  Thread clumsy{ThreadOptions{.name = "Otto"}, [] { throw std::runtime_error("plates"); }};
  clumsy.start();
  clumsy.join().block();
}

// Output:
// Anna cooks soup
// dishes: 1, alive: 0
// waiter serves table 3
// in a moment it has ended: 0
// MainThread is there
// music is there
// Otto has failed
// the music stops
