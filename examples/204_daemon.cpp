// SPDX-License-Identifier: BSL-1.0
//
// Daemons: processes that do not outlive their parent's code.
//
// When the parent's code has ended, its daemons are ended; for its other children it waits. Nothing
// is printed by a daemon after that, so "end123" never appears. If the parent is killed, its daemons
// end as well.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;
using cohort::Process;
using cohort::ProcessOptions;
namespace ipc = cohort::ipc;

void foo(ipc::Event begun) {
  std::cout << "123" << std::endl;
  begun.set();
  cohort::sleep_for(1h).block();
  std::cout << "end123" << std::endl;
}

void bar(ipc::Event go) {
  go.wait().block();
  std::cout << "456" << std::endl;
  cohort::sleep_for(100ms).block();
  std::cout << "end456" << std::endl;
}

template <class Fn>
std::string refusal(Fn fn) {
  try {
    fn();
  } catch (const cohort::UsageError& error) {
    return error.what();
  }
  return "nothing is wrong";
}

void have_children(ipc::Queue<std::string> out) {
  Process grandchild{[] {}};
  out.put(refusal([&] { grandchild.start(); })).block();
}

int main() try {
  cohort::freeze_support();
  const ipc::Event begun;
  const ipc::Event go;
  const ipc::Queue<std::string> out;

  Process other{ProcessOptions{.daemon = true}, have_children, out};
  other.start();
  std::cout << out.get().block() << '\n';
  std::cout << refusal([&] { other.set_daemon(false); }) << '\n';

  Process f{ProcessOptions{.daemon = true}, foo, begun};
  Process b{bar, go};
  f.start();
  b.start();
  begun.wait().block();
  std::cout << "main ends" << std::endl;
  go.set();
  b.detach();  // joined all the same, by the end of the program
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// daemonic processes are not allowed to have children
// set_daemon(): the process has already started
// 123
// main ends
// 456
// end456
