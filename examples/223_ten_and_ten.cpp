// SPDX-License-Identifier: BSL-1.0
//
// Ten who put, ten who get, one queue for three, on threads and on processes.
//
// None of them knows another; whoever is too fast waits. Every item arrives once, whatever thread or
// process puts it and gets it.

#include <cohort/cohort.hpp>

#include <iostream>
#include <vector>

template <class Domain>
void put(typename Domain::template Queue<int> queue, int first) {
  for (int i = first; i < first + 10; ++i) queue.put(i).block();
}

template <class Domain>
void get(typename Domain::template Queue<int> queue, typename Domain::template Array<int> seen) {
  for (int i = 0; i < 10; ++i) {
    const int item = queue.get().block();
    const auto held = seen.get_lock().hold().block();
    ++seen.at(item);
  }
}

template <class Domain>
void on(const char* what) {
  const typename Domain::template Queue<int> queue{3};
  const typename Domain::template Array<int> seen(100);
  std::vector<typename Domain::Worker> workers;
  for (int i = 0; i < 10; ++i) {
    workers.emplace_back(put<Domain>, queue, 10 * i).start();
    workers.emplace_back(get<Domain>, queue, seen).start();
  }
  for (const auto& worker : workers) worker.join().block();
  int once = 0;
  for (const int times : seen.span()) once += times == 1;
  std::cout << what << ": " << once << " of 100 items arrived once, " << queue.qsize()
            << " are left\n";
}

int main() try {
  cohort::freeze_support();
  on<cohort::Threads>("threads");
  on<cohort::Processes>("processes");
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// threads: 100 of 100 items arrived once, 0 are left
// processes: 100 of 100 items arrived once, 0 are left
