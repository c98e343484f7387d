// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A child that is led through one operation instruction by instruction, and killed after any of
/// them; and the accounts of the shared memory before and after.
///
///     struct Releasing {                       // one for each death
///       explicit Releasing(Flavour survivors);
///       void child();                          // in the child; calls begin_steps()
///       void line_up();                        // the survivors, once the child is about to begin
///       void help();                           // the child sleeps: what lets it go on
///       void check(const Death& death);        // what must be so now
///     };
///     kill_after_each_instruction<Releasing>();
///
/// COHORT_KILL_EVERY in the environment: after one instruction in how many; 1: after each.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include "cohort/ipc.hpp"        // under test
#include "ipc/family.hpp"        // Child, Account
#include "support/flavours.hpp"  // Flavour, eventually, watched

namespace cohort::test {

/// What a stepped child tells whoever leads it, at no instruction's cost to him.
struct StepMarks {
  std::atomic<bool> ended;
  std::atomic<long> result;
};
/// In memory of its own, so that it is no part of any account.
inline StepMarks& step_marks() {
  static StepMarks* const marks = [] {
    void* const page = ::mmap(nullptr, sizeof(StepMarks), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) std::abort();
    return new (page) StepMarks{};
  }();
  return *marks;
}

/// In the child: from here on it is led.
inline void begin_steps() { ::raise(SIGSTOP); }

/// An operation of which the steps begin when it is about to stand in line: before, it tries again
/// and again for a while.
template <class Spec>
struct SteppedSpec : WatchedSpec<Spec> {
  void arm(typename Spec::Place& place) noexcept {
    begin_steps();
    this->spec.arm(place);
  }
};
template <class Spec>
Operation<SteppedSpec<Spec>> stepped_in_line(Operation<Spec> operation) {
  return Operation(
      SteppedSpec<Spec>{{detail::OperationAccess::take(std::move(operation)), nullptr}});
}

/// Null, or why nobody can be led here.
inline const char* why_no_steps() {
#if defined(__x86_64__) || defined(__aarch64__)
  static const bool permitted = [] {
    const ::pid_t pid = ::fork();
    if (pid == 0) ::_exit(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1);
    int status = 1;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }();
  return permitted ? nullptr : "this machine does not let a process trace its child";
#else
  return "how to take one step is not known for this processor";
#endif
}

class SteppedChild {
 public:
  /// Runs `body()`, which calls begin_steps(), up to there.
  template <class Body>
  explicit SteppedChild(Body body)
      : child_([body = std::move(body)] {
          if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
          body();
          step_marks().ended = true;
          begin_steps();  // a body that had no time to begin them
          for (;;) ::pause();
        }) {
    await_stop(SIGSTOP);
  }

  /// One instruction. False: in it, the child sleeps; `await_step` when it has been woken.
  bool step() {
    if (::ptrace(PTRACE_SINGLESTEP, child_.pid(), nullptr, nullptr) != 0) give_up("a step", errno);
    while (!is_stopped(SIGTRAP)) {
      if (!news_within(2'000'000) && sleeps()) return is_stopped(SIGTRAP);
    }
    return true;
  }
  void await_step() { await_stop(SIGTRAP); }
  template <class Between>
  void kill(Between between) {
    child_.kill(between);
  }

 private:
  [[noreturn]] static void give_up(const char* what, int value) {
    std::fprintf(stderr, "the stepped child: %s (%d)\n", what, value);
    std::abort();
  }
  void await_stop(int signal) {
    for (int round = 0; !is_stopped(signal); ++round) {
      if (!news_within(100'000'000) && round > 600) give_up("does not come to stop", signal);
    }
  }
  // Of a child of this process; whoever leads one has the signal blocked.
  static bool news_within(long nanoseconds) {
    ::sigset_t signals = signals_of_children();
    const ::timespec limit{0, nanoseconds};
    return ::sigtimedwait(&signals, nullptr, &limit) > 0;
  }
  static ::sigset_t signals_of_children() {
    ::sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGCHLD);
    return signals;
  }
  struct Listening {
    Listening() {
      const ::sigset_t signals = signals_of_children();
      ::pthread_sigmask(SIG_BLOCK, &signals, &before);
    }
    ~Listening() { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    ::sigset_t before;
  };
  bool is_stopped(int signal) {
    int status = 0;
    const ::pid_t pid = ::waitpid(child_.pid(), &status, WNOHANG);
    if (pid == 0 || (pid < 0 && errno == EINTR)) return false;
    if (pid < 0) give_up("cannot be waited for", errno);
    if (!WIFSTOPPED(status)) give_up("has ended", status);
    if (WSTOPSIG(status) != signal) give_up("got a signal", WSTOPSIG(status));
    return true;
  }
  // Not a spin and not a stop: the system put it to sleep.
  bool sleeps() const {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/stat", child_.pid());
    std::FILE* const file = std::fopen(path, "r");
    if (!file) return false;
    char line[512] = "";
    if (!std::fgets(line, sizeof line, file)) line[0] = '\0';
    std::fclose(file);
    const char* const end = std::strrchr(line, ')');
    return end && std::strncmp(end, ") S", 3) == 0;
  }

  const Listening listening_;
  Child child_;
};

/// How the child died.
struct Death {
  bool ended;   // it had done all of it
  bool helped;  // it had slept, and was helped to go on
};

inline long kill_every() {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  constexpr long otherwise = 5000;  // an operation has many more instructions
#else
  constexpr long otherwise = 50;
#endif
  const char* const text = std::getenv("COHORT_KILL_EVERY");
  return text && std::atol(text) > 0 ? std::atol(text) : otherwise;
}

/// Kills a child of the scenario after each instruction (or one in kill_every(), from one on that
/// differs from test to test), until one has come to the end before.
template <class Scenario>
void kill_after_each_instruction() {
  if (const char* const why = why_no_steps()) GTEST_SKIP() << why;
  const long every = kill_every();
  const char* const first = std::getenv("COHORT_KILL_FIRST");
  long at = first ? std::atol(first) : 1;
  for (const char* c = testing::UnitTest::GetInstance()->current_test_info()->name(); !first && *c; ++c) {
    at = (at * 31 + *c) % every;
  }
  long deaths = 0;
  for (bool ended = false; !ended && !testing::Test::HasFailure(); at += every, ++deaths) {
    SCOPED_TRACE("killed after instruction " + std::to_string(at));
    ASSERT_LT(at, 1'000'000) << "the operation does not end";
    if (std::getenv("TRACE")) std::fprintf(stderr, "%ld ", at);
    const Account before = Account::now();
    {
      Scenario scenario(deaths % 2 == 0 ? Flavour::threads : Flavour::loop);
      step_marks().ended = false;
      step_marks().result = 0;
      SteppedChild child([&scenario] { scenario.child(); });
      const bool begun = !step_marks().ended;
      scenario.line_up();
      bool helped = false;
      for (long i = 0; i < at && !step_marks().ended; ++i) {
        if (child.step() || i + 1 == at) continue;
        scenario.help();
        child.await_step();
        helped = true;
      }
      ended = begun && step_marks().ended;
      child.kill([] {});
      scenario.check(Death{step_marks().ended, helped});
    }
    EXPECT_TRUE(eventually([&] { return Account::now() == before; }))
        << "before: " << before << ", after: " << Account::now();
  }
  std::printf("%ld deaths, %ld\n", deaths, at-every);
  testing::Test::RecordProperty("deaths", std::to_string(deaths));
  testing::Test::RecordProperty("instructions", std::to_string(at - every));
}

}  // namespace cohort::test
