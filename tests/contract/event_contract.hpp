// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Event: a flag, everybody who waits for it, and set() from anywhere.

#include <pthread.h>
#include <csignal>
#include <cstring>

#include "support/flavours.hpp"  // Crew

namespace cohort::test {

class EventContract : public testing::TestWithParam<Flavour> {
 protected:
  /// Starts `n` parties that wait for the event, and waits until they stand in line.
  void wait_for_it(Crew& crew, int n) {
    const int before = in_line;
    for (int i = 0; i < n; ++i) {
      crew.start([this, i](auto how) -> Script<decltype(how)> {
        if (i % 2 == 0) {
          co_await watched(event.wait(), in_line);
        } else {
          const bool got = co_await watched(event.wait(), in_line).within(1h);
          EXPECT_TRUE(got);
        }
        ++returned;
      });
    }
    ASSERT_TRUE(eventually([&] { return in_line == before + n; }));
  }

  Event event;
  std::atomic<int> in_line{0};
  std::atomic<int> returned{0};
};

INSTANTIATE_TEST_SUITE_P(Everybody, EventContract, testing::ValuesIn(all_flavours), flavour_name);

// C096
TEST(EventFlag, IsUnsetAtFirstAndSetAndClearedAsOftenAsOneLikes) {
  Event event;
  EXPECT_FALSE(event.is_set());
  event.clear();
  EXPECT_FALSE(event.is_set());
  for (int i = 0; i < 2; ++i) {
    event.set();
    EXPECT_TRUE(event.is_set());
  }
  for (int i = 0; i < 2; ++i) {
    event.clear();
    EXPECT_FALSE(event.is_set());
  }
}

// C001 C003 C097
TEST_P(EventContract, AWaitIsTrueAtOnceIfSetElseFalseAfterItsTime) {
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    const auto start = Clock::now();
    const bool zero = co_await event.wait().within(0s);
    const bool waited = co_await event.wait().within(10ms);
    EXPECT_FALSE(zero || waited);
    EXPECT_GE(Clock::now() - start, 10ms);
    event.set();
    const bool now = co_await event.wait().within(0s);
    const bool later = co_await event.wait().within(1h);
    const bool before = co_await event.wait().within(-1h);
    EXPECT_TRUE(now && later && before);
    co_await event.wait();
    EXPECT_TRUE(event.is_set());  // waiting takes nothing
  });
  EXPECT_EQ(party.end(), Ending::finished);
}

// C098
TEST_P(EventContract, SetWakesEverybody) {
  Crew crew(GetParam());
  wait_for_it(crew, 5);
  EXPECT_EQ(returned, 0);
  event.set();
  crew.join();
  EXPECT_EQ(returned, 5);
}

// C099
TEST_P(EventContract, WhoeverWaitedAtSetReturnsEvenIfClearFollowsAtOnce) {
  for (int round = 1; round <= 20; ++round) {
    Crew crew(GetParam());
    wait_for_it(crew, 5);
    event.set();
    event.clear();
    crew.join();
    ASSERT_EQ(returned, 5 * round);
    ASSERT_FALSE(event.is_set());
  }
}

// C099: and whoever comes after clear() waits for the next set().
TEST_P(EventContract, WhoeverComesAfterClearWaitsForTheNextSet) {
  Crew crew(GetParam());
  wait_for_it(crew, 3);
  event.set();
  event.clear();
  wait_for_it(crew, 3);
  EXPECT_TRUE(eventually([&] { return returned == 3; }));
  for (std::size_t i = 3; i < 6; ++i) EXPECT_FALSE(crew.parties()[i].ended());
  event.set();
  crew.join();
  EXPECT_EQ(returned, 6);
}

// C006
TEST_P(EventContract, AStoppedWaiterKeepsNobodyFromBeingWoken) {
  Crew crew(GetParam());
  wait_for_it(crew, 6);
  crew.parties()[0].cancel();
  crew.parties()[3].cancel();
  crew.parties()[5].cancel();
  event.set();
  event.clear();
  crew.join();
  EXPECT_EQ(returned, 3);
}

// C009
TEST(EventOnALoop, AThousandWaitersDoNotKeepOneThreadFromItsWork) {
  Event event;
  int returned = 0;
  int turns = 0;
  EventLoop loop;
  const auto wait = [&]() -> Task<> {
    co_await event.wait();
    ++returned;
  };
  const auto work = [&]() -> Task<> {
    for (; turns < 1000; ++turns) co_await yield_now();
    EXPECT_EQ(returned, 0);
    event.set();
  };
  for (int i = 0; i < 1000; ++i) spawn(loop, wait);
  spawn(loop, work);
  loop.run();
  EXPECT_EQ(turns, 1000);
  EXPECT_EQ(returned, 1000);
}

// In the portable layer a condition variable stands in for the system, so a signal handler may not
// wake anybody.
#if !defined(_WIN32) && !defined(COHORT_FORCE_PORTABLE) && defined(__linux__) && \
    !defined(COHORT_FORCE_POLL)

/// While it lives, SIGUSR1 sets the event.
class SetBySignal {
 public:
  explicit SetBySignal(Event& event) {
    target = &event;
    struct sigaction action {};
    action.sa_handler = [](int) {
      ++handled;
      target.load()->set();
    };
    sigaction(SIGUSR1, &action, &before_);
  }
  ~SetBySignal() { sigaction(SIGUSR1, &before_, nullptr); }
  SetBySignal(const SetBySignal&) = delete;
  SetBySignal& operator=(const SetBySignal&) = delete;

  static inline std::atomic<Event*> target{nullptr};
  static inline std::atomic<int> handled{0};

 private:
  struct sigaction before_ {};
};

// C100
TEST_P(EventContract, ASignalHandlerMaySetIt) {
  for (int round = 1; round <= 20; ++round) {
    const SetBySignal handler(event);
    Crew crew(GetParam());
    wait_for_it(crew, 5);
    std::raise(SIGUSR1);
    crew.join();
    ASSERT_EQ(returned, 5 * round);
    event.clear();
  }
}

// C100: signals that arrive wherever they like, in the thread that does everything with the event.
TEST(EventInASignalHandler, SetNeverDeadlocksWithWhatItInterrupts) {
  Event event;
  const SetBySignal handler(event);
  constexpr int waits = 800;
  const int before = SetBySignal::handled;
  std::atomic<bool> done{false};
  std::atomic<int> returned{0};
  // One waits for ever again and again, so that there is always somebody to wake.
  std::thread waiter([&] {
    while (!done) {
      event.wait().block();
      ++returned;
    }
  });
  std::thread victim([&] {
    // Until the others have had their part in it, too.
    for (int i = 0; i < waits || SetBySignal::handled == before || returned == 0; ++i) {
      event.clear();
      const StopSource source;
      const auto wait = [&]() -> Task<> {
        const auto limit = std::chrono::microseconds(i % 50);
        const bool got = co_await event.wait().within(limit);
        if (got) ++returned;
      };
      run(wait());
      const bool got = event.wait().within(std::chrono::microseconds(i % 20)).block();
      if (got) ++returned;
    }
    done = true;
  });
  int sent = 0;
  while (!done) {
    pthread_kill(victim.native_handle(), SIGUSR1);
    ++sent;
    for (int i = 0; i < sent % 64; ++i) std::this_thread::yield();
  }
  victim.join();
  event.set();
  waiter.join();
}

#endif

}  // namespace cohort::test
