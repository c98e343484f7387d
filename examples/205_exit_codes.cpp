// SPDX-License-Identifier: BSL-1.0
//
// How a process ends: is_alive, terminate, kill and exit codes.
//
// The exit code is empty while the process runs; then 0 if its function returned, 1 if it threw, n
// after exit(n) or ProcessExit{n}, and −n if signal n killed it. terminate() asks, kill() does not:
// both return at once, and join() tells when it has ended.

#include <cohort/cohort.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using cohort::Process;
using cohort::ProcessOptions;
namespace ipc = cohort::ipc;

std::string ending_of(const Process& p) {
  if (p.is_alive()) return "runs";
  const auto code = p.exitcode();
  return code ? "ended with " + std::to_string(*code) : "is not started, or nobody knows";
}

void work_for_ever() { cohort::sleep_for(10h).block(); }

template <class Fn>
void run(const std::string& what, Fn fn) {
  Process p{ProcessOptions{.name = what}, fn};
  p.start();
  p.join().block();
  std::cout << what << ": " << ending_of(p) << '\n';
}

int main() try {
  cohort::freeze_support();
  Process p{work_for_ever};
  std::cout << "before: " << ending_of(p) << '\n';
  p.start();
  std::cout << "started: " << ending_of(p) << '\n';
  p.terminate();
  p.join().block();
  std::cout << "terminated: " << ending_of(p) << '\n';

  Process q{work_for_ever};
  q.start();
  q.kill();
  std::cout << "it has ended in time: " << q.join().within(1min).block() << '\n';
  std::cout << "killed: " << ending_of(q) << '\n';

  run("return", [] {});
  run("exit(3)", [] { std::exit(3); });
  run("ProcessExit", [] { throw cohort::ProcessExit{4}; });
  run("throw", [] { throw std::runtime_error("no salt"); });  // also reported on stderr
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// before: is not started, or nobody knows
// started: runs
// terminated: ended with -15
// it has ended in time: 1
// killed: ended with -9
// return: ended with 0
// exit(3): ended with 3
// ProcessExit: ended with 4
// throw: ended with 1
