// SPDX-License-Identifier: BSL-1.0
// Threads, coroutines and processes on one object.
#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cohort/processes.hpp"  // under test
#include "ipc/family.hpp"        // Child
#include "support/flavours.hpp"  // eventually

namespace cohort::test {

/// Numbers that all processes of a test see.
using Counts = ipc::Buffer<std::atomic<long>>;

// A coroutine of the test's process runs along, on a pool.
struct Company {
  ThreadPool pool{2};
};

// ------------------------------------------------------------------------------------ locks

Task<> count_under_lock(ipc::Lock lock, long* count, int n) {
  for (int i = 0; i < n; ++i) {
    auto held = co_await lock.hold();
    ++*count;
  }
}

// C008 C071 C007
TEST(Family, CountsUnderALockExactly) {
  constexpr int n = 2000;
  const ipc::Lock lock;
  const ipc::Array<long> count(1);
  {
    Company company;
    std::deque<Child> children;
    for (int i = 0; i < 2; ++i) {
      children.emplace_back([&] {
        for (int k = 0; k < n; ++k) {
          const std::scoped_lock held(lock);
          ++count[0];
        }
      });
      children.emplace_back([&] { run(count_under_lock(lock, &count[0], n)); });
    }
    auto one = company.pool.submit(count_under_lock, lock, &count[0], n);
    auto other = company.pool.submit(count_under_lock, lock, &count[0], n);
    one.block();
    other.block();
  }
  EXPECT_EQ(count[0], 6 * n);
}

// C008 C062
TEST(Family, AnotherProcessMayReleaseALock) {
  const ipc::Lock lock;
  lock.acquire().block();
  Child child([&] {
    EXPECT_FALSE(lock.try_acquire());
    lock.release();
  });
  lock.acquire().block();
  EXPECT_EQ(child.join(), 0);
  lock.release();
}

// C066 C068
TEST(Family, AForkedChildDoesNotOwnTheRLockThatItsParentHolds) {
  const ipc::RLock lock;
  lock.acquire().block();
  lock.acquire().block();
  Child child([&] {
    EXPECT_FALSE(lock.try_acquire());
    EXPECT_THROW(lock.release(), NotOwner);
    EXPECT_FALSE(lock.acquire().within(1ms).block());
  });
  EXPECT_EQ(child.join(), 0);
  lock.release();
  lock.release();
  EXPECT_THROW(lock.release(), NotOwner);
}

// C070, and API 5 in all it says
TEST(Family, ALockWhoseOwnerDiedIsRefusedUntilItIsRepaired) {
  const ipc::Lock lock;
  const Counts at(1);
  const auto die_with_it = [&](auto acquire) {
    at[0] = 0;
    Child child([&] {
      acquire();
      at[0] = 1;
      ::pause();
    });
    await([&] { return at[0] == 1; });
    child.kill();
  };
  std::atomic<int> refused{0};
  const auto waiter = [&]() -> Task<> {
    try {
      co_await lock.acquire();
    } catch (const OwnerDied&) {
      ++refused;
    }
  };
  {
    Company company;
    at[0] = 0;
    Child child([&] {
      lock.acquire().block();
      at[0] = 1;
      ::pause();
    });
    await([&] { return at[0] == 1; });
    auto waiting = spawn(company.pool, waiter);
    child.kill();
    waiting.block();
  }
  EXPECT_EQ(refused, 1);  // one that waited
  EXPECT_THROW(lock.acquire().block(), OwnerDied);
  EXPECT_THROW(static_cast<void>(lock.try_acquire()), OwnerDied);
  EXPECT_THROW(lock.lock(), OwnerDied);
  EXPECT_THROW(static_cast<void>(lock.hold().within(1ms).block()), OwnerDied);
  die_with_it([&] {
    auto held = std::make_unique<Guard<ipc::Lock>>(lock.recover().block());
    held.release();
  });
  EXPECT_THROW(lock.acquire().block(), OwnerDied);  // the one who came to repair has died, too
  { auto held = lock.recover().block(); }
  { auto held = lock.recover().block(); }  // of a healthy one it is hold()
  die_with_it([&] { lock.acquire().block(); });
  lock.release();  // by anybody
  EXPECT_TRUE(lock.try_acquire());
  lock.release();
}

// ------------------------------------------------------------- semaphores, events, conditions

// API 5
TEST(Family, PermitsOfTheDeadComeBackAndTokensDoNot) {
  const ipc::Semaphore semaphore(3);
  const Counts at(1);
  Child child([&] {
    auto held = semaphore.hold().block();
    semaphore.acquire().block();
    auto more = semaphore.hold().block();
    at[0] = 1;
    ::pause();
  });
  await([&] { return at[0] == 1; });
  EXPECT_FALSE(semaphore.try_acquire());
  child.kill();
  EXPECT_EQ(semaphore.value(), 2U);
  const ipc::BoundedSemaphore bounded(1);
  EXPECT_THROW(bounded.release(), OverRelease);
}

Task<> wait_for(ipc::Event event, std::atomic<long>* count) {
  co_await event.wait();
  ++*count;
}

// C098 C099
TEST(Family, SetWakesEverybodyWhereverEvenIfClearFollowsAtOnce) {
  const ipc::Event event;
  const Counts counts(2);
  Company company;
  {
    std::deque<Child> children;
    for (int i = 0; i < 3; ++i) {
      children.emplace_back([&] {
        ++counts[0];
        event.wait().block();
        ++counts[1];
      });
    }
    children.emplace_back([&] {
      ++counts[0];
      run(wait_for(event, &counts[1]));
    });
    auto here = company.pool.submit(wait_for, event, &counts[1]);
    await([&] { return counts[0] == 4; });
    // All are about to stand in line; those that do at set() hear of it whatever comes next.
    await([&] {
      event.set();
      event.clear();
      return counts[1] == 5;
    });
    here.block();
  }
  EXPECT_FALSE(event.is_set());
}

Task<> wait_notified(ipc::Condition condition, Counts counts) {
  auto held = co_await condition.hold();
  ++counts[0];
  co_await condition.wait();
  ++counts[1];
}

// C090
TEST(Family, NotificationsReachThreadsCoroutinesAndProcesses) {
  const ipc::Condition condition;
  const Counts counts(2);
  const auto wait = [&] {
    auto held = condition.hold().block();
    ++counts[0];
    condition.wait().block();
    ++counts[1];
  };
  const auto notify = [&](int n) {
    auto held = condition.hold().block();
    condition.notify(n);
  };
  Company company;
  std::deque<Child> children;
  for (int i = 0; i < 3; ++i) children.emplace_back(wait);
  auto coroutine = company.pool.submit(wait_notified, condition, counts);
  std::thread one(wait), two(wait);
  await([&] {
    auto held = condition.hold().block();
    return counts[0] == 6;
  });
  notify(2);
  await([&] { return counts[1] == 2; });
  notify(4);
  await([&] { return counts[1] == 6; });
  notify(3);
  EXPECT_EQ(counts[1], 6);
  coroutine.block();
  one.join();
  two.join();
}

// API 5
TEST(Family, AWaitThatMeetsADeadOwnerThrowsWithoutHolding) {
  const ipc::Lock lock;
  const ipc::Condition condition(lock);
  const Counts at(1);
  std::atomic<int> died{0}, waiting{0};
  Child child([&] {  // no fork while others run
    await([&] { return at[0] == 1; });
    lock.acquire().block();
    condition.notify();
    at[0] = 2;
    ::pause();
  });
  std::thread waiter([&] {
    condition.acquire().block();
    ++waiting;
    try {
      condition.wait().block();
    } catch (const OwnerDied&) {
      ++died;
    }
  });
  await([&] { return waiting == 1; });
  at[0] = 1;
  await([&] { return at[0] == 2; });
  child.kill();
  waiter.join();
  EXPECT_EQ(died, 1);
  { auto held = lock.recover().block(); }
  EXPECT_FALSE(lock.locked());
}

// -------------------------------------------------------------------------------- barriers

Task<> meet(ipc::Barrier barrier, Counts counts, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    const auto index = co_await barrier.wait();
    counts[0] += static_cast<long>(index);
  }
}

