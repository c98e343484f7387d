// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Subjects of contract/waiting.hpp: a lock, a semaphore, an event.

#include "contract/waiting.hpp"

namespace cohort::test {

struct LockSubject {
  LockSubject() { EXPECT_TRUE(lock.try_acquire()); }
  auto wait() { return lock.acquire(); }
  bool try_wait() { return lock.try_acquire(); }
  void give() { lock.release(); }
  void take_back() {}  // a wait that passes has taken it
  Lock lock;
};

struct SemaphoreSubject {
  auto wait() { return semaphore.acquire(); }
  bool try_wait() { return semaphore.try_acquire(); }
  void give() { semaphore.release(); }
  void take_back() {}
  Semaphore semaphore{0};
};

struct EventSubject {
  auto wait() { return event.wait(); }
  bool try_wait() { return event.is_set(); }
  void give() { event.set(); }
  void take_back() { event.clear(); }
  Event event;
};

}  // namespace cohort::test
