// SPDX-License-Identifier: BSL-1.0

// No wait allocates, whatever it is for: neither a coroutine that suspends nor a thread that blocks,
// with and without a time limit.
#include "support/operator_new.hpp"  // whether this can be tested
#if COHORT_TESTS_MAY_REPLACE_OPERATOR_NEW

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "support/tasks.hpp"  // simulate

namespace {
// What this thread has allocated.
std::size_t& allocations() {
  static thread_local std::size_t count = 0;
  return count;
}
}  // namespace

void* operator new(std::size_t size) {
  ++allocations();
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace cohort::test {
namespace {

// What gives may allocate: only the waiting side is counted.
template <class Give>
void uncounted(Give give) {
  const std::size_t before = allocations();
  give();
  allocations() = before;
}

template <class Body>
std::size_t count(Body body) {
  const std::size_t before = allocations();
  body();
  return allocations() - before;
}

/// `wait()` makes an operation that has to wait until `give()`.
template <class Wait, class Give>
void expect_none_in_coroutine(Wait wait, Give give) {
  const auto waiter = [&]() -> Task<> {
    for (int round = 0; round < 3; ++round) {
      auto operation = wait();
      const std::size_t before = allocations();
      static_cast<void>(co_await std::move(operation));
      EXPECT_EQ(allocations() - before, 0U);
    }
  };
  const auto giver = [&]() -> Task<> {
    for (int round = 0; round < 3; ++round) {
      co_await sleep_for(1s);
      uncounted(give);
    }
  };
  simulate([&]() -> Task<> { co_await when_all(waiter(), giver()); }());
}
/// `limited(operation)` is what is waited for.
template <class Wait, class Give, class Limited>
void expect_none_on_thread(Wait wait, Give give, Limited limited) {
  std::atomic<int> in_line{0};
  std::thread waiter([&] {
    for (int round = 0; round < 3; ++round) {
      auto operation = limited(watched(wait(), in_line));
      EXPECT_EQ(count([&] { static_cast<void>(std::move(operation).block()); }), 0U);
    }
  });
  for (int round = 1; round <= 3; ++round) {
    EXPECT_TRUE(eventually([&] { return in_line == round; }));
    give();
  }
  waiter.join();
}
template <class Wait, class Give>
void expect_none(Wait wait, Give give) {
  const auto for_ever = [](auto operation) { return operation; };
  const auto timed = [](auto operation) { return std::move(operation).within(1h); };
  expect_none_in_coroutine(wait, give);
  expect_none_in_coroutine([&] { return timed(wait()); }, give);
  expect_none_on_thread(wait, give, for_ever);
  expect_none_on_thread(wait, give, timed);
}

TEST(NoAllocation, IsMadeByAWaitForALockOrASemaphore) {
  Lock lock;
  ASSERT_TRUE(lock.try_acquire());
  expect_none([&] { return lock.acquire(); }, [&] { lock.release(); });
  Semaphore semaphore(0);
  expect_none([&] { return semaphore.acquire(); }, [&] { semaphore.release(); });
  BoundedSemaphore bounded(1);
  ASSERT_TRUE(bounded.try_acquire());
  expect_none([&] { return bounded.acquire(); }, [&] { bounded.release(); });
}

TEST(NoAllocation, IsMadeByAWaitForAnRLock) {
  RLock lock;
  std::optional<Guard<RLock>> held;
  const auto wait = [&] {
    std::thread([&] { held.emplace(lock.hold().block()); }).join();  // another owner
    return lock.hold();
  };
  const auto give = [&] {
    const auto last = std::exchange(held, std::nullopt);  // the waiter makes another at once
  };
  expect_none(wait, give);
}

TEST(NoAllocation, IsMadeByAWaitOfAReaderOrAWriter) {
  RWLock lock;
  ASSERT_TRUE(lock.try_acquire_write());
  expect_none([&] { return lock.acquire_write(); }, [&] { lock.release_write(); });
  lock.release_write();
  const auto wait = [&] {
    EXPECT_TRUE(lock.try_acquire_write());
    return lock.hold_read();
  };
  expect_none(wait, [&] { lock.release_write(); });
}

TEST(NoAllocation, IsMadeByAWaitForAnEventOrABarrier) {
  Event event;
  const auto wait = [&] {
    event.clear();
    return event.wait();
  };
  expect_none(wait, [&] { event.set(); });
  Barrier barrier(2);
  expect_none([&] { return barrier.wait(); },
              [&] { std::thread([&] { barrier.wait().block(); }).join(); });
}

// It is a coroutine that takes the lock again, too: its frame is one that is used over and over.
TEST(NoAllocation, IsMadeByAWaitForANotification) {
  if (!COHORT_RECYCLE_FRAMES) GTEST_SKIP() << "frames are not recycled here";
  Condition condition;
  const auto wait = [&] {
    EXPECT_TRUE(condition.try_acquire());
    return condition.wait();
  };
  const auto notify = [&] {
    EXPECT_TRUE(condition.try_acquire());
    condition.notify();
    condition.release();
  };
  expect_none_in_coroutine(wait, notify);

  Condition other;
  std::atomic<int> begun{0};
  std::thread waiter([&] {
    other.acquire().block();
    for (int round = 0; round < 3; ++round) {
      ++begun;
      EXPECT_EQ(count([&] { other.wait().block(); }), 0U);
    }
    other.release();
  });
  for (int round = 1; round <= 3; ++round) {
    EXPECT_TRUE(eventually([&] { return begun == round; }));
    const auto held = other.hold().block();  // it waits
    other.notify();
  }
  waiter.join();
}

TEST(NoAllocation, IsMadeByAWaitForAnItemOrForRoom) {
  Queue<int> items{1};
  expect_none([&] { return items.get(); }, [&] { items.put_nowait(1); });
  Queue<int> room{1};
  room.put_nowait(0);
  expect_none([&] { return room.put(1); }, [&] { room.get_nowait(); });
  auto [sender, receiver] = channel<int>(1);
  expect_none([&from = receiver] { return from.recv(); },
              [&to = sender] { EXPECT_TRUE(to.try_send(1)); });
  auto [giver, taker] = channel<int>(0);
  expect_none([&from = taker] { return from.recv(); },
              [&to = giver] { EXPECT_TRUE(to.try_send(1)); });
  auto [left, right] = Pipe<int>();
  expect_none([&from = right] { return from.recv(); },
              [&to = left] { std::thread([&] { to.send(1).block(); }).join(); });
}

TEST(NoAllocation, IsMadeByAWaitForNews) {
  auto [caller, listener] = broadcast<int>(4);
  expect_none([&from = listener] { return from.recv(); }, [&to = caller] { to.send(1); });
  auto [writer, reader] = watch<int>(0);
  expect_none([&from = reader] { return from.changed(); }, [&to = writer] { to.send(1); });
}

TEST(NoAllocation, IsMadeByAWaitForAllToBeDone) {
  JoinableQueue<int> queue;
  const auto wait = [&] {
    queue.put_nowait(0);
    return queue.join();
  };
  const auto finish = [&] {
    queue.get_nowait();
    queue.task_done();
  };
  expect_none(wait, finish);
}

TEST(NoAllocation, IsMadeByAWaitForTimeToPass) {
  expect_none_in_coroutine([] { return sleep_for(1s); }, [] {});
}

}  // namespace
}  // namespace cohort::test

#endif