std::atomic<long>* actions;  // in shared memory

// C102 C103
TEST(Family, PartiesOfAllKindsMeetInLockStep) {
  constexpr int rounds = 100;
  const Counts counts(2);
  actions = &counts[1];
  const ipc::Barrier barrier(4, [] { ++*actions; });
  {
    Company company;
    Child one([&] { run(meet(barrier, counts, rounds)); });
    Child two([&] {
      for (int i = 0; i < rounds; ++i) counts[0] += static_cast<long>(barrier.wait().block());
    });
    auto three = company.pool.submit(meet, barrier, counts, rounds);
    auto four = company.pool.submit(meet, barrier, counts, rounds);
    three.block();
    four.block();
  }
  EXPECT_EQ(counts[0], 6 * rounds);
  EXPECT_EQ(counts[1], rounds);
}

// C110
TEST(Family, APartyThatDiesBreaksTheRoundInLineOrInTheAction) {
  const Counts at(1);
  static std::atomic<long>* here;
  here = &at[0];
  for (const bool acts : {false, true}) {
    const ipc::Barrier barrier(acts ? 2 : 3, [] {
      *here = 1;
      ::pause();
    });
    at[0] = 0;
    std::atomic<int> broken{0};
    std::thread party([&] {
      try {
        barrier.wait().block();
      } catch (const BrokenBarrier&) {
        ++broken;
      }
    });
    await([&] { return barrier.n_waiting() == 1; });
    // Whoever is first in line acts, unless the last one finds the round complete: that one.
    Child child([&] { barrier.wait().block(); });
    await([&] { return acts ? at[0] == 1 : barrier.n_waiting() == 2; });
    child.kill();
    party.join();
    EXPECT_EQ(broken, 1);
    EXPECT_TRUE(barrier.broken());
    barrier.reset();
    EXPECT_FALSE(barrier.broken());
  }
}

