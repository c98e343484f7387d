// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Condition: a lock let go of and taken again, and notifications that reach those they are for.

#include <memory>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <tuple>

#include "support/flavours.hpp"  // Crew

namespace cohort::test {

enum class Over { its_own_lock, an_rlock, a_lock };

class ConditionContract : public testing::TestWithParam<std::tuple<Flavour, Over>> {
 protected:
  ConditionContract() {
    switch (over()) {
      case Over::its_own_lock: condition_.emplace(); break;
      case Over::an_rlock: condition_.emplace(recursive); break;
      case Over::a_lock: condition_.emplace(plain); break;
    }
  }
  static Flavour flavour() { return std::get<0>(GetParam()); }
  static Over over() { return std::get<1>(GetParam()); }

  /// Starts `n` parties that wait in this order; each logs its number when it was notified. When
  /// this returns all stand in line: they let go of the lock only then.
  void wait_in_line(Crew& crew, int n) {
    for (int i = 0; i < n; ++i) {
      const int before = waiting;
      crew.start([this, i](auto how) -> Script<decltype(how)> {
        auto held = co_await condition().hold();
        ++waiting;
        if (i % 2 == 0) {
          co_await condition().wait();
        } else {
          const bool notified = co_await condition().wait().within(1h);
          EXPECT_TRUE(notified);
        }
        EXPECT_EQ(++inside, 1);
        log.add(i);
        --inside;
      });
      wait_until_waiting(before + 1);
    }
  }
  void wait_until_waiting(int n) {
    ASSERT_TRUE(eventually([&] {
      const std::scoped_lock held(condition());
      return waiting == n;
    }));
  }
  void notify(int n) {
    const std::scoped_lock held(condition());
    condition().notify(n);
  }
  Condition& condition() { return *condition_; }

  Lock plain;
  RLock recursive;
  std::atomic<int> waiting{0};  // changed with the lock held
  std::atomic<int> inside{0};
  Log<int> log;

 private:
  std::optional<Condition> condition_;
};

std::string flavour_and_lock(const testing::TestParamInfo<std::tuple<Flavour, Over>>& instance) {
  constexpr const char* locks[] = {"own", "rlock", "lock"};
  const auto [flavour, over] = instance.param;
  return std::string(name_of(flavour)) + "_over_" + locks[static_cast<int>(over)];
}
INSTANTIATE_TEST_SUITE_P(Everybody, ConditionContract,
                         testing::Combine(testing::ValuesIn(all_flavours),
                                          testing::Values(Over::its_own_lock, Over::an_rlock,
                                                          Over::a_lock)),
                         flavour_and_lock);

// C085
TEST_P(ConditionContract, ItsVerbsAreThoseOfItsLock) {
  Crew crew(flavour());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await condition().acquire();
    if (over() == Over::a_lock) {
      EXPECT_FALSE(condition().try_acquire());
      EXPECT_FALSE(plain.try_acquire());
    } else {
      EXPECT_TRUE(condition().try_acquire());
      condition().release();
    }
    EXPECT_EQ(recursive.locked(), over() == Over::an_rlock);
    condition().release();
    EXPECT_THROW(condition().release(), UsageError);
    {
      auto held = co_await condition().hold().within(1h);
      EXPECT_TRUE(held);
      EXPECT_EQ(plain.locked(), over() == Over::a_lock);
    }
    EXPECT_FALSE(plain.locked() || recursive.locked());
    EXPECT_TRUE(condition().try_lock());
    condition().unlock();
  });
  EXPECT_EQ(party.end(), Ending::finished);
}

// C086
TEST_P(ConditionContract, WaitingOrNotifyingWithoutTheLockThrowsAndNamesTheCure) {
  Crew crew(flavour());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    std::string said;
    try {
      co_await condition().wait();
    } catch (const UsageError& e) {
      said = e.what();
    }
    EXPECT_NE(said.find("hold()"), std::string::npos) << said;
    bool thrown = false;
    try {
      co_await condition().wait_for([] { return true; }).within(0s);
    } catch (const UsageError&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    EXPECT_THROW(condition().notify(), UsageError);
    EXPECT_THROW(condition().notify_all(), UsageError);
    auto held = co_await condition().hold();
    EXPECT_THROW(condition().notify(-1), std::invalid_argument);
    condition().notify(0);
  });
  EXPECT_EQ(party.end(), Ending::finished);
}

