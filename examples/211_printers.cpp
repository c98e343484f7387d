// SPDX-License-Identifier: BSL-1.0
//
// One printer, three workers: nothing, join, lock.
//
// Without anything their lines mix: here all begin before the first one is done. Joined one after
// another they come in the order of the program, one at a time by necessity. With a lock each has
// the printer for itself, in whatever order they come. Written once, for threads and processes.

#include <cohort/cohort.hpp>

#include <iostream>
#include <string>
#include <vector>

template <class Domain>
using Paper = typename Domain::template Queue<std::string>;

template <class Domain>
void print_at_will(int number, Paper<Domain> paper, typename Domain::Barrier all_have_begun) {
  paper.put(std::to_string(number) + " is running").block();
  all_have_begun.wait().block();
  paper.put(std::to_string(number) + " is done").block();
}

template <class Domain>
void print_with_lock(int number, Paper<Domain> paper, typename Domain::Lock lock) {
  const auto held = lock.hold().block();
  paper.put(std::to_string(number) + " is running").block();
  paper.put(std::to_string(number) + " is done").block();
}

template <class Domain, class Fn, class Shared>
std::vector<std::string> print(Fn worker, Shared shared, bool join_at_once) {
  const Paper<Domain> paper;
  std::vector<typename Domain::Worker> all;
  for (int i = 0; i < 3; ++i) {
    all.emplace_back(worker, i, paper, shared).start();
    if (join_at_once) all.back().join().block();
  }
  for (const auto& each : all) each.join().block();
  std::vector<std::string> lines;
  while (const auto line = paper.try_get()) lines.push_back(*line);
  return lines;
}

template <class Domain>
void on(const char* what) {
  auto lines = print<Domain>(print_at_will<Domain>, typename Domain::Barrier{3}, false);
  bool mixed = true;
  for (std::size_t i = 0; i < 3; ++i) mixed &= lines[i].ends_with("is running");
  std::cout << what << ": three begin before one is done: " << mixed << '\n';

  const typename Domain::Lock lock;
  lines = print<Domain>(print_with_lock<Domain>, lock, true);
  std::cout << "  joined:";
  for (const std::string& line : lines) std::cout << ' ' << line << ';';

  lines = print<Domain>(print_with_lock<Domain>, lock, false);
  bool whole = true;
  for (std::size_t i = 0; i < 6; i += 2) whole &= lines[i][0] == lines[i + 1][0];
  std::cout << "\n  with the lock, each is done before the next runs: " << whole << '\n';
}

int main() try {
  cohort::freeze_support();
  on<cohort::Threads>("threads");
  on<cohort::Processes>("processes");
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// threads: three begin before one is done: 1
//   joined: 0 is running; 0 is done; 1 is running; 1 is done; 2 is running; 2 is done;
//   with the lock, each is done before the next runs: 1
// processes: three begin before one is done: 1
//   joined: 0 is running; 0 is done; 1 is running; 1 is done; 2 is running; 2 is done;
//   with the lock, each is done before the next runs: 1