// ------------------------------------------------------------------ queues, channels, pipes

Task<> take(ipc::Queue<long> queue, std::atomic<long>* sum) {
  try {
    for (;;) *sum += co_await queue.get();
  } catch (const ShutDown&) {}
}

// C120 C121 C127
TEST(Family, EveryItemIsGotOnceWhoeverPutsAndGets) {
  constexpr long n = 1000;
  const ipc::Queue<long> queue(7);
  const Counts sum(1);
  Company company;
  Child consumer([&] {
    long last[3] = {-1, -1, -1};
    try {
      for (;;) {
        const long item = queue.get().block();
        EXPECT_GT(item / 3, last[item % 3]);  // of each producer in its order
        last[item % 3] = item / 3;
        sum[0] += item;
      }
    } catch (const ShutDown&) {}
  });
  std::deque<Child> producers;
  for (long p = 0; p < 3; ++p) {
    producers.emplace_back([&, p] {
      for (long i = 0; i < n; ++i) queue.put(i * 3 + p).block();
    });
  }
  auto coroutine = company.pool.submit(take, queue, &sum[0]);  // no fork while others run
  producers.clear();
  queue.shutdown();
  coroutine.block();
  EXPECT_EQ(consumer.join(), 0);
  EXPECT_EQ(sum[0], 3 * n * (3 * n - 1) / 2);
}