// C001 C087
TEST_P(ConditionContract, ATimedWaitIsFalseAfterItsTimeAndTheLockIsHeldAgain) {
  Crew crew(flavour());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    auto held = co_await condition().hold();
    const auto start = Clock::now();
    const bool waited = co_await condition().wait().within(10ms);
    EXPECT_GE(Clock::now() - start, 10ms);
    const bool until = co_await condition().wait().until(Clock::now() + 1ms);
    const bool zero = co_await condition().wait().within(0s);
    const bool negative = co_await condition().wait().within(-1h);
    EXPECT_FALSE(waited || until || zero || negative);
    condition().notify();  // held, or this throws
    EXPECT_TRUE(held.owns());
  });
  EXPECT_EQ(party.end(), Ending::finished);
  EXPECT_TRUE(condition().try_acquire());
  condition().release();
}

// C087
TEST_P(ConditionContract, AWaitLetsGoOfTheLockAndHasItAgainWhenItIsNotified) {
  Crew crew(flavour());
  wait_in_line(crew, 1);
  {
    const std::scoped_lock held(condition());
    condition().notify();
    EXPECT_FALSE(crew.parties().front().ended());
    EXPECT_EQ(log.size(), 0u);  // not before this thread lets go of the lock
  }
  crew.join();
  EXPECT_EQ(log.entries(), (std::vector<int>{0}));
}

// C088 C089
TEST_P(ConditionContract, NotificationsReachTheFirstInLineAndAreNotSaved) {
  std::vector<int> expected;
  notify(3);  // nobody is there: for nobody
  Crew crew(flavour());
  wait_in_line(crew, 6);
  EXPECT_EQ(log.size(), 0u);
  for (int i = 0; i < 4; ++i) {
    notify(1);
    expected.push_back(i);
    ASSERT_TRUE(eventually([&] { return log.size() == expected.size(); }));
    EXPECT_EQ(log.entries(), expected);
  }
  notify(100);
  crew.join();
  EXPECT_EQ(log.size(), 6u);
  const std::scoped_lock held(condition());
  EXPECT_FALSE(condition().wait().within(1ms).block());  // no surplus
}

// C088
TEST_P(ConditionContract, NotifyWakesAtMostAsManyAndNotifyAllEverybody) {
  Crew crew(flavour());
  wait_in_line(crew, 7);
  notify(2);
  ASSERT_TRUE(eventually([&] { return log.size() == 2; }));
  EXPECT_TRUE(crew.parties()[0].end() == Ending::finished);
  EXPECT_TRUE(crew.parties()[1].end() == Ending::finished);
  for (std::size_t i = 2; i < 7; ++i) EXPECT_FALSE(crew.parties()[i].ended());
  {
    const std::scoped_lock held(condition());
    condition().notify_all();
  }
  crew.join();
  EXPECT_EQ(log.size(), 7u);
}

// C090
TEST_P(ConditionContract, WhatIsNotifiedBeyondTheLineIsLost) {
  Crew crew(flavour());
  wait_in_line(crew, 6);
  notify(2);
  ASSERT_TRUE(eventually([&] { return log.size() == 2; }));
  notify(4);
  crew.join();
  EXPECT_EQ(log.size(), 6u);
  notify(3);
  const std::scoped_lock held(condition());
  EXPECT_FALSE(condition().wait().within(1ms).block());
}

// C091
TEST_P(ConditionContract, AllLevelsOfAnRLockAreLetGoOfAndTakenAgain) {
  if (over() == Over::a_lock) return;  // it has no levels
  Crew crew(flavour());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await condition().acquire();
    co_await condition().acquire();
    co_await condition().acquire();
    waiting = 1;
    co_await condition().wait();
    bool notified = co_await condition().wait().within(1ms);
    EXPECT_FALSE(notified);
    for (int i = 0; i < 3; ++i) condition().release();
    EXPECT_THROW(condition().release(), NotOwner);
  });
  wait_until_waiting(1);  // so this thread had the lock
  notify(1);
  EXPECT_EQ(party.end(), Ending::finished);
}

// C006
TEST_P(ConditionContract, ACancelledWaitTakesTheLockAgainBeforeItThrows) {
  Crew crew(flavour());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await condition().acquire();
    waiting = 1;
    try {
      co_await condition().wait();
    } catch (const Cancelled&) {
      log.add(1);
      condition().notify();  // held, or this throws
      condition().release();
      throw;
    }
  });
  wait_until_waiting(1);
  {
    const std::scoped_lock held(condition());
    party.cancel();
    condition().notify();  // it has left the line
    EXPECT_FALSE(party.ended());
    EXPECT_EQ(log.size(), 0u);  // it is stopped, and waits for the lock all the same
  }
  EXPECT_EQ(party.end(), Ending::cancelled);
  EXPECT_EQ(log.size(), 1u);
  EXPECT_TRUE(condition().try_acquire());
  condition().release();
}

