// SPDX-License-Identifier: BSL-1.0

// The layer of the operating system that is compiled: wait words, the Poller, deadlines. One suite
// for every layer; build with COHORT_FORCE_POLL or COHORT_FORCE_PORTABLE for the others.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "cohort/os/select.hpp"  // what is tested

namespace {

using namespace std::chrono_literals;
using cohort::Clock;
using cohort::TimePoint;
using cohort::detail::add_saturating;
using cohort::detail::never;
namespace os = cohort::os;
using Word = std::atomic<std::uint32_t>;

// A deadline that no machine will see, but that is not "never".
const TimePoint last = never - std::chrono::nanoseconds(1);

TEST(Clock, IsMonotonic) {  // C004
  static_assert(Clock::is_steady);
}

TEST(WaitWord, ReturnsAtOnceIfTheWordHasChanged) {
  const Word word{1};
  os::wait_word(word, 0, never);
}

TEST(WaitWord, ReturnsAtItsDeadline) {
  const Word word{0};
  const TimePoint deadline = Clock::now() + 5ms;
  for (int returns = 0; Clock::now() < deadline; ++returns) {
    ASSERT_LT(returns, 1000) << "it does not sleep";
    os::wait_word(word, 0, deadline);
  }
}

TEST(WaitWord, ReturnsAtOnceIfTheDeadlineHasPassed) {
  const Word word{0};
  os::wait_word(word, 0, Clock::now() - 1s);
  os::wait_word(word, 0, TimePoint{} + 1ns);
}

class WaitWordUntil : public testing::TestWithParam<TimePoint> {};
INSTANTIATE_TEST_SUITE_P(FarAway, WaitWordUntil, testing::Values(never, last, never - 24h));

TEST_P(WaitWordUntil, SleepsUntilItIsWoken) {
  Word word{0};
  std::atomic<int> returns{0};
  std::thread sleeper([&] {
    while (word.load() == 0) {
      os::wait_word(word, 0, GetParam());
      ++returns;
    }
  });
  // The sleeper may be woken before it sleeps; that it sleeps at all is seen in the time given.
  const Word timer{0};
  const TimePoint enough = Clock::now() + 5ms;
  while (Clock::now() < enough) os::wait_word(timer, 0, enough);
  EXPECT_LT(returns, 100) << "it does not sleep";
  word = 1;
  os::wake_word_one(&word);
  sleeper.join();
}

TEST(WaitWord, WakesAllSleepers) {
  Word word{0};
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 4; ++i) {
    sleepers.emplace_back([&word] {
      while (word.load() == 0) os::wait_word(word, 0, never);
    });
  }
  word = 1;
  os::wake_word_all(&word);
  for (auto& sleeper : sleepers) sleeper.join();
}

TEST(WaitWord, LosesNoWakeUp) {
  Word word{0};
  constexpr std::uint32_t rounds = 10000;
  std::thread other([&word] {
    for (std::uint32_t i = 0; i < rounds; ++i) {
      while (word.load() != 2 * i + 1) os::wait_word(word, 2 * i, never);
      word = 2 * i + 2;
      os::wake_word_one(&word);
    }
  });
  for (std::uint32_t i = 0; i < rounds; ++i) {
    word = 2 * i + 1;
    os::wake_word_one(&word);
    while (word.load() != 2 * i + 2) os::wait_word(word, 2 * i + 1, never);
  }
  other.join();
}

TEST(WaitWord, MayBeGoneWhenItIsWoken) {
  volatile std::uintptr_t address = 0;  // so that the compiler does not see what becomes of it
  {
    const Word word{0};
    address = reinterpret_cast<std::uintptr_t>(&word);
  }
  os::wake_word_one(reinterpret_cast<const void*>(address));
  os::wake_word_all(reinterpret_cast<const void*>(address));
}

TEST(Poller, RemembersThatItWasWoken) {
  os::Poller poller;
  poller.wake();
  poller.wait(never);
  poller.wake();
  poller.wake();
  poller.wait(last);
}

TEST(Poller, ReturnsAtItsDeadlineAndNotBefore) {
  os::Poller poller;
  poller.wake();
  poller.wait(never);  // takes the ring with it
  const TimePoint deadline = Clock::now() + 3ms;
  poller.wait(deadline);
  EXPECT_GE(Clock::now(), deadline);
  poller.wait(Clock::now() - 1s);
  poller.wait(TimePoint{});
}

TEST(Poller, IsWokenByAnotherThread) {
  os::Poller poller;
  std::atomic<int> rung{0};
  constexpr int rounds = 1000;
  std::thread other([&] {
    for (int i = 0; i < rounds; ++i) {
      while (rung.load() != i) std::this_thread::yield();
      poller.wake();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    poller.wait(i % 2 == 0 ? never : last);
    rung = i + 1;
  }
  other.join();
}

TEST(Poller, TakesAnyNumberOfRings) {
  os::Poller poller;
  for (int i = 0; i < 100000; ++i) poller.wake();  // more than a pipe holds
  poller.wait(never);
}

#if !defined(COHORT_FORCE_PORTABLE) && !defined(_WIN32)
TEST(Poller, RoundsItsTimeoutUpAndCapsIt) {
  EXPECT_EQ(os::posix::poll_timeout(never), -1);
  EXPECT_EQ(os::posix::poll_timeout(last), std::numeric_limits<int>::max());
  EXPECT_EQ(os::posix::poll_timeout(Clock::now() - 1h), 0);
  EXPECT_EQ(os::posix::poll_timeout(TimePoint{}), 0);
  EXPECT_GE(os::posix::poll_timeout(Clock::now() + 100ms), 1);
}
#endif

TEST(Deadline, Saturates) {
  const TimePoint now = Clock::now();
  EXPECT_EQ(add_saturating(now, 5s), now + 5s);
  EXPECT_EQ(add_saturating(now, std::chrono::hours::max()), never);
  EXPECT_EQ(add_saturating(now, Clock::duration::max()), never);
  EXPECT_EQ(add_saturating(never, 1ns), never);
  EXPECT_EQ(add_saturating(last, 1h), never);
  EXPECT_EQ(add_saturating(now, never - now), never);
}

TEST(Deadline, OfZeroOrLessIsNow) {
  const TimePoint now = Clock::now();
  EXPECT_EQ(add_saturating(now, 0s), now);
  EXPECT_EQ(add_saturating(now, -5s), now);
  EXPECT_EQ(add_saturating(now, std::chrono::hours::min()), now);
}

TEST(Deadline, TakesFloatingPointDurations) {
  using Seconds = std::chrono::duration<double>;
  using Limits = std::numeric_limits<double>;
  const TimePoint now = Clock::now();
  EXPECT_EQ(add_saturating(now, Seconds(0.5)), now + 500ms);
  EXPECT_EQ(add_saturating(now, Seconds(Limits::infinity())), never);
  EXPECT_EQ(add_saturating(now, Seconds(Limits::max())), never);
  EXPECT_EQ(add_saturating(now, Seconds(-Limits::infinity())), now);
  EXPECT_EQ(add_saturating(now, Seconds(Limits::quiet_NaN())), now);
}

TEST(Deadline, OfAVeryShortDurationIsNotInThePast) {
  const TimePoint now = Clock::now();
  using Picoseconds = std::chrono::duration<std::int64_t, std::pico>;
  EXPECT_GE(add_saturating(now, Picoseconds(1)), now);
}

TEST(Machine, HasACpu) {
  EXPECT_GE(os::cpu_count(), 1U);
  os::heavy_barrier();
}

}  // namespace
