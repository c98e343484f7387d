// SPDX-License-Identifier: BSL-1.0
// What docs/guide/16-processes.md shows.
#include <cohort/cohort.hpp>

#include <chrono>
#include <csignal>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cohort::Process;
using cohort::ProcessOptions;
using cohort::ProcessPool;
using cohort::ProcessPoolOptions;
using cohort::StartMethod;
using cohort::Task;
namespace ipc = cohort::ipc;

struct Order {  // an aggregate travels as it is
  std::string dish;
  std::vector<int> tables;
};

void cook(Order order, ipc::Queue<std::string> counter) {
  for (const int table : order.tables) {
    counter.put(order.dish + " for table " + std::to_string(table)).block();
  }
}

void first_process() {
  const ipc::Queue<std::string> counter;
  Process chef{cook, Order{"soup", {3, 7}}, counter};
  chef.start();
  std::cout << counter.get().block() << '\n';
  std::cout << counter.get().block() << '\n';
  chef.join().block();
  std::cout << chef.name() << " has ended with " << *chef.exitcode() << '\n';
}

Task<> wait_for_either(Process& one, Process& other) {
  const auto first = co_await cohort::when_any(one.join(), other.join());
  std::cout << (first.index() == 0 ? "one" : "the other") << " was first\n";
}

class Waiter : public cohort::ProcessOf<Waiter> {
 public:
  Waiter() = default;
  explicit Waiter(std::string guest) : guest_(std::move(guest)) {}
  void run() override { std::cout << "serving " << guest_ << '\n'; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(guest_);
  }

 private:
  std::string guest_;
};

void ways_to_start() {
  Process anew{ProcessOptions{.name = "anew", .start_method = StartMethod::spawn}, [] {}};
  anew.start();
  anew.join().block();

  int captured = 42;  // can be inherited, and not sent
  Process forked{ProcessOptions{.start_method = StartMethod::fork},
                 [captured] { throw cohort::ProcessExit{captured}; }};
  forked.start();
  forked.join().block();
  std::cout << "a closure has ended with " << *forked.exitcode() << '\n';
}

void rest(int seconds) { cohort::sleep_for(seconds * 1s).block(); }

void hold_and_die(ipc::Lock lock, ipc::Value<int> half_done) {
  lock.acquire().block();
  half_done.store(1);
  std::raise(SIGTERM);
}

void a_death() {
  const ipc::Lock lock;
  const ipc::Value<int> half_done{0};
  Process victim{hold_and_die, lock, half_done};
  victim.start();
  victim.join().block();
  try {
    lock.acquire().block();
  } catch (const cohort::OwnerDied&) {
    const auto held = lock.recover().block();  // as hold(); to repair
    half_done.store(0);
  }  // an ordinary lock again
  lock.acquire().block();
  std::cout << "repaired\n";
  lock.release();
}

int square(int x) { return x * x; }

int die_once(ipc::Value<int> deaths) {
  if (deaths.fetch_add(1) == 0) std::raise(SIGTERM);
  return deaths.load();
}

void pools() {
  ProcessPool pool{2};
  const ipc::Value<int> deaths{0};
  const auto lost = pool.submit(die_once, deaths);
  const auto other = pool.submit(square, 5);
  std::cout << other.block() << '\n';  // runs, wherever
  try {
    lost.block();
  } catch (const cohort::WorkerDied& death) {
    std::cout << "a worker has died, exit code " << *death.exitcode() << '\n';
  }

  ProcessPoolOptions options;
  options.workers = 2;
  options.on_worker_death = cohort::OnWorkerDeath::retry;
  ProcessPool patient{options};
  deaths.store(0);
  std::cout << "the second attempt yields " << patient.submit(die_once, deaths).block() << '\n';
}

int main() try {
  cohort::freeze_support();  // before anything else
  first_process();

  Process quick{rest, 0};
  Process slow{rest, 3600};
  quick.start();
  slow.start();
  cohort::run(wait_for_either(quick, slow));
  slow.terminate();
  slow.join().block();
  std::cout << "exit code " << *slow.exitcode() << '\n';

  Waiter waiter{"table 3"};
  waiter.start();
  waiter.join().block();
  ways_to_start();
  a_death();
  pools();
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// soup for table 3
// soup for table 7
// Process-1 has ended with 0
// one was first
// exit code -15
// serving table 3
// a closure has ended with 42
// repaired
// 25
// a worker has died, exit code -15
// the second attempt yields 2
