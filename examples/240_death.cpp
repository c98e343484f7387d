// SPDX-License-Identifier: BSL-1.0
//
// When a process is killed: who waits for it is told.
//
// Its lock says OwnerDied, until somebody has repaired what it protects; its channel ends; the permit
// that it held is free again; and its task of a pool fails, while all other tasks go on.

#include <cohort/cohort.hpp>

#include <csignal>
#include <iostream>
#include <utility>
#include <vector>

using cohort::Process;
namespace ipc = cohort::ipc;

void hold_all(ipc::Lock lock, ipc::Semaphore rooms, ipc::Sender<int> tx) {
  lock.acquire().block();
  const auto room = rooms.hold().block();
  tx.send(1).block();
  ipc::Event{}.wait().block();  // for ever
}

int square(int x) {
  if (x == 3) std::raise(SIGTERM);
  return x * x;
}

int main() try {
  cohort::freeze_support();
  const ipc::Lock lock;
  const ipc::Semaphore rooms{1};
  auto [tx, rx] = ipc::channel<int>(4);
  Process victim{hold_all, lock, rooms, std::move(tx)};
  victim.start();
  std::cout << "it lives: " << rx.recv().block().has_value() << '\n';
  victim.kill();
  try {
    lock.acquire().block();
  } catch (const cohort::OwnerDied&) {
    std::cout << "the lock's owner has died\n";
  }
  {
    const auto held = lock.recover().block();
    std::cout << "repaired\n";
  }
  lock.acquire().block();
  std::cout << "the channel has " << (rx.recv().block() ? "more" : "ended") << '\n';
  rooms.acquire().block();
  std::cout << "the room is free\n";

  cohort::ProcessPool pool{2};
  std::vector<cohort::Future<int>> squares;
  for (int i = 0; i < 6; ++i) squares.push_back(pool.submit(square, i));
  for (const auto& each : squares) {
    try {
      std::cout << each.block() << ' ';
    } catch (const cohort::WorkerDied& death) {
      std::cout << "(" << *death.exitcode() << ") ";
    }
  }
  std::cout << '\n';
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// it lives: 1
// the lock's owner has died
// repaired
// the channel has ended
// the room is free
// 0 1 4 (-15) 16 25