// C126 C128 C131 C132
TEST(Family, WhatWasPutIsThereAsItWasAndItsProducerMayEnd) {
  const ipc::Queue<std::vector<int>> queue;
  EXPECT_EQ(queue.qsize(), 0U);
  std::vector<int> item{1};
  queue.put(item).block();
  item.push_back(2);
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(queue.qsize(), 1U);
  EXPECT_EQ(queue.get_nowait(), std::vector<int>{1});
  Child child([&] { queue.put(std::vector<int>(100'000, 7)).block(); });
  EXPECT_EQ(child.join(), 0);
  EXPECT_EQ(queue.qsize(), 1U);
  EXPECT_EQ(queue.get().block().size(), 100'000U);
}

// C133
TEST(Family, AClosedHandleToAQueuePutsAndGetsNoMore) {
  ipc::Queue<int> queue;
  auto mine = queue;
  EXPECT_THROW(mine.join_thread(), UsageError);
  mine.put(1).block();
  mine.close();
  EXPECT_THROW(static_cast<void>(mine.put(2)), Closed);
  EXPECT_THROW(static_cast<void>(mine.get()), Closed);
  mine.join_thread();
  mine.cancel_join_thread();
  EXPECT_EQ(queue.get().block(), 1);
}

// C117 C118
TEST(Family, JoinReturnsWhenOthersHaveDoneAll) {
  const ipc::JoinableQueue<int> queue;
  const Counts sum(1);
  const auto work = [&] {
    try {
      for (;;) {
        sum[0] += queue.get().block();
        queue.task_done();
      }
    } catch (const ShutDown&) {}
  };
  Child one(work), two(work);
  for (int i = 0; i < 100; ++i) queue.put(i).block();
  queue.join().block();
  EXPECT_EQ(sum[0], 4950);
  EXPECT_EQ(queue.unfinished(), 0U);
  EXPECT_THROW(queue.task_done(), OverRelease);
  queue.shutdown();
}

// API 6, C157: ends are counted for each process, the dead ones too.
TEST(Family, AChannelEndsWhenTheLastSenderIsGoneAlsoByItsDeath) {
  for (const bool killed : {false, true}) {
    auto [tx, rx] = ipc::channel<int>(4);
    const Counts at(1);
    Child child([&, tx = tx] {
      tx.send(1).block();
      at[0] = 1;
      if (killed) ::pause();
    });
    await([&] { return at[0] == 1; });
    { const auto gone = std::move(tx); }
    EXPECT_EQ(rx.recv().block(), 1);
    EXPECT_TRUE(rx.recv().within(0ms).block().timed_out() || !killed);
    killed ? child.kill() : static_cast<void>(child.join());
    EXPECT_EQ(rx.recv().block(), std::nullopt);
  }
}

// C145 C150 C151 C156 C158
TEST(Family, ConnectionsTalkBetweenProcessesAndTravel) {
  auto [left, right] = ipc::Pipe<std::string>();
  auto outer = ipc::Pipe<ipc::Connection<int>>(false);
  auto inner = ipc::Pipe<int>();
  Child child([&, mine = right] {
    while (true) {
      const auto text = mine.recv().block();
      if (text == "end") break;
      mine.send(text + "!").block();
    }
    const ipc::Connection<int> arrived = outer.left.recv().block();
    arrived.send(arrived.recv().block() + 1).block();
  });
  for (const char* const text : {"one", "", "three"}) {
    left.send(text).block();
    EXPECT_EQ(left.recv().block(), std::string(text) + "!");
  }
  left.send("end").block();
  right.close();
  inner.right.send(41).block();
  outer.right.send(inner.left).block();
  inner.left.close();
  EXPECT_EQ(inner.right.recv().block(), 42);
  EXPECT_EQ(child.join(), 0);
  EXPECT_THROW(left.recv().block(), EndOfStream);
  EXPECT_THROW(left.send("x").block(), BrokenPipe);
  EXPECT_THROW(inner.right.recv().block(), EndOfStream);
}

// C160 C161
TEST(Family, WaitYieldsThoseThatAreReadyInOrder) {
  auto a = ipc::Pipe<int>(false), b = ipc::Pipe<int>(false);
  auto c = ipc::channel<int>(2);
  const std::vector<ipc::Connection<int>> both{a.left, b.left};
  EXPECT_TRUE(ipc::wait(std::vector<ipc::Connection<int>>{}).block().empty());
  EXPECT_FALSE(ipc::wait(both).within(0ms).block());
  EXPECT_FALSE(ipc::wait(both).within(1ms).block());
  Child child([&] {
    a.right.send(1).block();
    b.right.send(2).block();
  });
  auto first = ipc::wait(a.left, b.left).block();
  EXPECT_GE(first.size(), 1U);
  EXPECT_EQ(child.join(), 0);
  EXPECT_EQ(ipc::wait(both).block(), both);
  EXPECT_EQ(a.left.recv().block(), 1);
  EXPECT_EQ(ipc::wait(both).block(), std::vector{b.left});
  EXPECT_EQ(b.left.recv().block(), 2);
  b.right.close();
  EXPECT_EQ(ipc::wait(a.left, b.left).block(), std::vector{b.left});  // its end
  const auto wait = [&]() -> Task<std::vector<std::size_t>> {
    std::vector<std::size_t> ready = co_await ipc::wait(a.left, c.rx);
    co_return ready;
  };
  Company company;
  auto waiting = spawn(company.pool, wait);
  Child other([&] { c.tx.send(3).block(); });
  EXPECT_EQ(waiting.block(), std::vector<std::size_t>{1});
}

// ---------------------------------------------------------------------- values and arrays

// C225
TEST(Family, ValuesAndArraysAreSharedAndZeroedAtFirst) {
  struct Point {
    double x, y, z;
  };
  const ipc::Value<int> i(3);
  const ipc::Value<double> d(1.5);
  const ipc::Value<char> c('x');
  const ipc::Value<Point> p(Point{1, 2, 3});
  const ipc::Array<short> zeros(7), list{1, 2, 3};
  Child child([&] {
    EXPECT_EQ(i, 3);
    i = 4;
    d.store(2.5);
    c = 'y';
    p.store(Point{4, 5, 6});
    zeros.at(6) = 9;
    list.write(0, 2, std::vector<short>{7, 8});
  });
  EXPECT_EQ(child.join(), 0);
  EXPECT_EQ(i.load(), 4);
  EXPECT_EQ(d.load(), 2.5);
  EXPECT_EQ(c.load(), 'y');
  EXPECT_EQ(p.load().z, 6);
  EXPECT_EQ(zeros.read(0, 7), (std::vector<short>{0, 0, 0, 0, 0, 0, 9}));
  EXPECT_EQ(list.read(0, 3), (std::vector<short>{7, 8, 3}));
  EXPECT_THROW(zeros.at(7), std::out_of_range);
  EXPECT_THROW(zeros.at(-1), std::out_of_range);
  EXPECT_THROW(zeros.write(0, 2, std::vector<short>{1}), std::invalid_argument);
  EXPECT_THROW(ipc::Array<int>(-1), std::invalid_argument);
  for (int round = 0; round < 3; ++round) {  // reused memory, too
    const ipc::Array<int> again(1000);
    EXPECT_EQ(std::accumulate(again.begin(), again.end(), 0), 0);
    for (int& x : again) x = 1;
  }
}

// C226
TEST(Family, AValueIsAddedToExactlyAndItsLockIsForMore) {
  constexpr int n = 1000;
  const ipc::Value<int> count(0);
  const ipc::Value<long double> big(0);
  {
    std::deque<Child> children;
    for (int i = 0; i < 3; ++i) {
      children.emplace_back([&] {
        for (int k = 0; k < n; ++k) {
          count += 1;
          const std::scoped_lock held(big.get_lock());
          const std::scoped_lock again(big.get_lock());
          big = big + 1;
        }
      });
    }
  }
  EXPECT_EQ(count, 3 * n);
  EXPECT_EQ(big, 3 * n);
}

// API 7
TEST(Family, ABufferMovesThroughAQueueWithoutBeingCopied) {
  const ipc::Queue<ipc::Buffer<int>> queue;
  Child child([&] {
    const ipc::Buffer<int> buffer(1 << 16);
    buffer[1] = 5;
    queue.put(buffer).block();
  });
  EXPECT_EQ(child.join(), 0);
  const auto buffer = queue.get().block();
  EXPECT_EQ(buffer.size(), 1U << 16);
  EXPECT_EQ(buffer[1], 5);
  EXPECT_EQ(buffer[2], 0);
}

// -------------------------------------------------------------------------------- handles

/// Everything that can be sent, in one message.
struct Everything {
  ipc::Lock lock;
  ipc::RLock rlock;
  ipc::Semaphore semaphore;
  ipc::Event event;
  ipc::Condition condition;
  ipc::Barrier barrier{1};
  ipc::Queue<int> queue;
  ipc::Value<int> value;
  ipc::Array<int> array{1, 2};
};

// C008
TEST(Family, HandlesTravelAndNameTheSameObject) {
  using Message = std::tuple<ipc::Lock, ipc::RLock, ipc::Semaphore, ipc::Event, ipc::Condition,
                             ipc::Barrier, ipc::Queue<int>, ipc::Value<int>, ipc::Array<int>>;
  const ipc::Queue<Message> queue;
  const Everything all;
  queue
      .put(Message(all.lock, all.rlock, all.semaphore, all.event, all.condition, all.barrier,
                   all.queue, all.value, all.array))
      .block();
  Child child([&] {
    const Message m = queue.get().block();
    std::get<0>(m).acquire().block();
    std::get<0>(m).release();
    std::get<2>(m).release();
    std::get<3>(m).set();
    {
      auto held = std::get<4>(m).hold().block();
      std::get<4>(m).notify();
    }
    EXPECT_EQ(std::get<5>(m).wait().block(), 0U);
    std::get<6>(m).put(1).block();
    std::get<7>(m) += 2;
    std::get<8>(m)[0] = 3;
  });
  EXPECT_EQ(child.join(), 0);
  EXPECT_FALSE(all.lock.locked());
  EXPECT_EQ(all.semaphore.value(), 2U);
  EXPECT_TRUE(all.event.is_set());
  EXPECT_EQ(all.queue.qsize(), 1U);
  EXPECT_EQ(all.value, 2);
  EXPECT_EQ(all.array[0], 3);
}

// ------------------------------------------------------------------------------------ several

// API 6
TEST(Family, BatchesWithoutABufferReachAnotherProcessWholeAndInOrder) {
  for (const int capacity : {0, 3}) {
    auto ends = ipc::channel<int>(capacity);
    const ipc::Event ready;
    std::optional<Child> child(std::in_place, [&] {
      const auto tx = std::move(ends.tx);
      EXPECT_FALSE(tx.closed());  // the child has it from now on
      ready.set();
      for (int i = 0; i < 50; ++i) {
        std::vector<int> batch{10 * i, 10 * i + 1, 10 * i + 2};
        tx.send_many(batch).block();
        EXPECT_TRUE(batch.empty());
        tx.send(10 * i + 3).block();
      }
    });
    ready.wait().block();
    ends.tx = {};
    std::vector<int> got;
    while (ends.rx.recv_many(got, 7).block() != 0) {}
    child.reset();
    ASSERT_EQ(got.size(), 200U);
    for (int i = 0; i < 200; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], i / 4 * 10 + i % 4);
  }
}

// API 6: refused after it has found room now and then
TEST(Family, ABatchThatIsRefusedBetweenTwoTriesHoldsWhatWasNotAccepted) {
  auto ends = ipc::channel<int>(1);
  std::vector<int> items{0, 1, 2, 3};
  auto spec = detail::OperationAccess::take(ends.tx.send_many(items));
  {
    detail::NoWait nobody;
    decltype(spec)::Place place(nobody);
    EXPECT_FALSE(spec.try_now(place));
    EXPECT_EQ(ends.rx.recv().block(), 0);
    EXPECT_FALSE(spec.try_now(place));
    ends.rx.close();
    EXPECT_TRUE(spec.try_now(place));
    EXPECT_THROW(spec.result(place), Closed);
  }
  EXPECT_EQ(items, (std::vector<int>{2, 3}));
  EXPECT_EQ(ends.rx.recv().block(), 1);
  EXPECT_EQ(ends.rx.recv().block(), std::nullopt);
}

// API 6: what a sender of several has put stays, the rest goes with it
TEST(Family, ASenderOfSeveralThatIsKilledLeavesAPrefix) {
  for (int round = 0; round < 20; ++round) {
    auto ends = ipc::channel<int>(round % 3);
    const ipc::Event ready;
    Child child([&] {
      const std::vector<int> all{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
      EXPECT_FALSE(ends.tx.closed());  // the child has it from now on
      ready.set();
      ends.tx.send_many(all).block();
    });
    ready.wait().block();
    ends.tx = {};
    int next = 0;
    for (; next < round % 10; ++next) EXPECT_EQ(ends.rx.recv().block(), next);
    child.kill();
    while (const auto x = ends.rx.recv().block()) EXPECT_EQ(*x, next++);
    EXPECT_LE(next, 10);
  }
}

// API 6: ipc::wait
TEST(Family, WaitsForProcessesAndConnectionsAlike) {
  const auto wait_for_ever = [] { ipc::Event().wait().block(); };
  const auto nothing = [] {};
  Process stays(ProcessOptions{.start_method = StartMethod::fork}, wait_for_ever);
  Process ends(ProcessOptions{.start_method = StartMethod::fork}, nothing);
  EXPECT_THROW(static_cast<void>(ipc::wait(stays)), UsageError);
  stays.start();
  ends.start();
  auto [left, right] = ipc::Pipe<int>();
  const auto ended = ipc::wait(stays, ends).block();
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0], ends.ref());
  EXPECT_FALSE(ipc::wait(stays, left).within(1ms).block());
  right.send(1).block();
  EXPECT_EQ(ipc::wait(stays, left).block(), std::vector<std::size_t>{1});
  const auto both = [&]() -> Task<std::vector<std::size_t>> {
    stays.kill();
    const auto first = co_await ipc::wait(stays);
    EXPECT_EQ(first.size(), 1U);
    co_return co_await ipc::wait(left, stays);
  };
  EXPECT_EQ(run(both()), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(stays.exitcode(), -SIGKILL);
}

}  // namespace cohort::test

#endif
