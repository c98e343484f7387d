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

  /// Interrupts the thread on which the party began to wait about once in a millisecond, until the
  /// condition holds.
  template <class Condition>
  void interrupt_until(Condition condition) {
    EXPECT_TRUE(eventually([&] {
      if (condition()) return true;
      if (in_line > 0) pthread_kill(thread, SIGUSR2);
      std::this_thread::sleep_for(500us);
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
  handled = 0;
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    thread = pthread_self();
    const auto start = Clock::now();
    const bool set = co_await watched(event.wait(), in_line).within(30ms);
    const bool acquired = co_await watched(semaphore.acquire(), in_line).within(30ms);
    const auto waited = Clock::now() - start;
    EXPECT_FALSE(set || acquired);
    EXPECT_GE(waited, 60ms);
    EXPECT_LT(waited, 20s);  // not begun anew by each signal
  });
  interrupt_until([&] { return party.ended(); });
  EXPECT_EQ(party.end(), Ending::finished);
  EXPECT_GT(handled, 3);
}

// C005
TEST_P(SignalContract, AWaitForEverGoesOnUntilItIsServed) {
  Lock lock;
  ASSERT_TRUE(lock.try_acquire());
  handled = 0;
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    thread = pthread_self();
    co_await watched(lock.acquire(), in_line);
    const auto start = Clock::now();
    co_await sleep_for(10ms);
    EXPECT_GE(Clock::now() - start, 10ms);
  });
  interrupt_until([&] { return handled > 10; });
  EXPECT_FALSE(party.ended());
  lock.release();
  interrupt_until([&] { return party.ended(); });
  EXPECT_EQ(party.end(), Ending::finished);
}

}  // namespace cohort::test
#endif
