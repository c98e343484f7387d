// SPDX-License-Identifier: BSL-1.0

// TaskLocal and the names of tasks: what belongs to a task, who inherits it, when it goes.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using namespace std::chrono_literals;
using cohort::AsyncGenerator;
using cohort::Event;
using cohort::EventLoop;
using cohort::run;
using cohort::spawn;
using cohort::Strand;
using cohort::Task;
using cohort::TaskGroup;
using cohort::TaskLocal;
using cohort::ThreadPool;
using cohort::UsageError;
namespace this_task = cohort::this_task;

/// Counts the objects that live.
struct Counted {
  explicit Counted(std::atomic<int>& n) : count(&n) { ++*count; }
  Counted(const Counted& other) : count(other.count), value(other.value) { ++*count; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --*count; }
  std::atomic<int>* count;
  int value = 0;
};

static_assert(!std::is_copy_constructible_v<TaskLocal<int>>);
static_assert(!std::is_move_constructible_v<TaskLocal<int>>);

Task<> count_to(const TaskLocal<int>& local, int goal, std::atomic<int>& wrong) {
  if (*local != 0) ++wrong;
  for (int i = 0; i < goal; ++i) {
    ++*local;
    co_await cohort::yield_now();
  }
  if (*local != goal) ++wrong;
}

// C262
TEST(TaskLocal, EachTaskSeesItsOwnOnWhateverThreadItGoesOn) {
  TaskLocal<int> local;
  std::atomic<int> wrong{0};
  ThreadPool pool{4};
  std::vector<cohort::Future<void>> futures;
  for (int i = 0; i < 100; ++i) {
    futures.push_back(spawn(pool, count_to, std::cref(local), i, std::ref(wrong)));
  }
  for (auto& future : futures) future.block();
  EXPECT_EQ(wrong.load(), 0);
}

// C262
TEST(TaskLocal, IsDestroyedWhenItsTaskHasEndedBeforeAnybodySeesIt) {
  std::atomic<int> count{0};
  TaskLocal<Counted> local{[&count] { return Counted(count); }};
  ThreadPool pool{2};
  const auto use = [&local]() -> Task<> {
    local->value = 1;
    co_await cohort::yield_now();
    if (local->value != 1) throw std::runtime_error("it is another");
  };
  for (int i = 0; i < 50; ++i) {
    spawn(pool, use).block();
    EXPECT_EQ(count.load(), 0);
  }
  const auto fail = [&local]() -> Task<> {
    local->value = 1;
    co_await cohort::yield_now();
    throw std::invalid_argument("meant");
  };
  EXPECT_THROW(run(fail()), std::invalid_argument);
  EXPECT_EQ(count.load(), 0);
}

TEST(TaskLocal, TasksAwaitedDirectlyAndUnderATimeLimitSeeTheSame) {
  TaskLocal<int> local{1};
  const auto add = [&local](int n) -> Task<> {
    *local += n;
    co_return;
  };
  const auto body = [&]() -> Task<int> {
    *local = 10;
    co_await add(1);
    const bool in_time = co_await add(2).within(1h);
    if (!in_time) co_return -1;
    co_await cohort::timeout(1h, add(3));
    co_await cohort::shield(add(4));
    auto generate = [&local]() -> AsyncGenerator<int> {
      *local += 5;
      co_yield *local;
      *local += 6;
    };
    auto generator = generate();
    while (co_await generator.next()) {}
    co_return *local;
  };
  EXPECT_EQ(run(body()), 31);
}

TEST(TaskLocal, FirstUsedUnderATimeLimitItIsTheTasksStill) {
  TaskLocal<int> local;
  const auto set = [&local]() -> Task<> {
    *local = 7;
    co_return;
  };
  const auto body = [&]() -> Task<int> {
    co_await cohort::timeout(1h, set());
    co_return *local;
  };
  EXPECT_EQ(run(body()), 7);
}

