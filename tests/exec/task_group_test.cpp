// SPDX-License-Identifier: BSL-1.0

// task_group: it returns when all children have ended; the first failure cancels the others.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test
#include "support/tasks.hpp"

namespace {

using namespace std::chrono_literals;
using cohort::Cancelled;
using cohort::Event;
using cohort::EventLoop;
using cohort::LoopTime;
using cohort::run;
using cohort::sleep_for;
using cohort::Task;
using cohort::task_group;
using cohort::TaskGroup;
using cohort::ThreadPool;
using cohort::test::fail_after;
using cohort::test::simulate;
using cohort::test::Unobserved;
using cohort::test::Words;

Task<> say_after(std::chrono::seconds d, std::string text, Words& log) {
  try {
    co_await sleep_for(d);
    log.push_back(text);
  } catch (const Cancelled&) {
    log.push_back(text + " stopped");
    throw;
  }
}

TEST(TaskGroup, ReturnsWhenAllChildrenHaveEnded) {
  Words log;
  const auto root = [](Words& words) -> Task<> {
    const auto body = [&words](TaskGroup& group) -> Task<> {
      group.spawn(say_after, 3s, "three", std::ref(words));
      group.spawn(say_after, 1s, "one", std::ref(words));
      words.push_back("body");
      co_return;
    };
    const auto start = cohort::now();
    co_await task_group(body);
    EXPECT_EQ(cohort::now() - start, 3s);
    words.push_back("after");
  };
  simulate(root(log));
  EXPECT_EQ(log, (Words{"body", "one", "three", "after"}));
}

TEST(TaskGroup, WithoutChildrenReturnsWithItsBody) {
  const auto root = []() -> Task<bool> {
    bool ran = false;
    const auto body = [&ran](TaskGroup&) -> Task<> {
      co_await sleep_for(1s);
      ran = true;
    };
    co_await task_group(body);
    co_return ran;
  };
  EXPECT_TRUE(simulate(root()));
}

TEST(TaskGroup, StoresItsBodyAndTheChildrensCallables) {
  const auto root = []() -> Task<int> {
    int sum = 0;
    auto body = [&sum, big = std::string(100, 'x')](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 3; ++i) {
        const auto add = [&sum, text = std::string(50, 'y')]() -> Task<> {
          co_await cohort::yield_now();
          sum += static_cast<int>(text.size());
        };
        group.spawn(add);
      }
      group.spawn([&sum](const std::unique_ptr<int>& p) { sum += *p; }, std::make_unique<int>(7));
      co_await sleep_for(1s);
      sum += static_cast<int>(big.size());
    };
    auto group = task_group(std::move(body));
    co_await std::move(group);
    co_return sum;
  };
  EXPECT_EQ(simulate(root()), 257);
}

TEST(TaskGroup, TakesTasksAndFunctionsAndDropsTheirValues) {
  const auto root = []() -> Task<int> {
    int calls = 0;
    const auto value = [](int& n) -> Task<int> {
      ++n;
      co_return 5;
    };
    const auto body = [&](TaskGroup& group) -> Task<> {
      group.spawn(value(calls));
      group.spawn(value, std::ref(calls));
      group.spawn([&calls] { return ++calls; });
      co_return;
    };
    co_await task_group(body);
    co_return calls;
  };
  EXPECT_EQ(simulate(root()), 3);
}

TEST(TaskGroup, StopsTheOthersAtTheFirstFailureAndRethrowsItAfterTheirEnd) {
  Words log;
  const auto root = [](Words& words) -> Task<> {
    const auto body = [&words](TaskGroup& group) -> Task<> {
      group.spawn(say_after, 3600s, "a", std::ref(words));
      group.spawn(fail_after, 1s, "failed");
      group.spawn(say_after, 3600s, "b", std::ref(words));
      co_await say_after(3600s, "body", words);
    };
    try {
      co_await task_group(body);
    } catch (const std::runtime_error& error) {
      words.push_back(error.what());
    }
    EXPECT_EQ(cohort::now(), cohort::TimePoint{} + 1s);
  };
  simulate(root(log));
  ASSERT_EQ(log.size(), 4U);
  EXPECT_EQ(log.back(), "failed");
  for (const auto* text : {"a stopped", "b stopped", "body stopped"}) {
    EXPECT_EQ(std::count(log.begin(), log.end(), text), 1) << text;
  }
}

TEST(TaskGroup, StopsItsChildrenWhenTheBodyFails) {
  Words log;
  const auto root = [](Words& words) -> Task<> {
    const auto body = [&words](TaskGroup& group) -> Task<> {
      group.spawn(say_after, 3600s, "a", std::ref(words));
      co_await sleep_for(1s);
      throw std::logic_error("body failed");
    };
    try {
      co_await task_group(body);
    } catch (const std::logic_error& error) {
      words.push_back(error.what());
    }
  };
  simulate(root(log));
  EXPECT_EQ(log, (Words{"a stopped", "body failed"}));
}

