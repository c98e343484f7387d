// SPDX-License-Identifier: BSL-1.0
//
// Each process has memory of its own.
//
// A child gets copies: what it does to a variable, a vector or an argument happens in its own memory,
// and the parent's stay as they were. That is so for every way of starting it. Threads share all of
// it. What processes are to share is said by name: a Value, an Array, a queue.

#include <cohort/cohort.hpp>

#include <iostream>
#include <vector>

using cohort::Process;
using cohort::ProcessOptions;
using cohort::StartMethod;
namespace ipc = cohort::ipc;

int number = 1;
std::vector<int> list{1, 2};

void change(ipc::Value<int> shared, ipc::Queue<int> out) {
  number = 100;
  list.push_back(3);
  shared.store(100);
  out.put(number).block();
}

int main() try {
  cohort::freeze_support();
  const ipc::Value<int> shared{1};
  const ipc::Queue<int> out;
  for (const auto method : {StartMethod::fork, StartMethod::spawn, StartMethod::forkserver}) {
    Process child{ProcessOptions{.start_method = method}, change, shared, out};
    child.start();
    child.join().block();
    std::cout << "child: " << out.get().block() << "; parent: " << number << ", " << list.size()
              << " elements, shared = " << shared.load() << '\n';
    shared.store(1);
  }

  cohort::Thread thread{change, shared, out};
  thread.start();
  thread.join().block();
  std::cout << "thread: " << out.get().block() << "; main: " << number << ", " << list.size()
            << " elements\n";
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// child: 100; parent: 1, 2 elements, shared = 100
// child: 100; parent: 1, 2 elements, shared = 100
// child: 100; parent: 1, 2 elements, shared = 100
// thread: 100; main: 100, 3 elements
