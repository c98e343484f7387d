// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What every wait keeps to, whatever it is for. A Subject is a thing to wait for that is not there
/// at first:
///
///     auto wait();        // the operation, void
///     bool try_wait();    // its try_ twin
///     void give();        // lets one waiter pass; from not there to there, if nobody waits
///     void take_back();   // there, after a wait that passed → not there
///
/// A new primitive instantiates the suite: INSTANTIATE_TYPED_TEST_SUITE_P(X, WaitingContract, …).

#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/flavours.hpp"

namespace cohort::test {

template <class Subject>
class WaitingContract : public testing::Test {
 protected:
  /// `test(flavour)` for everybody who can wait.
  template <class Test>
  void for_everybody(Test test) {
    for (const Flavour flavour : all_flavours) {
      SCOPED_TRACE(name_of(flavour));
      test(flavour);
    }
  }
};

TYPED_TEST_SUITE_P(WaitingContract);

// C001 C002
TYPED_TEST_P(WaitingContract, ATryOrAWaitOfNoTimeFindsNothingAtOnce) {
  this->for_everybody([](Flavour flavour) {
    TypeParam subject;
    Crew crew(flavour);
    crew.start([&](auto how) -> Script<decltype(how)> {
      EXPECT_FALSE(subject.try_wait());
      const bool zero = co_await subject.wait().within(0s);
      const bool negative = co_await subject.wait().within(-1ms);
      const bool lowest = co_await subject.wait().within(std::chrono::hours::min());
      const bool past = co_await subject.wait().until(Clock::now() - 1s);
      EXPECT_FALSE(zero || negative || lowest || past);
    });
    EXPECT_EQ(crew.parties().front().end(), Ending::finished);
    EXPECT_FALSE(subject.try_wait());
  });
}

// C001 C003
TYPED_TEST_P(WaitingContract, WhatIsThereIsTakenWhateverTheTimeOut) {
  this->for_everybody([](Flavour flavour) {
    TypeParam subject;
    subject.give();
    Crew crew(flavour);
    Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
      const std::chrono::nanoseconds limits[] = {0ns, -1ns, std::chrono::nanoseconds::min(), 1h};
      for (const auto limit : limits) {
        const bool got = co_await subject.wait().within(limit);
        EXPECT_TRUE(got) << limit.count();
        subject.take_back();
        subject.give();
      }
      const bool past = co_await subject.wait().until(Clock::now() - 1s);
      EXPECT_TRUE(past);
      subject.take_back();
      subject.give();
      co_await subject.wait();
      subject.take_back();
    });
    EXPECT_EQ(party.end(), Ending::finished);
    EXPECT_FALSE(subject.try_wait());
  });
}

// C001 C002
TYPED_TEST_P(WaitingContract, AWaitEndsWhenItIsServedHoweverLongItMightHaveTaken) {
  this->for_everybody([](Flavour flavour) {
    TypeParam subject;
    std::atomic<int> in_line{0};
    Crew crew(flavour);
    crew.start([&](auto how) -> Script<decltype(how)> {
      co_await watched(subject.wait(), in_line);
      subject.take_back();
      // Durations and points too large for the clock mean for ever; they do not wrap around.
      const bool hours =
          co_await watched(subject.wait(), in_line).within(std::chrono::hours::max());
      EXPECT_TRUE(hours);
      subject.take_back();
      constexpr std::chrono::duration<double> eternity(std::numeric_limits<double>::infinity());
      const bool infinite = co_await watched(subject.wait(), in_line).within(eternity);
      EXPECT_TRUE(infinite);
      subject.take_back();
      const bool last = co_await watched(subject.wait(), in_line).until(TimePoint::max());
      EXPECT_TRUE(last);
      subject.take_back();
    });
    for (int wait = 1; wait <= 4; ++wait) {
      ASSERT_TRUE(eventually([&] { return in_line == wait; }));
      EXPECT_FALSE(crew.parties().front().ended());
      subject.give();
    }
    EXPECT_EQ(crew.parties().front().end(), Ending::finished);
    EXPECT_FALSE(subject.try_wait());
  });
}

