// SPDX-License-Identifier: BSL-1.0

// Task and run: lazy, move-only, started once; results and exceptions go to whoever awaits.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test
#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using cohort::Cancelled;
using cohort::run;
using cohort::StopSource;
using cohort::Task;
using cohort::ThreadPool;
using cohort::UsageError;
using cohort::test::nothing;
using cohort::test::value;

Task<> note(bool& ran) {
  ran = true;
  co_return;
}
Task<> keep(std::shared_ptr<int>) { co_return; }
Task<int> fail(const char* text) {
  throw std::runtime_error(text);
  co_return 0;
}

TEST(Task, MovesAndDoesNotCopy) {
  static_assert(std::is_nothrow_move_constructible_v<Task<int>>);
  static_assert(std::is_nothrow_move_assignable_v<Task<int>>);
  static_assert(!std::is_copy_constructible_v<Task<int>>);
  static_assert(!std::is_copy_assignable_v<Task<int>>);
  static_assert(!std::is_default_constructible_v<Task<int>>);
  Task<int> from = value(5);
  Task<int> to = std::move(from);
  EXPECT_FALSE(from.valid());  // NOLINT: what is tested
  EXPECT_TRUE(to.valid());
  EXPECT_EQ(run(std::move(to)), 5);
  EXPECT_FALSE(to.valid());  // NOLINT: what is tested
}

TEST(Task, DoesNothingUntilItIsRun) {
  bool ran = false;
  Task<> task = note(ran);
  EXPECT_FALSE(ran);
  run(std::move(task));
  EXPECT_TRUE(ran);
}

