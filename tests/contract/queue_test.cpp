// SPDX-License-Identifier: BSL-1.0
// Queue under contract: whoever waits, and however, sees one and the same queue.

#include "contract/queue_contract.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace cohort::test {

// C006: what the putter still owns, and what the queue has
TEST_P(QueueContract, PutFromMovesOnlyWhenTheItemIsAccepted) {
  using Box = std::unique_ptr<int>;
  Queue<Box> queue{1};
  std::atomic<int> in_line{0};
  Box first = std::make_unique<int>(1), second = std::make_unique<int>(2);
  Crew crew(GetParam());
  Party& cancelled = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await queue.put_from(first);
    EXPECT_EQ(first, nullptr);
    EXPECT_FALSE(co_await queue.put_from(second).within(1ms));
    EXPECT_NE(second, nullptr) << "timed out";
    co_await watched(queue.put_from(second), in_line);
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  cancelled.cancel();
  EXPECT_EQ(cancelled.end(), Ending::cancelled);
  ASSERT_NE(second, nullptr) << "cancelled";
  const Party& served = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await watched(queue.put_from(second), in_line);
    EXPECT_EQ(second, nullptr);
    second = std::make_unique<int>(3);
    try {
      co_await watched(queue.put_from(second), in_line);
    } catch (const ShutDown&) {}
  });
  ASSERT_TRUE(eventually([&] { return in_line == 2; }));
  EXPECT_EQ(*queue.get().block(), 1);
  ASSERT_TRUE(eventually([&] { return in_line == 3; }));
  queue.shutdown();
  EXPECT_EQ(served.end(), Ending::finished);
  ASSERT_NE(second, nullptr) << "refused";
  EXPECT_EQ(*second, 3);
  EXPECT_EQ(*queue.get().block(), 2);
}

}  // namespace cohort::test
