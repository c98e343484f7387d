// SPDX-License-Identifier: BSL-1.0
// Signals that arrive during a wait do not end it, shorten it or prolong it.

#include "support/flavours.hpp"

#if !defined(_WIN32)
#include <pthread.h>

#include <csignal>

namespace cohort::test {

class SignalContract : public testing::TestWithParam<Flavour> {
 protected:
  SignalContract() {
    struct sigaction action {};  // no SA_RESTART: system calls end by EINTR
    action.sa_handler = [](int) { ++handled; };
    sigaction(SIGUSR2, &action, &before_);
  }
  ~SignalContract() override { sigaction(SIGUSR2, &before_, nullptr); }

  /// Interrupts the thread on which the party began to wait as often as the condition is looked at,
  /// until it holds.
  template <class Condition>
  void interrupt_until(Condition condition) {
    EXPECT_TRUE(eventually([&] {
      if (condition()) return true;
      if (in_line > 0) pthread_kill(thread, SIGUSR2);
      return false;
    }));
  }

  static inline std::atomic<int> handled{0};
  pthread_t thread{};
  std::atomic<int> in_line{0};

 private:
  struct sigaction before_ {};
};

INSTANTIATE_TEST_SUITE_P(Everybody, SignalContract,
                         testing::Values(Flavour::threads, Flavour::functions_1, Flavour::pool_1,
                                         Flavour::loop),
                         flavour_name);

// C005
TEST_P(SignalContract, ATimedWaitLastsAsLongAsItWasToldTo) {
  Event event;
  Semaphore semaphore(0);
  EXPECT_TRUE(with_enough_time(4ms, [&](auto limit) {
    in_line = 0;
    const int before = handled;
    Crew crew(GetParam());
    Party& party = crew.start([&, limit](auto how) -> Script<decltype(how)> {
      thread = pthread_self();
      const auto start = Clock::now();
      const bool set = co_await watched(event.wait(), in_line).within(limit);
      const bool acquired = co_await watched(semaphore.acquire(), in_line).within(limit);
      EXPECT_FALSE(set || acquired);
      EXPECT_GE(Clock::now() - start, 2 * limit);
    });
    interrupt_until([&] { return party.ended(); });  // by each signal it would begin anew
    EXPECT_EQ(party.end(), Ending::finished);
    return handled - before > 3;
  }));
}

// C005
TEST_P(SignalContract, AWaitForEverGoesOnUntilItIsServed) {
  Lock lock;
  ASSERT_TRUE(lock.try_acquire());
  const int before = handled;
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    thread = pthread_self();
    co_await watched(lock.acquire(), in_line);
    const auto start = Clock::now();
    co_await sleep_for(5ms);  // of real time: what is tested
    EXPECT_GE(Clock::now() - start, 5ms);
  });
  interrupt_until([&] { return handled > before + 10; });
  EXPECT_FALSE(party.ended());
  lock.release();
  interrupt_until([&] { return party.ended(); });
  EXPECT_EQ(party.end(), Ending::finished);
}

}  // namespace cohort::test
#endif
