// SPDX-License-Identifier: BSL-1.0

// ThreadLocal: each thread has its own value, which goes when the thread ends.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

namespace {

using cohort::Event;
using cohort::Thread;
using cohort::ThreadLocal;
using cohort::ThreadPool;

static_assert(!std::is_copy_constructible_v<ThreadLocal<int>>);
static_assert(!std::is_move_constructible_v<ThreadLocal<int>>);

struct Counted {
  explicit Counted(std::atomic<int>& n) : count(&n) { ++*count; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*count; }
  std::atomic<int>* count;
  int value = 0;
};

// C262
TEST(ThreadLocal, EachThreadSeesItsOwnValueWhichGoesBeforeAJoinReturns) {
  std::atomic<int> count{0};
  ThreadLocal<Counted> local{[&count] { return Counted(count); }};
  local->value = -1;
  EXPECT_EQ(count.load(), 1);
  Event all_there;
  std::atomic<int> arrived{0};
  std::atomic<int> wrong{0};
  std::vector<Thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      if (local->value != 0) ++wrong;
      local->value = i;
      if (++arrived == 4) all_there.set();
      all_there.wait().block();
      if (local->value != i) ++wrong;
    });
  }
  for (Thread& thread : threads) thread.start();
  all_there.wait().block();
  for (Thread& thread : threads) thread.join().block();
  EXPECT_EQ(count.load(), 1);
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(local->value, -1);
}

// C262
TEST(ThreadLocal, WorksOnThreadsThatAreNotTheLibrarys) {
  std::atomic<int> count{0};
  ThreadLocal<Counted> local{[&count] { return Counted(count); }};
  std::thread([&] { ++local->value; }).join();
  EXPECT_EQ(count.load(), 0);
  {
    ThreadPool pool{1};
    EXPECT_EQ(pool.submit([&] { return ++local->value; }).block(), 1);
    EXPECT_EQ(pool.submit([&] { return ++local->value; }).block(), 2);  // by threads, not by tasks
    EXPECT_EQ(count.load(), 1);
  }
  EXPECT_EQ(count.load(), 0);
}

TEST(ThreadLocal, BeginsAsItIsToldTo) {
  const ThreadLocal<int> zero;
  const ThreadLocal<std::string> text{"text"};
  const ThreadLocal<int> number{7};
  const ThreadLocal<std::unique_ptr<int>> made{[] { return std::make_unique<int>(3); }};
  const ThreadLocal<std::atomic<int>> immovable;
  EXPECT_EQ(*zero, 0);
  EXPECT_EQ(*text, "text");
  EXPECT_EQ(*number, 7);
  EXPECT_EQ(**made, 3);
  EXPECT_EQ(immovable->load(), 0);
  number.set(8);
  EXPECT_EQ(number.get(), 8);
  std::thread([&] { EXPECT_EQ(*number, 7); }).join();
  number.reset();
  EXPECT_EQ(*number, 7);
}

TEST(ThreadLocal, TheValueOfTheThreadThatDestroysItGoesWithIt) {
  std::atomic<int> count{0};
  std::optional<ThreadLocal<Counted>> local{[&count] { return Counted(count); }};
  (*local)->value = 1;
  Event used;
  Event go;
  Thread other{[&] {
    (*local)->value = 2;
    used.set();
    go.wait().block();
  }};
  other.start();
  used.wait().block();
  EXPECT_EQ(count.load(), 2);
  local.reset();
  EXPECT_EQ(count.load(), 1);
  go.set();
  other.join().block();
  EXPECT_EQ(count.load(), 0);
}

TEST(ThreadLocal, TheDestructorOfAValueMayUseAnother) {
  std::atomic<int> count{0};
  struct User {
    explicit User(const ThreadLocal<Counted>& l) : local(&l) {}
    User(const User&) = delete;
    ~User() { (*local)->value += 1; }
    const ThreadLocal<Counted>* local;
    int x = 0;
  };
  ThreadLocal<Counted> counted{[&count] { return Counted(count); }};
  ThreadLocal<User> user{[&counted] { return User(counted); }};
  std::thread([&] { ++user->x; }).join();  // the other one is made while this one goes
  EXPECT_EQ(count.load(), 0);
  std::thread([&] {
    ++user->x;
    ++counted->value;
  }).join();
  EXPECT_EQ(count.load(), 0);
}

TEST(ThreadLocal, ManyAtATimeDoNotMixAndPlacesAreUsedAgain) {
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<ThreadLocal<int>>> locals;
    for (int i = 0; i < 100; ++i) locals.push_back(std::make_unique<ThreadLocal<int>>(i));
    std::thread([&] {
      for (int i = 0; i < 100; ++i) **locals[static_cast<std::size_t>(i)] += 1000;
      for (int i = 0; i < 100; ++i) EXPECT_EQ(**locals[static_cast<std::size_t>(i)], i + 1000);
    }).join();
    for (int i = 0; i < 100; ++i) EXPECT_EQ(**locals[static_cast<std::size_t>(i)], i);
  }
}

}  // namespace
