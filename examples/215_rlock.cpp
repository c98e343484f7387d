// SPDX-License-Identifier: BSL-1.0
//
// A lock that its owner may take again, on threads and on processes.
//
// Functions that need the lock call each other. With a Lock the inner one would wait for ever for
// its own caller; an RLock counts how often its owner has it, and is free when all is given back.

#include <cohort/cohort.hpp>

#include <iostream>
#include <string>
#include <vector>

template <class Domain>
struct Kitchen {
  typename Domain::RLock lock;
  typename Domain::template Queue<std::string> log;
  std::string cook;

  void say(const char* what) { log.put(cook + what).block(); }
  void take_spoon() {
    const auto spoon = lock.hold().block();
    say(" has the spoon");
    say(" puts the spoon down");
  }
  void eat() {
    const auto bowl = lock.hold().block();
    say(" has the bowl");
    take_spoon();  // has it already
    say(" puts the bowl down");
  }
};

template <class Domain>
void cook(typename Domain::RLock lock, typename Domain::template Queue<std::string> log, int i) {
  Kitchen<Domain>{lock, log, std::to_string(i)}.eat();
}

template <class Domain>
void on(const char* what) {
  const typename Domain::RLock lock;
  const typename Domain::template Queue<std::string> log;
  std::vector<typename Domain::Worker> cooks;
  for (int i = 0; i < 3; ++i) cooks.emplace_back(cook<Domain>, lock, log, i).start();
  for (const auto& each : cooks) each.join().block();

  std::vector<std::string> lines;
  while (const auto line = log.try_get()) lines.push_back(*line);
  bool together = true;
  for (std::size_t i = 0; i < lines.size(); ++i) together &= lines[i][0] == lines[i / 4 * 4][0];
  std::cout << what << ": " << lines.size() << " lines, each cook's four together: " << together
            << ", and the lock is free: " << !lock.locked() << '\n';
}

int main() try {
  cohort::freeze_support();
  on<cohort::Threads>("threads");
  on<cohort::Processes>("processes");
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// threads: 12 lines, each cook's four together: 1, and the lock is free: 1
// processes: 12 lines, each cook's four together: 1, and the lock is free: 1
