// SPDX-License-Identifier: BSL-1.0

// What becomes of threads when the program ends, and when it forks. Each test of the end runs in a
// process of its own, whose stderr is looked at.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>
#include <utility>

#include "support/flavours.hpp"  // cohort, and no frame may outlive a test

#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {

using namespace std::chrono_literals;
using cohort::Event;
using cohort::main_thread;
using cohort::Task;
using cohort::Thread;
using cohort::ThreadOptions;
using cohort::ThreadRef;
using cohort::test::give_way;
using testing::ExitedWithCode;

void say(const char* text) {
  std::fputs(text, stderr);
  std::fflush(stderr);
}

/// What neither ends nor listens to anybody.
void wait_for_ever() {
  std::promise<void> never;
  never.get_future().wait();
}

/// A static object that threads use until they end.
struct Static {
  ~Static() {
    alive = false;
    say("static goes;");
  }
  bool alive = true;
};

class ProgramEnd : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

void waits_for_detached_threads_before_static_objects_go() {
  static Event go;
  Thread thread{[] {
    go.wait().block();
    static Static late;  // made after everything that main has made
    main_thread().join().block();
    give_way();
    say(late.alive ? "thread ends;" : "thread uses what has gone;");
  }};
  thread.start();
  thread.detach();
  static Static object;
  go.set();
  std::exit(3);
}

// C259
TEST_F(ProgramEnd, WaitsForDetachedThreadsBeforeStaticObjectsGo) {
  EXPECT_EXIT(waits_for_detached_threads_before_static_objects_go(), ExitedWithCode(3),
              "^thread ends;static goes;static goes;$");
}

void waits_for_threads_that_the_last_ones_start() {
  Thread outer{[] {
    Thread inner{[] {
      main_thread().join().block();  // main has returned by now
      say("inner ends;");
    }};
    inner.start();
    inner.detach();
    main_thread().join().block();
    say(main_thread().is_alive() ? "main is alive;" : "");
  }};
  outer.start();
  outer.detach();
  std::exit(0);
}

// C259
TEST_F(ProgramEnd, WaitsForThreadsThatTheLastOnesStart) {
  EXPECT_EXIT(waits_for_threads_that_the_last_ones_start(), ExitedWithCode(0), "^inner ends;$");
}

void asks_daemons_to_stop_after_the_others_have_ended() {
  static Event never;
  static const auto wait = []() -> Task<> {
    try {
      co_await never.wait();
    } catch (const cohort::Cancelled&) {
      say("coroutine stops;");
      throw;
    }
  };
  static const auto block = [] {
    try {
      never.wait().block();
    } catch (const cohort::Cancelled&) {
      say("function stops;");
      throw;
    }
  };
  Thread thread{[] {
    main_thread().join().block();
    give_way();
    say("thread ends;");
  }};
  Thread first{ThreadOptions{.daemon = true}, wait};
  first.start();
  Thread second{ThreadOptions{.daemon = true}, block};
  second.start();
  thread.start();
  std::exit(0);
}

// C259
TEST_F(ProgramEnd, AsksDaemonsToStopAfterTheOthersHaveEnded) {
  EXPECT_EXIT(asks_daemons_to_stop_after_the_others_have_ended(), ExitedWithCode(0),
              "^thread ends;(coroutine stops;function stops;|function stops;coroutine stops;)$");
}

void is_not_held_up_by_a_daemon_that_does_not_listen() {
  Thread daemon{ThreadOptions{.daemon = true}, wait_for_ever};
  daemon.start();
  const auto begin = std::chrono::steady_clock::now();
  static const auto started = begin;
  std::atexit([] {
    // Registered last, so the first to run after the threads.
    const auto took = std::chrono::steady_clock::now() - started;
    say(took < 30s ? "soon;" : "late;");
  });
  std::exit(0);
}

// C259 C042
TEST_F(ProgramEnd, IsNotHeldUpByADaemonThatDoesNotListen) {
  EXPECT_EXIT(is_not_held_up_by_a_daemon_that_does_not_listen(), ExitedWithCode(0), "^soon;$");
}