TEST(TaskLocal, LegsBeginWithACopyOfTheirParentsAndChangeOnlyTheirOwn) {
  TaskLocal<std::string> local{"none"};
  const auto leg = [&local](std::string mine) -> Task<std::string> {
    const std::string before = *local;
    local.set(mine);
    co_await cohort::yield_now();
    co_return before + " " + *local;
  };
  const auto inner = [&](std::string mine) -> Task<std::string> {
    auto tasks = cohort::when_all(leg(mine + "1"), leg(mine + "2"));  // has none of its own
    auto [a, b] = co_await std::move(tasks);
    co_return a + ", " + b;
  };
  const auto body = [&]() -> Task<> {
    local.set("parent");
    auto both = cohort::when_all(leg("a"), inner("b"));
    const auto results = co_await std::move(both);
    EXPECT_EQ(std::get<0>(results), "parent a");
    EXPECT_EQ(std::get<1>(results), "parent b1, parent b2");
    auto race = cohort::when_any(leg("c"), cohort::sleep_for(1h));
    const auto first = co_await std::move(race);
    EXPECT_EQ(std::get<0>(first), "parent c");
    EXPECT_EQ(*local, "parent");
  };
  run(body());
  ThreadPool pool{2};
  run(pool, body());
}

TEST(TaskLocal, ChildrenOfAGroupBeginWithWhatTheirSpawnerSaw) {
  TaskLocal<std::string> local{"none"};
  cohort::test::Log<std::string> log;
  const auto child = [&](std::string mine) -> Task<> {
    log.add(*local);
    local.set(mine);
    co_await cohort::yield_now();
    log.add(*local);
  };
  const auto body = [&]() -> Task<> {
    local.set("parent");
    const auto group = [&](TaskGroup& g) -> Task<> {
      g.spawn(child, "a");
      local.set("body");  // of the same task as the parent
      g.spawn(child, "b");
      co_return;
    };
    co_await cohort::task_group(group);
    log.add(*local);
  };
  run(body());
  const std::vector<std::string> expected{"parent", "body", "a", "b", "body"};
  EXPECT_EQ(log.entries(), expected);
}

TEST(TaskLocal, AGroupsChildrenInheritThroughALegThatHasNoneOfItsOwn) {
  TaskLocal<int> local;
  int seen = 0;
  const auto child = [&]() -> Task<> {
    seen = *local;
    co_return;
  };
  const auto leg = [&]() -> Task<> {
    const auto group = [&](TaskGroup& g) -> Task<> {
      g.spawn(child);
      co_return;
    };
    co_await cohort::task_group(group);
  };
  const auto body = [&]() -> Task<> {
    *local = 5;
    co_await cohort::when_all(leg());
  };
  run(body());
  EXPECT_EQ(seen, 5);
}

TEST(TaskLocal, ChildrenOfAGroupDoNotSeeTheirSpawnersChangesFromOtherThreads) {
  TaskLocal<int> local;
  ThreadPool pool{4};
  std::atomic<int> wrong{0};
  const auto child = [&](int expected) -> Task<> {
    co_await cohort::yield_now();
    if (*local != expected) ++wrong;
    *local = -1;
  };
  const auto body = [&]() -> Task<> {
    const auto group = [&](TaskGroup& g) -> Task<> {
      for (int i = 0; i < 200; ++i) {
        *local = i;
        g.spawn(child, i);
        if (i % 16 == 0) co_await cohort::yield_now();
      }
    };
    co_await cohort::task_group(group);
  };
  run(pool, body());
  EXPECT_EQ(wrong.load(), 0);
}

TEST(TaskLocal, WhatSpawnAndSubmitStartBeginsAnew) {
  TaskLocal<int> local{1};
  ThreadPool pool{2};
  const auto seen = [&local] { return *local; };
  const auto body = [&]() -> Task<int> {
    *local = 5;
    const int spawned = co_await spawn(pool, seen);
    const int submitted = co_await pool.submit(seen);
    co_return spawned * 10 + submitted;
  };
  EXPECT_EQ(run(pool, body()), 11);
}