// C006
TEST_P(ConditionContract, OnceStoppedEveryLaterWaitThrowsWithTheLockHeld) {
  Crew crew(flavour());
  std::atomic<int> thrown{0};
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await condition().acquire();
    waiting = 1;
    for (int i = 0; i < 3; ++i) {
      try {
        if (i == 0) co_await condition().wait();
        if (i == 1) co_await condition().wait().within(0s);
        if (i == 2) co_await condition().wait_for([] { return true; });
      } catch (const Cancelled&) {
        ++thrown;
        condition().notify();
      }
    }
    condition().release();
  });
  wait_until_waiting(1);
  party.cancel();
  EXPECT_EQ(party.end(), Ending::finished);
  EXPECT_EQ(thrown, 3);
}

// C006 C094
TEST_P(ConditionContract, ThoseWhoLeaveTakeNoNotificationWithThem) {
  Crew crew(flavour());
  wait_in_line(crew, 6);
  {
    const std::scoped_lock held(condition());
    for (const std::size_t leaver : {0u, 1u, 4u}) crew.parties()[leaver].cancel();
    condition().notify(2);
  }
  ASSERT_TRUE(eventually([&] { return log.size() == 2; }));
  notify(1);
  crew.join();
  auto notified = log.entries();
  EXPECT_EQ(std::accumulate(notified.begin(), notified.end(), 0), 2 + 3 + 5);
  EXPECT_EQ(notified.back(), 5);
}

// C094: as many as were notified return true, whoever is late or stopped in that moment.
TEST_P(ConditionContract, NoNotificationIsLostWhenItMeetsATimeOutAndAStop) {
  for (int round = 0; round < 6; ++round) {
    waiting = 0;
    std::atomic<int> notified{0}, late{0}, stopped{0};
    Crew crew(flavour());
    for (int i = 0; i < 8; ++i) {
      crew.start([&, i](auto how) -> Script<decltype(how)> {
        auto held = co_await condition().hold();
        ++waiting;
        const auto limit = i % 4 == 0 ? 1ms + i * 100us : std::chrono::microseconds(1h);
        try {
          const bool got = co_await condition().wait().within(limit);
          ++(got ? notified : late);
        } catch (const Cancelled&) {
          ++stopped;
        }
      });
    }
    wait_until_waiting(8);
    for (const std::size_t stop : {1u, 2u, 5u}) {
      notify(1);
      crew.parties()[stop].cancel();  // before, while, or after it is woken
    }
    // There was always somebody to notify: three wait for ever and nobody stops them.
    ASSERT_TRUE(eventually([&] { return notified == 3; }));
    {
      const std::scoped_lock held(condition());
      condition().notify_all();
    }
    crew.join();
    EXPECT_EQ(notified + late + stopped, 8);
    EXPECT_LE(late, 2);
    EXPECT_LE(stopped, 3);
  }
}

// C092
TEST_P(ConditionContract, WaitForDoesNotWaitForWhatIsTrueAlready) {
  Crew crew(flavour());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    auto held = co_await condition().hold();
    int asked = 0;
    co_await condition().wait_for([&] { return ++asked == 1; });
    EXPECT_EQ(asked, 1);
    const bool at_once = co_await condition().wait_for([&] { return ++asked == 2; }).within(-1s);
    EXPECT_TRUE(at_once);
    EXPECT_EQ(asked, 2);
    const bool never_true = co_await condition().wait_for([] { return false; }).within(0s);
    EXPECT_FALSE(never_true);
  });
  EXPECT_EQ(party.end(), Ending::finished);
}

// C092
TEST_P(ConditionContract, WaitForAsksAfterEachNotificationWithTheLockHeld) {
  Crew crew(flavour());
  int state = 0;  // the lock's; ThreadSanitizer watches it
  std::atomic<int> asked{0};
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    auto held = co_await condition().hold();
    const auto is_three = [&] {
      ++asked;
      return state == 3;
    };
    co_await condition().wait_for(is_three);
    EXPECT_EQ(state, 3);
  });
  ASSERT_TRUE(eventually([&] { return asked == 1; }));
  for (int i = 1; i <= 3; ++i) {
    EXPECT_FALSE(party.ended());
    {
      const std::scoped_lock held(condition());
      state = i;
      condition().notify();
    }
    ASSERT_TRUE(eventually([&] { return asked == i + 1; }));
  }
  EXPECT_EQ(party.end(), Ending::finished);
}

