// SPDX-License-Identifier: BSL-1.0
//
// Callbacks: called in the process that submitted, as soon as the result is there.
//
// The work is done elsewhere; what is done with its result is done here, by a thread of the pool, and
// may touch what is here. The order is that in which the tasks end.

#include <cohort/cohort.hpp>

#include <atomic>
#include <iostream>
#include <vector>

using cohort::Future;
using cohort::ProcessPool;

int here() { return cohort::current_process().pid(); }

int main() try {
  cohort::freeze_support();
  ProcessPool pool{2};
  std::atomic<int> elsewhere{0};
  std::atomic<int> called_back_here{0};
  const int me = here();
  std::vector<Future<int>> tasks;
  for (int i = 0; i < 10; ++i) {
    tasks.push_back(pool.submit(here));
    tasks.back().add_done_callback([&, me](const Future<int>& worker) {
      elsewhere += worker.block() != me;
      called_back_here += here() == me;
    });
  }
  pool.close();
  pool.join().block();
  while (called_back_here < 10) cohort::yield_now().block();
  std::cout << elsewhere << " tasks ran elsewhere, " << called_back_here << " callbacks ran here\n";
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// 10 tasks ran elsewhere, 10 callbacks ran here
