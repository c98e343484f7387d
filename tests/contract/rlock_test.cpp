// SPDX-License-Identifier: BSL-1.0
// RLock: who owns it, how often, and who waits for it.

#include "contract/rlock_contract.hpp"

#include <memory>
#include <mutex>
#include <numeric>
#include <optional>

namespace cohort::test {

// C006: nothing is left of those who waited when their loop has ended.
TEST(RLockLineOfTheDead, ALoopThatEndsTakesItsWaitersOutOfTheLine) {
  auto lock = std::make_unique<RLock>();
  ASSERT_TRUE(lock->try_acquire());
  {
    EventLoop loop;
    const auto wait = [&]() -> Task<> { co_await lock->acquire(); };
    for (int i = 0; i < 10; ++i) spawn(loop, wait);
    loop.run_ready();
  }
  lock->release();
  EXPECT_TRUE(lock->try_acquire());
  lock.reset();  // held or not, if nobody waits
}

}  // namespace cohort::test