// C092: the time is that of the whole wait, however often it is notified.
TEST_P(ConditionContract, WaitForEndsAfterItsTimeWithWhatThePredicateSaidLast) {
  Crew crew(flavour());
  std::atomic<int> asked{0};
  bool state = false;
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    auto held = co_await condition().hold();
    const auto start = Clock::now();
    const bool got = co_await condition().wait_for([&] { return ++asked, state; }).within(20ms);
    EXPECT_FALSE(got);
    EXPECT_GE(Clock::now() - start, 20ms);
    // True when the time is up, and nobody has said so.
    int times = 0;
    const bool last = co_await condition().wait_for([&] { return ++times == 2; }).within(1ms);
    EXPECT_TRUE(last);
  });
  for (int i = 0; i < 3; ++i) notify(1);
  EXPECT_EQ(party.end(), Ending::finished);
  EXPECT_GE(asked, 2);
}

TEST_P(ConditionContract, WhatThePredicateThrowsComesOutWithTheLockHeld) {
  Crew crew(flavour());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    auto held = co_await condition().hold();
    bool thrown = false;
    try {
      co_await condition().wait_for([]() -> bool { throw std::runtime_error("no"); });
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    condition().notify();
  });
  EXPECT_EQ(party.end(), Ending::finished);
}

// The classic: a bounded buffer with one lock and two conditions.
TEST_P(ConditionContract, ABufferPassesOnEverythingOnceAndNothingTwice) {
  constexpr int items = 60;
  Condition not_full(recursive), not_empty(recursive);
  std::vector<int> buffer;
  Log<int> taken;
  {
    Crew crew(flavour());
    for (int p = 0; p < 2; ++p) {
      crew.start([&, p](auto how) -> Script<decltype(how)> {
        for (int i = 0; i < items; ++i) {
          auto held = co_await not_full.hold();
          co_await not_full.wait_for([&] { return buffer.size() < 3; });
          buffer.push_back(p * items + i);
          not_empty.notify();
        }
      });
      crew.start([&](auto how) -> Script<decltype(how)> {
        for (int i = 0; i < items; ++i) {
          auto held = co_await not_empty.hold();
          co_await not_empty.wait_for([&] { return !buffer.empty(); });
          taken.add(buffer.back());
          buffer.pop_back();
          not_full.notify();
        }
      });
    }
  }
  const auto all = taken.entries();
  EXPECT_EQ(all.size(), 2u * items);
  EXPECT_EQ(std::accumulate(all.begin(), all.end(), 0), items * (2 * items - 1));
}

// ---------------------------------------------------------------- inside others, and at the end

// The lock is the caller's, whatever task awaits in its name.
TEST(ConditionInside, ATimeoutOrASelectWaitsInTheCallersName) {
  EventLoop loop(LoopTime::simulated);
  Condition condition;
  const auto task = [&]() -> Task<> {
    auto held = co_await condition.hold();
    bool timed_out = false;
    try {
      co_await timeout(1h, condition.wait());
    } catch (const TimedOut&) {
      timed_out = true;
    }
    EXPECT_TRUE(timed_out);
    condition.notify();
    auto first = co_await when_any(condition.wait(), sleep_for(1h));
    EXPECT_EQ(first.index(), 1u);
    condition.notify();
  };
  run(loop, task());
  EXPECT_TRUE(condition.try_acquire());
  condition.release();
}

// C001
TEST(ConditionInside, BlockInsideACoroutineThrowsAndNamesTheCure) {
  Condition condition;
  const auto task = [&]() -> Task<> {
    auto held = co_await condition.hold();
    std::string said;
    try {
      condition.wait_for([] { return true; }).block();
    } catch (const UsageError& e) {
      said = e.what();
    }
    EXPECT_NE(said.find("co_await"), std::string::npos) << said;
  };
  run(task());
}

// C001
TEST(ConditionInside, ALoopsOwnTimeIsTheWaits) {
  EventLoop loop(LoopTime::simulated);
  Condition condition;
  const auto task = [&]() -> Task<> {
    auto held = co_await condition.hold();
    const auto start = now();
    const bool got = co_await condition.wait_for([] { return false; }).within(1h);
    EXPECT_FALSE(got);
    EXPECT_EQ(now() - start, 1h);
  };
  run(loop, task());
}

// C006: nothing is left of those who waited when their loop has ended.
TEST(ConditionEnd, ItMayGoWhenNobodyWaits) {
  auto condition = std::make_unique<Condition>();
  int waiting = 0;
  {
    EventLoop loop;
    const auto wait = [&]() -> Task<> {
      auto held = co_await condition->hold();
      ++waiting;
      co_await condition->wait();
    };
    for (int i = 0; i < 10; ++i) spawn(loop, wait);
    loop.run_ready();
    EXPECT_EQ(waiting, 10);
  }
  EXPECT_TRUE(condition->try_acquire());
  condition->notify_all();
  condition->release();
  condition.reset();
}

}  // namespace cohort::test