TEST(TaskLocal, WhereItsTypeDoesNotCopyLegsAndChildrenBeginAnew) {
  TaskLocal<std::unique_ptr<int>> local;
  int empty = 0;
  const auto child = [&]() -> Task<> {
    if (!*local) ++empty;
    co_return;
  };
  const auto body = [&]() -> Task<> {
    *local = std::make_unique<int>(1);
    co_await cohort::when_all(child());
    const auto group = [&](TaskGroup& g) -> Task<> {
      g.spawn(child);
      co_return;
    };
    co_await cohort::task_group(group);
    if (**local == 1) ++empty;
  };
  run(body());
  EXPECT_EQ(empty, 3);
}

TEST(TaskLocal, APlainFunctionOnAPoolIsATaskAndAThreadOutsideTasksHasItsOwn) {
  std::atomic<int> count{0};
  TaskLocal<Counted> local{[&count] { return Counted(count); }};
  local->value = 1;
  {
    ThreadPool pool{1};
    const auto use = [&local] { return ++local->value; };
    EXPECT_EQ(pool.submit(use).block(), 1);
    EXPECT_EQ(pool.submit(use).block(), 1);
    EXPECT_EQ(count.load(), 1);
  }
  std::thread([&] {
    EXPECT_EQ(++local->value, 1);
    EXPECT_EQ(count.load(), 2);
  }).join();
  EXPECT_EQ(count.load(), 1);
  EXPECT_EQ(local->value, 1);
  local.reset();
  EXPECT_EQ(count.load(), 0);
  EXPECT_EQ(local->value, 0);
  local.reset();
}

TEST(TaskLocal, ResetDestroysTheTasksValueAndALaterUseBeginsAsTheFirst) {
  std::atomic<int> count{0};
  TaskLocal<Counted> local{[&count] { return Counted(count); }};
  const auto body = [&]() -> Task<> {
    local.reset();  // there is none
    local->value = 3;
    local.reset();
    EXPECT_EQ(count.load(), 0);
    EXPECT_EQ(local->value, 0);
    co_return;
  };
  run(body());
}

TEST(TaskLocal, ManyOfOneTaskGoInReverseOrder) {
  struct Last {
    explicit Last(std::vector<int>& v, int n) : order(&v), number(n) {}
    Last(const Last&) = delete;
    ~Last() { order->push_back(number); }
    std::vector<int>* order;
    int number;
  };
  std::vector<int> order;
  TaskLocal<Last> one{[&] { return Last(order, 1); }};
  TaskLocal<Last> two{[&] { return Last(order, 2); }};
  TaskLocal<Last> three{[&] { return Last(order, 3); }};
  const auto body = [&]() -> Task<> {
    EXPECT_EQ(two->number, 2);
    EXPECT_EQ(three->number, 3);
    EXPECT_EQ(one->number, 1);
    EXPECT_EQ(two->number, 2);
    co_return;
  };
  run(body());
  EXPECT_EQ(order, (std::vector<int>{1, 3, 2}));
}

TEST(TaskLocal, OneInThePlaceOfAnotherDoesNotSeeTheOthersValues) {
  std::atomic<int> count{0};
  const auto body = [&count]() -> Task<> {
    std::optional<TaskLocal<Counted>> first{[&count] { return Counted(count); }};
    (*first)->value = 1;
    first.reset();
    EXPECT_EQ(count.load(), 1);  // until the task ends or the place is used again
    TaskLocal<Counted> second{[&count] { return Counted(count); }};
    EXPECT_EQ(second->value, 0);
    EXPECT_EQ(count.load(), 1);
    co_return;
  };
  run(body());
  EXPECT_EQ(count.load(), 0);
  {
    TaskLocal<Counted> third{[&count] { return Counted(count); }};
    third->value = 1;
  }
  EXPECT_EQ(count.load(), 0);  // outside tasks: with the object, or when the thread ends
}

