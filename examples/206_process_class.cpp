// SPDX-License-Identifier: BSL-1.0
//
// A process as a class: derive, and override run().
//
// Derived from Process the object must be inherited by the child, which only a fork does. Derived
// from ProcessOf<Self>, with a default constructor and `serialize`, it can be sent, and so be started
// in every way.

#include <cohort/cohort.hpp>

#include <iostream>
#include <string>
#include <utility>

using cohort::ProcessOf;
using cohort::ProcessOptions;
using cohort::StartMethod;

class Greeter : public ProcessOf<Greeter> {
 public:
  Greeter() = default;
  explicit Greeter(std::string whom, ProcessOptions options = {})
      : ProcessOf(std::move(options)), whom_(std::move(whom)) {}

  void run() override {
    std::cout << cohort::current_process().name() << " says hello:" << whom_ << '\n';
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(whom_);
  }

 private:
  std::string whom_;
};

class Plain : public cohort::Process {
 public:
  explicit Plain(ProcessOptions options) : cohort::Process(std::move(options)) {}
  void run() override { std::cout << "a plain one runs\n"; }
};

int main() try {
  cohort::freeze_support();
  for (const auto method : {StartMethod::fork, StartMethod::spawn, StartMethod::forkserver}) {
    Greeter greeter{"wangjifei", ProcessOptions{.start_method = method}};
    greeter.start();
    greeter.join().block();
  }
  Greeter named{"Eva", ProcessOptions{.name = "a better name"}};
  named.start();
  named.join().block();
  try {
    named.start();
  } catch (const cohort::UsageError& error) {
    std::cout << error.what() << '\n';
  }

  Plain sent{ProcessOptions{.start_method = StartMethod::spawn}};
  try {
    sent.start();
  } catch (const cohort::UsageError&) {
    std::cout << "a plain one cannot be sent\n";
  }
  Plain forked{ProcessOptions{.start_method = StartMethod::fork}};
  forked.start();
  forked.join().block();
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// Process-1 says hello:wangjifei
// Process-2 says hello:wangjifei
// Process-3 says hello:wangjifei
// a better name says hello:Eva
// start(): cannot start a process twice; make a new one
// a plain one cannot be sent
// a plain one runs