void waits_also_if_another_thread_than_the_main_one_exits() {
  static Static object;
  static Event exiting;
  Thread waits{[] {
    exiting.wait().block();
    give_way();
    say(object.alive ? "thread ends;" : "too late;");
  }};
  waits.start();
  std::atexit([] { exiting.set(); });  // registered last, so the first to run
  Thread exits{[] { std::exit(4); }};
  exits.start();
  wait_for_ever();
}

TEST_F(ProgramEnd, WaitsAlsoIfAnotherThreadThanTheMainOneExits) {
  EXPECT_EXIT(waits_also_if_another_thread_than_the_main_one_exits(), ExitedWithCode(4),
              "^thread ends;static goes;$");
}

void waits_also_if_a_coroutine_exits() {
  Thread thread{[] {
    main_thread().join().block();
    give_way();
    say("thread ends;");
  }};
  thread.start();
  thread.detach();
  const auto leave = []() -> Task<> {
    co_await cohort::yield_now();
    std::exit(5);
  };
  cohort::run(leave());
}

TEST_F(ProgramEnd, WaitsAlsoIfACoroutineExits) {
  EXPECT_EXIT(waits_also_if_a_coroutine_exits(), ExitedWithCode(5), "^thread ends;$");
}

#if !defined(_WIN32) && !defined(COHORT_FORCE_PORTABLE)

/// Yields the exit status of a child that runs `body` and then leaves at once.
template <class Body>
int status_of_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Whether a new thread runs to its end: what must work in the child of a fork.
bool a_thread_runs() {
#if COHORT_TSAN
  return true;  // ThreadSanitizer refuses threads in the child of a process that had several
#else
  bool ran = false;
  Thread thread{[&] { ran = true; }};
  thread.start();
  thread.join().block();
  return ran && !thread.is_alive();
#endif
}

// C263
TEST(ThreadFork, OnlyTheForkingThreadIsThereInTheChildAndIsItsMainOne) {
  Event go;
  Thread other{[&] { go.wait().block(); }};
  other.start();
  int status = -1;
  Thread forks{ThreadOptions{.name = "forks", .daemon = true}, [&] {
                 status = status_of_child([&] {
                   if (cohort::active_count() != 1) return 1;
                   if (cohort::enumerate().front() != cohort::current_thread()) return 2;
                   if (main_thread() != cohort::current_thread()) return 3;
                   if (main_thread().name() != "forks") return 4;
                   if (!main_thread().is_alive() || main_thread().daemon()) return 5;
                   if (other.is_alive()) return 6;
                   other.join().block();  // there is nothing to wait for
                   if (!a_thread_runs()) return 7;
                   if (cohort::active_count() != 1) return 8;
                   cohort::Lock lock;
                   lock.acquire().block();
                   lock.release();
                   return 0;
                 });
               }};
  forks.start();
  forks.join().block();
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(other.is_alive());
  go.set();
}

TEST(ThreadFork, AThreadThatNobodyHasStartedMayForkToo) {
  int status = -1;
  std::thread([&] {
    status = status_of_child([] {
      if (main_thread() != cohort::current_thread()) return 1;
      if (cohort::active_count() != 1) return 2;
      return a_thread_runs() ? 0 : 3;
    });
  }).join();
  EXPECT_EQ(status, 0);
}

TEST(ThreadFork, TheChildFindsTheLockOfNamesFree) {
  std::atomic<bool> ends{false};
  Thread busy{[&] {
    for (int i = 0; !ends; ++i) cohort::current_thread().set_name("busy " + std::to_string(i));
  }};
  busy.start();
  main_thread().set_name("the first");
  for (int i = 0; i < 20; ++i) {
    const int status = status_of_child([] { return main_thread().name() == "the first" ? 0 : 1; });
    EXPECT_EQ(status, 0);
  }
  ends = true;
  main_thread().set_name("MainThread");
}

TEST(ThreadFork, TheChildsEndDoesNotWaitForThreadsOfTheParent) {
  Event go;
  Thread other{[&] { go.wait().block(); }};
  other.start();
  const pid_t child = ::fork();
  if (child == 0) {
    { const Thread gone = std::move(other); }
    cohort::detail::ThreadRegistry::get().program_ends();
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  go.set();
}

#endif

}  // namespace
