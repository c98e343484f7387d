// SPDX-License-Identifier: BSL-1.0
// What docs/crash-contracts.md says of single deaths at chosen moments; crash_test.cpp has the rest.

#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "cohort/processes.hpp"  // under test
#include "ipc/family.hpp"        // Child
#include "ipc/processes.hpp"
#include "support/flavours.hpp"  // eventually

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using Counts = ipc::Buffer<std::atomic<long>>;

// "the item stays unfinished; join().within(…) can give up, and unfinished() says how many there are"
TEST(CrashContract, AnItemWhoseConsumerDiedBeforeTaskDoneStaysUnfinished) {
  const ipc::JoinableQueue<int> queue;
  const Counts at(1);
  queue.put(1).block();
  queue.put(2).block();
  Child child([&] {
    queue.get().block();
    at[0] = 1;
    ::pause();
  });
  await([&] { return at[0] == 1; });
  child.kill();
  EXPECT_EQ(queue.get().block(), 2);  // the first is lost
  queue.task_done();
  EXPECT_EQ(queue.unfinished(), 1U);
  EXPECT_FALSE(queue.join().within(1ms).block());
  queue.task_done();  // somebody has looked into it
  queue.join().block();
}

// "what they had been granted and not taken up goes to the next"
TEST(CrashContract, ANotificationThatADeadWaiterWasGivenGoesToTheNext) {
  const ipc::Lock lock;
  const ipc::Condition condition(lock);
  const Counts at(2);
  std::atomic<int> heard{0};
  Child first([&] {
    const auto held = condition.hold().block();
    at[1] = ::getpid();
    at[0] = 1;
    condition.wait().block();
    ::_exit(7);
  });
  await([&] { return at[0] == 1; });
  { const auto held = condition.hold().block(); }  // from here on it stands in line
  std::thread second([&] {
    const auto held = condition.hold().block();
    at[0] = 2;
    condition.wait().block();
    ++heard;
  });
  await([&] { return at[0] == 2; });
  const auto pid = static_cast<::pid_t>(at[1].load());
  EXPECT_EQ(::kill(pid, SIGSTOP), 0);
  ::siginfo_t info{};
  EXPECT_EQ(::waitid(P_PID, static_cast<::id_t>(pid), &info, WSTOPPED | WNOWAIT), 0);
  {
    const auto held = condition.hold().block();
    condition.notify(1);
  }
  EXPECT_EQ(heard, 0);
  first.kill();
  await([&] { return heard == 1; });
  second.join();
}

// "who dies in `store` has stored it or has not"
TEST(CrashContract, AValueLargerThanAWordIsNeverHalfStored) {
  struct Large {
    std::array<long, 200> all;
  };
  const ipc::Value<Large> value;
  const Counts at(1);
  std::mt19937 random{std::random_device{}()};
  for (int round = 0; round < 30; ++round) {
    at[0] = 0;
    Child child([&] {
      for (long n = 1;; ++n) {
        Large large;
        large.all.fill(n);
        value.store(large);
        at[0] = n;
      }
    });
    await([&] { return at[0] > 0; });
    any_moment(random);
    child.kill();
    const Large found = value.load();
    for (const long n : found.all) ASSERT_EQ(n, found.all[0]);
    EXPECT_GE(found.all[0], at[0].load());
    EXPECT_LE(found.all[0], at[0].load() + 1);
  }
}

// "When the last receiver is, `send` throws `Closed`, or `BrokenPipe`, also if it was waiting"
TEST(CrashContract, SendersHearThatTheLastReceiverIsDead) {
  auto [tx, rx] = ipc::channel<int>(1);
  auto [left, right] = ipc::Pipe<int>();
  const Counts at(1);
  Child child([&, mine = rx, end = right] {
    static_cast<void>(mine.size());
    static_cast<void>(end.closed());
    at[0] = 1;
    ::pause();
  });
  await([&] { return at[0] == 1; });
  { const auto gone = std::move(rx); }
  right.close();
  tx.send(1).block();
  std::atomic<int> refused{0};
  std::thread waiting([&] {
    try {
      tx.send(2).block();
    } catch (const Closed&) {
      ++refused;
    }
  });
  EXPECT_FALSE(tx.send(3).within(1ms).block());
  child.kill();
  await([&] { return refused == 1; });
  waiting.join();
  EXPECT_THROW(tx.send(4).block(), Closed);
  EXPECT_THROW(left.send(5).block(), BrokenPipe);
  EXPECT_THROW(left.recv().block(), EndOfStream);
}

int die_so_often(ipc::Value<int> left) {
  if (left.fetch_add(-1) > 0) std::raise(SIGKILL);
  return 5;
}

// "the task is begun again, at most twice more"
TEST(CrashContract, ATaskThatMayBeBegunAgainIsBegunThreeTimesAtMost) {
  ProcessPoolOptions options;
  options.workers = 2;
  options.on_worker_death = OnWorkerDeath::retry;
  ProcessPool pool{options};
  const ipc::Value<int> left{2};
  EXPECT_EQ(pool.submit(die_so_often, left).block(), 5);
  left.store(100);
  EXPECT_THROW(pool.submit(die_so_often, left).block(), WorkerDied);
  EXPECT_EQ(left.load(), 97);
}

// "If workers die one after the other without finishing a task … the pool is broken"
TEST(CrashContract, APoolWhoseWorkersDieInARowIsBroken) {
  ProcessPool pool{1};
  int died = 0;
  bool broken = false;
  while (!broken && died < 1000) {
    try {
      pool.submit(die).block();
    } catch (const WorkerDied&) {
      ++died;
    } catch (const BrokenPool&) {
      broken = true;
    }
  }
  EXPECT_TRUE(broken);
  EXPECT_EQ(died, 4);
  EXPECT_THROW(pool.submit(die), BrokenPool);
}

}  // namespace
}  // namespace cohort::test

#endif  // processes
