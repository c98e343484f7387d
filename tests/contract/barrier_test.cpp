// SPDX-License-Identifier: BSL-1.0
// Barrier: rounds, the action, and all the ways to break it.

#include "contract/barrier_contract.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <stdexcept>

namespace cohort::test {

// C103 C107: the action of a round that was reset meanwhile is run to its end, before the next.
TEST(BarrierAction, AResetWhileItRunsSendsItsPartyAwayToo) {
  Semaphore begun(0), go_on(0);
  std::atomic<int> acting{0};
  Barrier barrier(2, [&] {
    EXPECT_EQ(++acting, 1);
    begun.release();
    go_on.acquire().block();
    --acting;
  });
  std::atomic<int> passed{0}, broken{0};
  const auto party = [&] {
    try {
      barrier.wait().block();
      ++passed;
    } catch (const BrokenBarrier&) {
      ++broken;
    }
  };
  std::thread first(party), second(party);
  begun.acquire().block();
  EXPECT_EQ(barrier.n_waiting(), 1u);
  barrier.reset();
  ASSERT_TRUE(eventually([&] { return broken == 1; }));
  std::thread third(party), fourth(party);
  ASSERT_TRUE(eventually([&] { return barrier.n_waiting() == 2; }));
  go_on.release();
  begun.acquire().block();  // the next round's, after the first has ended
  ASSERT_TRUE(eventually([&] { return broken == 2; }));
  EXPECT_EQ(passed, 0);
  go_on.release();
  for (auto* thread : {&first, &second, &third, &fourth}) thread->join();
  EXPECT_EQ(passed, 2);
  EXPECT_FALSE(barrier.broken());
}

/// Decided to leave, and on its way out of the line until the test says go.
struct SlowToLeave {
  using Result = std::uint64_t;
  using Place = detail::BarrierArrival::Place;
  detail::BarrierArrival spec;
  std::atomic<bool>* leaving;
  std::atomic<bool>* go;
  bool try_now(Place& place) noexcept { return spec.try_now(place); }
  void arm(Place& place) noexcept { spec.arm(place); }
  void disarm(Place& place) noexcept {
    leaving->store(true);
    while (!go->load()) std::this_thread::yield();
    spec.disarm(place);
  }
  bool retry(Place&) noexcept { return false; }
  Result result(Place& place) { return spec.result(place); }
};

// C105: the round that is complete just then is passed by nobody.
TEST(BarrierRound, IsPassedByNobodyIfOneOfItHasDecidedToLeave) {
  Barrier barrier(3);
  std::atomic<bool> leaving{false}, go{false};
  std::atomic<int> broken{0}, stopped{0};
  const StopSource source;
  std::thread leaver([&] {
    try {
      auto spec = detail::OperationAccess::take(barrier.wait()).spec;
      Operation(SlowToLeave{spec, &leaving, &go}).block(source.token());
    } catch (const Cancelled&) {
      ++stopped;
    }
  });
  ASSERT_TRUE(eventually([&] { return barrier.n_waiting() == 1; }));
  std::thread other([&] {
    try {
      barrier.wait().block();
    } catch (const BrokenBarrier&) {
      ++broken;
    }
  });
  ASSERT_TRUE(eventually([&] { return barrier.n_waiting() == 2; }));
  std::thread stopper([&] { source.request_stop(); });
  ASSERT_TRUE(eventually([&] { return leaving.load(); }));
  EXPECT_FALSE(barrier.broken());
  EXPECT_THROW(barrier.wait().block(), BrokenBarrier);
  EXPECT_TRUE(barrier.broken());
  go = true;
  for (auto* thread : {&leaver, &other, &stopper}) thread->join();
  EXPECT_EQ(stopped, 1);
  EXPECT_EQ(broken, 1);
}

}  // namespace cohort::test
