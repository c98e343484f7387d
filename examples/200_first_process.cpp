// SPDX-License-Identifier: BSL-1.0
//
// The first process: a function that runs in a process of its own.
//
// It starts, it ends, somebody joins it. What it is given travels to it as copies; what it has to
// say comes back through something both share, here a queue. main begins with freeze_support(),
// so that a child can be this program, started anew.

#include <cohort/cohort.hpp>

#include <iostream>
#include <set>
#include <string>
#include <vector>

using cohort::Process;

struct Birth {
  std::string name;
  int pid = 0;
  int parent = 0;
};

void introduce_myself(cohort::ipc::Queue<Birth> births) {
  const auto me = cohort::current_process();
  births.put({me.name(), me.pid(), cohort::parent_process()->pid()}).block();
}

int main() try {
  cohort::freeze_support();
  const int parent = cohort::current_process().pid();
  cohort::ipc::Queue<Birth> births;

  Process child{introduce_myself, births};
  std::cout << child.name() << " is alive: " << child.is_alive() << '\n';
  child.start();
  const Birth birth = births.get().block();
  std::cout << "its pid is what start() says: " << (birth.pid == child.pid())
            << ", and its parent is " << (birth.parent == parent ? "this process" : "another")
            << '\n';
  child.join().block();
  std::cout << "it has ended with " << *child.exitcode() << '\n';

  std::vector<Process> children;
  for (int i = 0; i < 5; ++i) children.emplace_back(introduce_myself, births);
  for (Process& each : children) each.start();
  std::set<int> pids;
  std::set<int> parents;
  for (int i = 0; i < 5; ++i) {
    const Birth other = births.get().block();
    pids.insert(other.pid);
    parents.insert(other.parent);
  }
  for (Process& each : children) each.join().block();
  std::cout << "five children have " << pids.size() << " pids and " << parents.size()
            << " parent\n";
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// Process-1 is alive: 0
// its pid is what start() says: 1, and its parent is this process
// it has ended with 0
// five children have 5 pids and 1 parent