TEST(TaskLocal, WhatThrowsInTheMakingLeavesNothing) {
  int times = 0;
  TaskLocal<int> local{[&times]() -> int {
    if (++times == 1) throw std::runtime_error("not yet");
    return 4;
  }};
  const auto body = [&]() -> Task<int> {
    EXPECT_THROW(*local, std::runtime_error);
    co_return *local;
  };
  EXPECT_EQ(run(body()), 4);
}

TEST(TaskLocal, AGeneratorWhoseNextTimedOutIsATaskOfItsOwn) {
  std::atomic<int> count{0};
  TaskLocal<Counted> local{[&count] { return Counted(count); }};
  Event go;
  const auto generate = [&]() -> AsyncGenerator<int> {
    local->value += 1;
    co_await go.wait();
    co_yield local->value;
  };
  const auto body = [&]() -> Task<> {
    local->value = 10;
    auto generator = generate();
    const auto late = co_await generator.next().within(1ms);
    EXPECT_TRUE(late.timed_out());
    go.set();
    const auto value = co_await generator.next();
    EXPECT_EQ(*value, 1);
    EXPECT_EQ(count.load(), 2);
  };
  run(body());
  EXPECT_EQ(count.load(), 0);
}

TEST(TaskLocal, OnAStrandEachTaskHasItsOwn) {
  TaskLocal<int> local;
  std::atomic<int> wrong{0};
  ThreadPool pool{2};
  Strand strand{pool};
  std::vector<cohort::Future<void>> futures;
  for (int i = 0; i < 20; ++i) {
    futures.push_back(spawn(strand, count_to, std::cref(local), i, std::ref(wrong)));
  }
  for (auto& future : futures) future.block();
  EXPECT_EQ(wrong.load(), 0);
}

// ---- names

TEST(TaskName, IsMadeWhenItIsFirstAskedForAndStays) {
  const auto body = []() -> Task<std::string> {
    const std::string name = this_task::name();
    EXPECT_EQ(name.rfind("Task-", 0), 0u) << name;
    co_await cohort::yield_now();
    EXPECT_EQ(this_task::name(), name);
    co_return name;
  };
  const std::string first = run(body());
  EXPECT_NE(first, run(body()));
}

TEST(TaskName, IsSetByTheTaskAndSharedWithWhatItAwaitsDirectly) {
  const auto callee = []() -> Task<std::string> { co_return this_task::name(); };
  const auto body = [&]() -> Task<> {
    this_task::set_name("reader");
    EXPECT_EQ(co_await callee(), "reader");
    EXPECT_EQ(co_await cohort::timeout(1h, callee()), "reader");
    auto legs = cohort::when_all(callee(), callee());
    const auto names = co_await std::move(legs);
    EXPECT_NE(std::get<0>(names), "reader");
    EXPECT_NE(std::get<0>(names), std::get<1>(names));
    EXPECT_EQ(this_task::name(), "reader");
  };
  run(body());
}

TEST(TaskName, IsEmptyOutsideTasks) {
  EXPECT_EQ(this_task::name(), "");
  EXPECT_THROW(this_task::set_name("x"), UsageError);
  ThreadPool pool{1};
  EXPECT_NE(pool.submit([] { return this_task::name(); }).block(), "");
}

TEST(TaskName, FuturesAndStopsWorkAsBeforeForATaskWithExtras) {
  ThreadPool pool{2};
  Event never;
  std::atomic<bool> waits{false};
  const auto body = [&]() -> Task<int> {
    this_task::set_name("waiter");
    waits = true;
    co_await never.wait();
    co_return 1;
  };
  auto future = spawn(pool, body);
  EXPECT_TRUE(cohort::test::eventually([&] { return waits.load(); }));
  EXPECT_TRUE(future.cancel());
  EXPECT_THROW(future.block(), cohort::Cancelled);
  EXPECT_TRUE(future.cancelled());
}

}  // namespace
