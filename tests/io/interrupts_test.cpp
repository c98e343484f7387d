// SPDX-License-Identifier: BSL-1.0

// Interrupts: Ctrl-C and SIGTERM as an operation; and signals that are not meant for a wait.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::Event;
using cohort::Interrupts;
using cohort::run;
using cohort::Task;
using cohort::UsageError;

TEST(Interrupts, SetOffAWaitingCoroutine) {
  Interrupts interrupts;
  const auto wait = [](Interrupts& i) -> Task<int> {
    const bool early = co_await i.wait().within(0s);
    EXPECT_FALSE(early);
    std::raise(SIGINT);
    co_await i.wait();
    co_return i.signal();
  };
  EXPECT_FALSE(interrupts.interrupted());
  EXPECT_EQ(interrupts.signal(), 0);
  EXPECT_EQ(run(wait(interrupts)), SIGINT);
  EXPECT_TRUE(interrupts.interrupted());
}

TEST(Interrupts, AreRememberedUntilTheyAreCleared) {
  Interrupts interrupts;
  std::raise(SIGTERM);
  interrupts.wait().block();
  interrupts.wait().block();
  EXPECT_EQ(interrupts.signal(), SIGTERM);
  interrupts.clear();
  EXPECT_FALSE(interrupts.interrupted());
  EXPECT_EQ(interrupts.signal(), 0);
  EXPECT_FALSE(interrupts.wait().within(0s).block());
}

TEST(Interrupts, ExistOnceAtATime) {
  {
    const Interrupts interrupts;
    EXPECT_THROW(Interrupts(), UsageError);
  }
  Interrupts again;
  std::raise(SIGINT);
  again.wait().block();
}

TEST(Interrupts, AreAnAlternativeInASelect) {
  Interrupts interrupts;
  const auto wait = [](Interrupts& i) -> Task<std::size_t> {
    Event never;
    std::raise(SIGINT);
    const auto first = co_await cohort::select(never.wait(), i.wait());
    co_return first.index();
  };
  EXPECT_EQ(run(wait(interrupts)), 1U);
}

#if !defined(_WIN32)
// On another thread than the one that waits; in the pure-standard layer a handler may not wake.
#if !defined(COHORT_FORCE_PORTABLE)
TEST(Interrupts, WakeASleepingThreadAndTasksOnAPool) {
  Interrupts interrupts;
  cohort::ThreadPool pool{1};
  const auto wait = [](Interrupts& i) -> Task<int> {
    co_await i.wait();
    co_return i.signal();
  };
  const auto future = pool.submit(wait, std::ref(interrupts));
  int seen = 0;
  std::thread sleeper([&] {
    interrupts.wait().block();
    seen = interrupts.signal();
  });
  std::raise(SIGTERM);
  sleeper.join();
  EXPECT_EQ(seen, SIGTERM);
  EXPECT_EQ(future.block(), SIGTERM);
}
#endif

TEST(Interrupts, LeaveTheDefaultBehind) {
  { const Interrupts interrupts; }
  struct sigaction action {};
  ASSERT_EQ(::sigaction(SIGINT, nullptr, &action), 0);
  EXPECT_EQ(action.sa_handler, SIG_DFL);
  ASSERT_EQ(::sigaction(SIGTERM, nullptr, &action), 0);
  EXPECT_EQ(action.sa_handler, SIG_DFL);
}

// Handles SIGUSR1 without SA_RESTART while it lives.
class UserSignal {
 public:
  UserSignal() {
    struct sigaction action {};
    action.sa_handler = [](int) { count().fetch_add(1); };
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGUSR1, &action, &before_);
    count() = 0;
  }
  ~UserSignal() { ::sigaction(SIGUSR1, &before_, nullptr); }
  UserSignal(const UserSignal&) = delete;
  UserSignal& operator=(const UserSignal&) = delete;
  static std::atomic<int>& count() {
    static std::atomic<int> instance{0};
    return instance;
  }

 private:
  struct sigaction before_ {};
};

// C005
TEST(Signal, DuringAWaitEndsNeitherItNorItsTime) {
  const UserSignal handled;
  Event event;
  std::atomic<bool> returned{false};
  std::thread sleeper([&] {
    event.wait().block();
    returned = true;
  });
  for (int i = 1; i <= 50; ++i) {
    ASSERT_EQ(::pthread_kill(sleeper.native_handle(), SIGUSR1), 0);
    ASSERT_TRUE(cohort::test::eventually([i] { return UserSignal::count() >= i; }));
    EXPECT_FALSE(returned);
  }
  event.set();
  sleeper.join();
}

// C005
TEST(Signal, DuringATimedWaitDoesNotShortenIt) {
  const UserSignal handled;
  Event never;
  std::atomic<bool> over{false};
  std::chrono::steady_clock::duration took{};
  std::thread sleeper([&] {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(never.wait().within(20ms).block());
    took = std::chrono::steady_clock::now() - start;
    over = true;
  });
  while (!over) {
    ::pthread_kill(sleeper.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  sleeper.join();
  EXPECT_GE(took, 20ms);
}
#endif

}  // namespace
