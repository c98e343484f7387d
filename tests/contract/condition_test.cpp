// SPDX-License-Identifier: BSL-1.0
// Condition: a lock let go of and taken again, and notifications that reach those they are for.

#include "contract/condition_contract.hpp"

#include <memory>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <tuple>

namespace cohort::test {

// The domain's handles are the same things with the same verbs, passed by value.
template <class Domain>
Task<> meet(typename Domain::Condition condition, typename Domain::Barrier barrier,
            typename Domain::RLock lock, typename Domain::BoundedSemaphore rooms, bool* open) {
  {
    auto held = co_await condition.hold();
    co_await condition.wait_for([open] { return *open; });
    condition.notify();
  }
  auto outer = co_await lock.hold();
  auto inner = co_await lock.hold();
  auto room = co_await rooms.hold();
  outer.release();
  inner.release();
  co_await barrier.wait();
}

// C085
TEST(ConditionHandle, AConditionKeepsTheLockItWasGivenAndIsPassedByValue) {
  using Domain = Threads;
  ThreadPool pool(2);
  int rounds = 0;
  const Domain::Barrier barrier(2, [&] { ++rounds; });
  const Domain::RLock lock;
  const Domain::BoundedSemaphore rooms(2);
  for (const Domain::Condition& condition :
       {Domain::Condition(), Domain::Condition(Domain::Lock()), Domain::Condition(Domain::RLock()),
        Domain::Condition(lock)}) {
    bool open = false;
    std::vector<Future<void>> parties;
    for (int i = 0; i < 2; ++i) {
      parties.push_back(spawn(pool, meet<Domain>, condition, barrier, lock, rooms, &open));
    }
    {
      const std::scoped_lock held(condition);
      open = true;
      condition.notify_all();
    }
    for (const auto& party : parties) party.block();
  }
  EXPECT_EQ(rounds, 4);
  EXPECT_THROW(rooms.release(), OverRelease);
  EXPECT_FALSE(lock.locked());
  const Domain::Lock plain;
  const Domain::Condition over(plain);
  const std::scoped_lock held(over);
  EXPECT_FALSE(plain.try_acquire());
}

}  // namespace cohort::test