TEST(TaskGroup, ReportsTheFurtherFailures) {
  const Unobserved unobserved;
  const auto fail_when_stopped = []() -> Task<> {
    try {
      co_await sleep_for(1h);
    } catch (const Cancelled&) {
      throw std::runtime_error("further");
    }
  };
  const auto root = [&]() -> Task<std::string> {
    const auto body = [&](TaskGroup& group) -> Task<> {
      group.spawn(fail_when_stopped);
      group.spawn(fail_when_stopped);
      group.spawn(fail_after, 1s, "first");
      co_return;
    };
    std::string text;
    try {
      co_await task_group(body);
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    co_return text;
  };
  EXPECT_EQ(simulate(root()), "first");
  EXPECT_EQ(unobserved.texts().size(), 2U);
}

TEST(TaskGroup, CancelledByItsBodyEndsNormally) {
  Words log;
  const auto root = [](Words& words) -> Task<> {
    const auto body = [&words](TaskGroup& group) -> Task<> {
      group.spawn(say_after, 3600s, "a", std::ref(words));
      co_await sleep_for(1s);
      EXPECT_FALSE(group.stop_requested());
      group.cancel();
      EXPECT_TRUE(group.stop_requested());
    };
    co_await task_group(body);
    words.push_back("after");
    co_await sleep_for(1s);  // its own task was not stopped
    words.push_back("later");
  };
  simulate(root(log));
  EXPECT_EQ(log, (Words{"a stopped", "after", "later"}));
}

TEST(TaskGroup, ChildSpawnedAfterCancelIsStoppedAtItsFirstWait) {
  Words log;
  const auto root = [](Words& words) -> Task<> {
    const auto body = [&words](TaskGroup& group) -> Task<> {
      group.cancel();
      group.spawn(say_after, 3600s, "late", std::ref(words));
      co_return;
    };
    co_await task_group(body);
  };
  simulate(root(log));
  EXPECT_EQ(log, Words{"late stopped"});
}

TEST(TaskGroup, OfATaskThatIsCancelledThrowsCancelledAfterItsChildren) {
  Words log;
  EventLoop loop(LoopTime::simulated);
  const auto root = [](Words& words) -> Task<> {
    const auto body = [&words](TaskGroup& group) -> Task<> {
      group.spawn(say_after, 3600s, "a", std::ref(words));
      co_return;
    };
    try {
      co_await task_group(body);
    } catch (const Cancelled&) {
      words.push_back("group stopped");
      throw;
    }
  };
  const auto future = loop.submit(root, std::ref(log));
  loop.run_ready();
  future.cancel();
  EXPECT_THROW(future.block(), Cancelled);
  EXPECT_EQ(log, (Words{"a stopped", "group stopped"}));
}

TEST(TaskGroup, MayBeSpawnedIntoByItsChildren) {
  struct Tree {
    static Task<> grow(TaskGroup& group, int depth, std::atomic<int>& leaves) {
      if (depth == 0) {
        ++leaves;
        co_return;
      }
      group.spawn(grow, std::ref(group), depth - 1, std::ref(leaves));
      group.spawn(grow, std::ref(group), depth - 1, std::ref(leaves));
    }
  };
  const auto root = []() -> Task<int> {
    std::atomic<int> leaves{0};
    const auto body = [&leaves](TaskGroup& group) -> Task<> {
      group.spawn(Tree::grow, std::ref(group), 8, std::ref(leaves));
      co_return;
    };
    co_await task_group(body);
    co_return leaves;
  };
  EXPECT_EQ(run(root()), 256);
  for (const int workers : {1, 2, 8}) {
    ThreadPool pool{workers};
    EXPECT_EQ(run(pool, root()), 256);
  }
}

TEST(TaskGroup, Nested) {
  Words log;
  const auto root = [](Words& words) -> Task<> {
    const auto outer = [&words](TaskGroup& group) -> Task<> {
      group.spawn(say_after, 3600s, "outer", std::ref(words));
      const auto inner = [&words](TaskGroup& g) -> Task<> {
        g.spawn(say_after, 3600s, "inner", std::ref(words));
        g.spawn(fail_after, 1s, "inner failed");
        co_return;
      };
      try {
        co_await task_group(inner);
      } catch (const std::runtime_error& error) {
        words.push_back(error.what());  // the outer group goes on
      }
    };
    co_await task_group(outer);
  };
  simulate(root(log));
  EXPECT_EQ(log, (Words{"inner stopped", "inner failed", "outer"}));
}

TEST(TaskGroup, LosesNoExceptionOnAPool) {
  const Unobserved unobserved;
  ThreadPool pool{2};
  const auto fail_now = [] { throw std::runtime_error("now"); };
  const auto root = [&]() -> Task<int> {
    const auto body = [&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < 50; ++i) group.spawn(fail_now);
      co_return;
    };
    int caught = 0;
    try {
      co_await task_group(body);
    } catch (const std::runtime_error&) {
      ++caught;
    }
    co_return caught;
  };
  EXPECT_EQ(run(pool, root()), 1);
  EXPECT_EQ(unobserved.texts().size(), 49U);
}

TEST(TaskGroup, StartsWhatAnotherThreadSpawnsOnItsOwnExecutor) {
  ThreadPool pool{1};
  ThreadPool other{1};
  const auto root = [&]() -> Task<std::thread::id> {
    std::thread::id where;
    const auto body = [&](TaskGroup& group) -> Task<> {
      const auto spawn_there = [&] { group.spawn([&] { where = which_thread(); }); };
      co_await other.submit(spawn_there);
    };
    co_await task_group(body);
    co_return where;
  };
  EXPECT_EQ(run(pool, root()), pool.submit(which_thread).block());
}

}  // namespace
