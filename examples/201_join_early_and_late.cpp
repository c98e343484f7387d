// SPDX-License-Identifier: BSL-1.0
//
// Where to join: at once, or when all have started.
//
// Joined at once, each child ends before the next begins: the order is fixed and nothing is
// concurrent. Joined after all have started, they run side by side: here five of them meet at a
// barrier, which none of them could pass alone.

#include <cohort/cohort.hpp>

#include <iostream>
#include <vector>

using cohort::Process;
namespace ipc = cohort::ipc;

void work(int number, ipc::Queue<int> done) { done.put(number).block(); }

void meet(ipc::Barrier barrier, ipc::Value<int> met) {
  barrier.wait().block();
  met.fetch_add(1);
}

void join_early() {
  const ipc::Queue<int> done;
  for (int i = 0; i < 5; ++i) {
    Process p{work, i, done};
    p.start();
    p.join().block();
  }
  std::cout << "joined at once:";
  while (const auto number = done.try_get()) std::cout << ' ' << *number;
  std::cout << ", and then the parent\n";
}

void join_late() {
  const ipc::Barrier barrier{5};
  const ipc::Value<int> met{0};
  std::vector<Process> all;
  for (int i = 0; i < 5; ++i) {
    all.emplace_back(meet, barrier, met);
    all.back().start();
  }
  for (const Process& p : all) p.join().block();
  std::cout << "joined after all have started: " << met.load() << " have met\n";
}

// Not joined: the parent goes on, and says its word while the child still waits for it.
void join_never() {
  const ipc::Event word;
  const ipc::Queue<int> done;
  {
    Process p{[](ipc::Event when, ipc::Queue<int> to) {
                when.wait().block();
                work(7, to);
              },
              word, done};
    p.start();
    std::cout << "not joined: the parent is first, the child has done " << done.qsize() << '\n';
    word.set();
  }  // the destructor joins
  std::cout << "and now it has done " << done.qsize() << '\n';
}

int main() try {
  cohort::freeze_support();
  join_early();
  join_late();
  join_never();
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// joined at once: 0 1 2 3 4, and then the parent
// joined after all have started: 5 have met
// not joined: the parent is first, the child has done 0
// and now it has done 1