TEST(Task, DestroyedUnstartedRunsNothingAndFreesItsArguments) {
  bool ran = false;
  const auto argument = std::make_shared<int>(1);
  {
    const Task<> one = note(ran);
    const Task<> other = keep(argument);
    EXPECT_EQ(argument.use_count(), 2);
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(argument.use_count(), 1);
}

TEST(Task, AssignedOverIsDestroyed) {
  const auto argument = std::make_shared<int>(1);
  Task<> task = keep(argument);
  task = nothing();
  EXPECT_EQ(argument.use_count(), 1);
  run(std::move(task));
}

TEST(Task, YieldsAMoveOnlyValue) {
  const auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
  const auto through = [](Task<std::unique_ptr<int>> task) -> Task<std::unique_ptr<int>> {
    auto result = co_await std::move(task);
    ++*result;
    co_return result;
  };
  EXPECT_EQ(*run(through(make())), 8);
}

TEST(Task, YieldsAValueWithoutADefaultConstructor) {
  struct Plain {
    explicit Plain(int n) : x(n) {}
    int x;
  };
  const auto make = []() -> Task<Plain> { co_return Plain(3); };
  EXPECT_EQ(run(make()).x, 3);
}

TEST(Task, YieldsAReferenceToTheVeryObject) {
  int object = 1;
  const auto refer = [](int& x) -> Task<int&> { co_return x; };
  const auto add = [&refer](int& x) -> Task<int&> {
    int& same = co_await refer(x);
    same += 10;
    co_return same;
  };
  EXPECT_EQ(&run(add(object)), &object);
  EXPECT_EQ(object, 11);
}

TEST(Task, ThrowsWhereItIsAwaited) {
  const auto through = []() -> Task<std::string> {
    std::string text;
    try {
      co_await fail("inner");
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    co_await fail("outer");
    co_return text;
  };
  try {
    run(through());
    FAIL() << "no exception";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "outer");
  }
}

TEST(Task, GoesOnAfterAnExceptionThatItCaught) {
  const auto retry = []() -> Task<int> {
    int failures = 0;
    for (int i = 0; i < 3; ++i) {
      try {
        co_await fail("again");
      } catch (const std::runtime_error&) {
        ++failures;
      }
    }
    co_return failures + co_await value(10);
  };
  EXPECT_EQ(run(retry()), 13);
}

TEST(Task, IsGoneWithItsArgumentsBeforeItsAwaiterGoesOn) {
  const auto argument = std::make_shared<int>(1);
  const auto look = [](const std::shared_ptr<int>& p) -> Task<long> {
    co_await keep(p);
    co_return p.use_count();
  };
  EXPECT_EQ(run(look(argument)), 1);
}

TEST(Task, AwaitedTwiceIsAUsageError) {
  const auto twice = []() -> Task<int> {
    Task<int> task = value(1);
    int sum = co_await std::move(task);
    try {
      sum += co_await std::move(task);  // NOLINT: what is tested
    } catch (const UsageError&) {
      sum += 100;
    }
    co_return sum;
  };
  EXPECT_EQ(run(twice()), 101);
}

TEST(Task, MovedFromIsAUsageErrorForEveryoneWhoStartsIt) {
  Task<> task = nothing();
  run(std::move(task));
  EXPECT_THROW(run(std::move(task)), UsageError);  // NOLINT: what is tested
  ThreadPool pool{1};
  EXPECT_THROW(run(pool, std::move(task)), UsageError);
  EXPECT_THROW(static_cast<void>(spawn(pool, std::move(task))), UsageError);
  EXPECT_EQ(pool.submit([] { return 1; }).block(), 1);  // and the pool is as good as before
}

TEST(Task, MovedFromIsAUsageErrorInAGroupAndInWhenAll) {
  const auto use = []() -> Task<int> {
    int errors = 0;
    Task<> task = nothing();
    co_await std::move(task);
    try {
      co_await cohort::when_all(nothing(), std::move(task));  // NOLINT: what is tested
    } catch (const UsageError&) {
      ++errors;
    }
    const auto body = [&task](cohort::TaskGroup& group) -> Task<> {
      group.spawn(std::move(task));
      co_return;
    };
    try {
      co_await cohort::task_group(body);
    } catch (const UsageError&) {
      ++errors;
    }
    co_return errors;
  };
  EXPECT_EQ(run(use()), 2);
}

TEST(Run, WorksOnTheCallingThread) {
  const auto where = []() -> Task<std::thread::id> {
    co_await cohort::yield_now();
    co_return which_thread();
  };
  EXPECT_EQ(run(where()), which_thread());
}

TEST(Run, OnAPoolWorksOnAnotherThread) {
  const auto where = []() -> Task<std::thread::id> { co_return which_thread(); };
  ThreadPool pool{1};
  EXPECT_NE(run(pool, where()), which_thread());
}

TEST(Run, InsideACoroutineIsAUsageErrorThatSaysWhatToWrite) {
  const auto misuse = []() -> Task<std::string> {
    try {
      run(nothing());
    } catch (const UsageError& error) {
      co_return error.what();
    }
    co_return "";
  };
  EXPECT_NE(run(misuse()).find("co_await"), std::string::npos);
}

TEST(Run, IsAllowedInAPlainFunctionOnAPool) {
  ThreadPool pool{1};
  EXPECT_EQ(pool.submit([] { return run(value(4)); }).block(), 4);
  EXPECT_EQ(pool.submit([&pool] { return run(pool, value(5)); }).block(), 5);
}

TEST(Run, StopsItsTaskByTheToken) {
  const StopSource source;
  const auto wait = [](const StopSource& s) -> Task<> {
    s.request_stop();
    co_await cohort::sleep_for(1h);
  };
  EXPECT_THROW(run(wait(source), source.token()), Cancelled);
}

TEST(Run, WithAStoppedTokenLetsTheTaskGoAsFarAsItsFirstWait) {
  const StopSource source;
  source.request_stop();
  bool began = false;
  const auto wait = [](bool& flag) -> Task<> {
    flag = true;
    co_await cohort::sleep_for(1h);
  };
  EXPECT_THROW(run(wait(began), source.token()), Cancelled);
  EXPECT_TRUE(began);
  EXPECT_EQ(run(value(6), source.token()), 6);
}

TEST(Run, OnAPoolStopsItsTaskByTheToken) {
  ThreadPool pool{1};
  const StopSource source;
  cohort::Event began;
  const auto wait = [](cohort::Event& e) -> Task<> {
    e.set();
    co_await cohort::sleep_for(1h);
  };
  std::thread other([&] {
    began.wait().block();
    source.request_stop();
  });
  EXPECT_THROW(run(pool, wait(began), source.token()), Cancelled);
  other.join();
}

TEST(Run, DrivesATaskThatEndsOnAPool) {
  const auto hop = [](ThreadPool& p) -> Task<std::thread::id> {
    co_await p.schedule();
    co_return which_thread();
  };
  ThreadPool pool{2};
  for (int i = 0; i < 3000; ++i) EXPECT_NE(run(hop(pool)), which_thread());
}

}  // namespace
