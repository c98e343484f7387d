// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What every domain has, used as a template over a domain would.

#include <gtest/gtest.h>

#include <chrono>
#include <mutex>

#include "support/flavours.hpp"  // cohort

namespace cohort::test {

/// The verbs of everything that is acquired. By reference, for what neither copies nor moves.
template <class L>
Task<> use_lock(L& lock) {
  using namespace std::chrono_literals;
  co_await lock.acquire();
  lock.release();
  { auto held = co_await lock.hold(); }
  EXPECT_TRUE(lock.try_acquire());
  lock.release();
  EXPECT_TRUE(co_await lock.acquire().within(1s));
  lock.release();
  {
    auto timed = co_await lock.hold().within(1s);
    EXPECT_TRUE(timed);
  }
}

template <class D>
void use_domain() {
  typename D::Lock lock;
  typename D::RLock rlock;
  typename D::Semaphore semaphore{1};
  typename D::BoundedSemaphore bounded{1};
  typename D::Event event;
  typename D::Condition condition;
  typename D::Barrier barrier{1};
  typename D::template Queue<int> queue{1};
  typename D::template JoinableQueue<int> joinable;
  typename D::template SimpleQueue<int> simple;
  typename D::template Value<int> value{3};
  typename D::template Array<int> array(3);
  auto [tx, rx] = D::template channel<int>(1);
  auto [left, right] = D::template Pipe<int>(true);
  typename D::template Sender<int> s = tx;
  typename D::template Receiver<int> r = rx;
  typename D::template Connection<int> c = left;
  const auto copy = queue;
  copy.put(1).block();
  EXPECT_EQ(queue.get().block(), 1);
  EXPECT_EQ(value.load(), 3);
  value.store(4);
  EXPECT_EQ(value.fetch_add(1), 4);
  {
    const std::scoped_lock held(value.get_lock());
    array.at(1) = 5;
    EXPECT_EQ(array[1], 5);
    EXPECT_EQ(array.size(), 3U);
    EXPECT_EQ(array.span().size(), 3U);
  }
  (void)D::current();
  using Worker [[maybe_unused]] = typename D::Worker;
  using Options [[maybe_unused]] = typename D::Options;
  using Pool [[maybe_unused]] = typename D::Pool;
  typename D::Condition on_lock{lock};
  const std::scoped_lock held(lock);
}

}  // namespace cohort::test
