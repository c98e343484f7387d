// SPDX-License-Identifier: BSL-1.0
// Event: a flag, everybody who waits for it, and set() from anywhere.

#include "contract/event_contract.hpp"

#include <csignal>

namespace cohort::test {

// In the portable layer a condition variable stands in for the system, so a signal handler may not
// wake anybody.
#if !defined(_WIN32) && !defined(COHORT_FORCE_PORTABLE) && defined(__linux__) && \
    !defined(COHORT_FORCE_POLL)

enum class When { joining, leaving };

/// Raises SIGUSR1 from within the steps of a wait.
template <class Spec>
struct InterruptedSpec {
  using Result = typename Spec::Result;
  using Place = typename Spec::Place;
  Spec spec;
  When when;

  bool try_now(Place& place) { return spec.try_now(place); }
  void arm(Place& place) noexcept {
    if (when == When::joining) std::raise(SIGUSR1);
    spec.arm(place);
  }
  auto disarm(Place& place) noexcept {
    if (when == When::leaving) std::raise(SIGUSR1);  // decided, and still in line
    return spec.disarm(place);
  }
  auto retry(Place& place) noexcept { return spec.retry(place); }
  Result result(Place& place) { return spec.result(place); }
};
template <class Spec>
Operation<InterruptedSpec<Spec>> interrupted(When when, Operation<Spec> operation) {
  return Operation(
      InterruptedSpec<Spec>{detail::OperationAccess::take(std::move(operation)), when});
}

// C100: the handler runs in the thread that is just joining or leaving the line.
TEST_P(EventContract, ASignalMaySetItWhileItsThreadJoinsOrLeavesTheLine) {
  const SetBySignal handler(event);
  for (int round = 0; round < 4; ++round) {
    Crew crew(GetParam());
    event.clear();
    Party& joining = crew.start([&](auto how) -> Script<decltype(how)> {
      co_await interrupted(When::joining, event.wait());
    });
    EXPECT_EQ(joining.end(), Ending::finished);
    event.clear();
    wait_for_it(crew, 2);
    Party& stopped = crew.start([&](auto how) -> Script<decltype(how)> {
      co_await interrupted(When::leaving, watched(event.wait(), in_line));
    });
    ASSERT_TRUE(eventually([&] { return in_line == 4 * round + 3; }));
    stopped.cancel();  // the signal comes from here, and wakes the two others
    EXPECT_EQ(stopped.end(), Ending::cancelled);
    crew.join();
    event.clear();
    wait_for_it(crew, 1);
    // A thread may be late before it stands in line; then it does not leave it either.
    EXPECT_TRUE(with_enough_time(1ms, [&](auto limit) {
      const int before = SetBySignal::handled;
      Party& timed = crew.start([&, limit](auto how) -> Script<decltype(how)> {
        const bool got = co_await interrupted(When::leaving, event.wait()).within(limit);
        EXPECT_FALSE(got);
      });
      EXPECT_EQ(timed.end(), Ending::finished);
      return SetBySignal::handled > before;
    }));
    crew.join();
  }
}

#endif

}  // namespace cohort::test