// C001 C006
TYPED_TEST_P(WaitingContract, ATimedOutWaitHasTakenNothing) {
  this->for_everybody([](Flavour flavour) {
    TypeParam subject;
    Crew crew(flavour);
    Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
      const auto start = Clock::now();
      const bool within = co_await subject.wait().within(5ms);
      const auto middle = Clock::now();
      const bool until = co_await subject.wait().until(middle + 5ms);
      EXPECT_FALSE(within || until);
      EXPECT_GE(middle - start, 5ms);
      EXPECT_GE(Clock::now() - middle, 5ms);
    });
    EXPECT_EQ(party.end(), Ending::finished);
    EXPECT_FALSE(subject.try_wait());
    subject.give();
    EXPECT_TRUE(subject.try_wait());
  });
}

// C006
TYPED_TEST_P(WaitingContract, ACancelledWaitHasLeftItsLineWhenCancelReturns) {
  this->for_everybody([](Flavour flavour) {
    TypeParam subject;
    std::atomic<int> in_line{0};
    Crew crew(flavour);
    const auto wait = [&](auto how) -> Script<decltype(how)> {
      co_await watched(subject.wait(), in_line);
    };
    const auto wait_for_an_hour = [&](auto how) -> Script<decltype(how)> {
      co_await watched(subject.wait(), in_line).within(1h);
    };
    Party& for_ever = crew.start(wait);
    Party& timed = crew.start(wait_for_an_hour);
    ASSERT_TRUE(eventually([&] { return in_line == 2; }));
    for_ever.cancel();
    timed.cancel();
    subject.give();  // for nobody: nothing stands in line any more
    EXPECT_TRUE(subject.try_wait());
    EXPECT_EQ(for_ever.end(), Ending::cancelled);
    EXPECT_EQ(timed.end(), Ending::cancelled);
    subject.take_back();
    EXPECT_FALSE(subject.try_wait());
  });
}

// C006
TYPED_TEST_P(WaitingContract, OnceStoppedEveryLaterWaitThrowsAndTakesNothing) {
  this->for_everybody([](Flavour flavour) {
    TypeParam subject;
    std::atomic<int> in_line{0};
    std::atomic<int> thrown{0};
    Crew crew(flavour);
    Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
      try {
        co_await watched(subject.wait(), in_line);
      } catch (const Cancelled&) {
        ++thrown;
      }
      subject.give();  // even what is there for the taking
      try {
        co_await subject.wait().within(0s);
      } catch (const Cancelled&) {
        ++thrown;
      }
      EXPECT_TRUE(subject.try_wait());  // a try is no wait
      co_await subject.wait();
      ADD_FAILURE() << "went on after a stop";
    });
    ASSERT_TRUE(eventually([&] { return in_line == 1; }));
    party.cancel();
    EXPECT_EQ(party.end(), Ending::cancelled);
    EXPECT_EQ(thrown, 2);
  });
}

// C001 C006
TYPED_TEST_P(WaitingContract, AWaitAlreadyGrantedCompletesInSpiteOfAStop) {
  TypeParam subject;
  EventLoop loop;
  bool got = false;
  const auto wait = [&]() -> Task<> {
    co_await subject.wait();
    got = true;
  };
  Future<void> future = spawn(loop, wait);
  loop.run_ready();
  subject.give();
  // A lock's give only tells the first in line to try; its millisecond over, the second is a grant.
  const auto over = std::chrono::steady_clock::now() + 1ms;
  ASSERT_TRUE(eventually([&] { return std::chrono::steady_clock::now() > over; }));
  if (subject.try_wait()) subject.give();
  loop.run_ready();
  future.cancel();
  // Between processes another thread may be about to resume it.
  const auto done = [&] {
    loop.run_ready();
    return future.done();
  };
  EXPECT_TRUE(eventually(done));
  EXPECT_TRUE(got && !future.cancelled());
}

// C001
TYPED_TEST_P(WaitingContract, NobodyResumesInlineInsideAWaker) {
  TypeParam subject;
  EventLoop loop;
  Log<std::string> log;
  const auto wait = [&]() -> Task<> {
    co_await subject.wait();
    log.add("resumed");
  };
  Future<void> future = spawn(loop, wait);
  loop.run_ready();
  log.add("give");
  subject.give();
  log.add("given");
  loop.run();
  EXPECT_EQ(log.entries(), (std::vector<std::string>{"give", "given", "resumed"}));
  EXPECT_TRUE(future.done());
}

// C001
TYPED_TEST_P(WaitingContract, AWaiterResumesOnTheExecutorItSuspendedOn) {
  TypeParam subject;
  std::atomic<int> in_line{0};
  std::thread::id before, after;
  {
    Crew crew(Flavour::loop);
    crew.start([&](auto how) -> Script<decltype(how)> {
      before = which_thread();
      co_await watched(subject.wait(), in_line);
      after = which_thread();
    });
    ASSERT_TRUE(eventually([&] { return in_line == 1; }));
    subject.give();
  }
  EXPECT_EQ(before, after);
  EXPECT_NE(after, which_thread());
}

// C001
TYPED_TEST_P(WaitingContract, BlockInsideACoroutineThrowsAndNamesTheCure) {
  for (const Flavour flavour : {Flavour::pool_1, Flavour::pool_8, Flavour::loop}) {
    SCOPED_TRACE(name_of(flavour));
    TypeParam subject;
    subject.give();  // also where it would not have to wait
    Crew crew(flavour);
    Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
      std::string said;
      try {
        subject.wait().block();
      } catch (const UsageError& e) {
        said = e.what();
      }
      EXPECT_NE(said.find("co_await"), std::string::npos) << said;
      said.clear();
      try {
        const bool got = subject.wait().within(1h).block();
        ADD_FAILURE() << got;
      } catch (const UsageError& e) {
        said = e.what();
      }
      EXPECT_NE(said.find("co_await"), std::string::npos) << said;
      co_await subject.wait();  // still there
    });
    EXPECT_EQ(party.end(), Ending::finished);
  }
}

// C001
TYPED_TEST_P(WaitingContract, APlainFunctionInsideACoroutineMayBlock) {
  TypeParam subject;
  subject.give();
  EventLoop loop;
  const auto nested = [&]() -> Task<> {
    EXPECT_THROW(subject.wait().block(), UsageError);  // the innermost is a coroutine again
    co_return;
  };
  const auto plain = [&] {
    run(nested());
    subject.wait().block();
    subject.take_back();
    EXPECT_FALSE(subject.wait().within(1ms).block());
  };
  loop.submit(plain).block();
  ThreadPool pool(1);
  subject.give();
  pool.submit(plain).block();
}

REGISTER_TYPED_TEST_SUITE_P(
    WaitingContract, ATryOrAWaitOfNoTimeFindsNothingAtOnce, WhatIsThereIsTakenWhateverTheTimeOut,
    AWaitEndsWhenItIsServedHoweverLongItMightHaveTaken, ATimedOutWaitHasTakenNothing,
    ACancelledWaitHasLeftItsLineWhenCancelReturns, OnceStoppedEveryLaterWaitThrowsAndTakesNothing,
    AWaitAlreadyGrantedCompletesInSpiteOfAStop, NobodyResumesInlineInsideAWaker,
    AWaiterResumesOnTheExecutorItSuspendedOn, BlockInsideACoroutineThrowsAndNamesTheCure,
    APlainFunctionInsideACoroutineMayBlock);

}  // namespace cohort::test
