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
/// COHORT_KILL_FIRST: after which first.

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
      : child_([body = (reset(), std::move(body))] {
          if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
          body();
          step_marks().ended = true;
          begin_steps();  // a body that had no time to begin them
          for (;;) ::pause();
        }) {
    await_stop(SIGSTOP);
    // It must not stand there for ever if this process is killed.
    ::ptrace(PTRACE_SETOPTIONS, child_.pid(), nullptr, PTRACE_O_EXITKILL);
  }

  /// One instruction. False: in it, the child sleeps; `await_step` when it has been woken.
  bool step() {
    if (::ptrace(PTRACE_SINGLESTEP, child_.pid(), nullptr, nullptr) != 0) give_up("a step", errno);
    while (!is_stopped(SIGTRAP)) {
      if (sleeps()) return false;
    }
    return true;
  }
  void await_step() { await_stop(SIGTRAP); }
  template <class Between>
  void kill(Between between) {
    child_.kill(between);
  }

  ipc::detail::Member member() const { return child_.member(); }

 private:
  static void reset() {
    step_marks().ended = false;
    step_marks().result = 0;
  }
  [[noreturn]] static void give_up(const char* what, int value) {
    std::fprintf(stderr, "the stepped child: %s (%d)\n", what, value);
    std::abort();
  }
  void await_stop(int signal) {
    const auto deadline = Clock::now() + std::chrono::minutes(1);
    while (!is_stopped(signal)) {
      if (Clock::now() > deadline) give_up("does not come to stop", signal);
    }
  }
  // Waits for that, until the ticker interrupts.
  bool is_stopped(int signal) {
    int status = 0;
    const ::pid_t pid = ::waitpid(child_.pid(), &status, 0);
    if (pid < 0 && errno == EINTR) return false;
    if (pid < 0) give_up("cannot be waited for", errno);
    if (!WIFSTOPPED(status)) give_up("has ended", status);
    if (WSTOPSIG(status) != signal) give_up("got a signal", WSTOPSIG(status));
    return true;
  }
  // Interrupts this thread's system calls every few milliseconds.
  class Ticker {
   public:
    Ticker() {
      struct ::sigaction action {};
      action.sa_handler = [](int) {};
      ::sigevent event{};
      event.sigev_notify = SIGEV_THREAD_ID;
      event.sigev_signo = SIGALRM;
      event._sigev_un._tid = ::gettid();
      const ::itimerspec period{{0, 3'000'000}, {0, 3'000'000}};
      if (::sigaction(SIGALRM, &action, &before_) != 0 ||
          ::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0 ||
          ::timer_settime(timer_, 0, &period, nullptr) != 0) {
        give_up("no timer", errno);
      }
    }
    ~Ticker() {
      ::timer_delete(timer_);
      ::sigaction(SIGALRM, &before_, nullptr);
    }
    Ticker(const Ticker&) = delete;
    Ticker& operator=(const Ticker&) = delete;

   private:
    struct ::sigaction before_ {};
    ::timer_t timer_{};
  };
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

  const Ticker ticker_;
  Child child_;
};

/// How the child died.
struct Death {
  bool ended;   // it had done all of it
  bool helped;  // it had slept, and was helped to go on
};

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define COHORT_TEST_MANY_INSTRUCTIONS 1
#endif
#elif defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define COHORT_TEST_MANY_INSTRUCTIONS 1
#endif
inline long kill_every() {
#if COHORT_TEST_MANY_INSTRUCTIONS
  constexpr long otherwise = 5000;
#else
  constexpr long otherwise = 50;
#endif
  const char* const text = std::getenv("COHORT_KILL_EVERY");
  return text && std::atol(text) > 0 ? std::atol(text) : otherwise;
}

/// Differs from test to test.
inline long first_of_this_test() {
  if (const char* const text = std::getenv("COHORT_KILL_FIRST")) return std::atol(text) - 1;
  long sum = 0;
  for (const char c : std::string(testing::UnitTest::GetInstance()->current_test_info()->name())) {
    sum = (sum * 31 + c) % 9973;
  }
  return sum;
}
inline void expect_account(const Account& before) {
  EXPECT_TRUE(eventually([&] { return Account::now() == before; }))
      << "before: " << before << ", after: " << Account::now();
}
inline void say_how_many(long deaths, long instructions) {
  testing::Test::RecordProperty("deaths", std::to_string(deaths));
  testing::Test::RecordProperty("instructions", std::to_string(instructions));
  std::printf("%ld deaths, %ld instructions\n", deaths, instructions);
}

/// Leads the child `steps` instructions on, or to its end. Yields how many it took.
template <class Help>
long lead(SteppedChild& child, long steps, Help help) {
  long taken = 0;
  for (; taken < steps && !step_marks().ended; ++taken) {
    if (taken > 1'000'000) break;
    if (child.step() || taken + 1 == steps) continue;
    help();
    child.await_step();
  }
  return taken;
}

/// Kills a child of the scenario after each instruction (or one in kill_every(), from one on that
/// differs from test to test), until one has come to the end before. Of a long operation, if not after
/// each, then after `coarser` times fewer.
template <class Scenario>
void kill_after_each_instruction(long coarser = 1) {
  if (const char* const why = why_no_steps()) GTEST_SKIP() << why;
  const long every = kill_every() == 1 ? 1 : kill_every() * coarser;
  long at = 1 + first_of_this_test() % every;
  long deaths = 0;
  for (bool ended = false; !ended && !testing::Test::HasFailure(); at += every, ++deaths) {
    SCOPED_TRACE("killed after instruction " + std::to_string(at));
    ASSERT_LT(at, 1'000'000) << "the operation does not end";
    const Account before = Account::now();
    {
      Scenario scenario(deaths % 2 == 0 ? Flavour::threads : Flavour::loop);
      SteppedChild child([&scenario] { scenario.child(); });
      const bool begun = !step_marks().ended;
      scenario.line_up();
      bool helped = false;
      lead(child, at, [&] {
        scenario.help();
        helped = true;
      });
      child.kill([] {});
      ended = begun && step_marks().ended;
      scenario.check(Death{step_marks().ended, helped});
    }
    expect_account(before);
  }
  say_how_many(deaths, at - every);
}

/// The same, and whoever sweeps after it dies as well, after any instruction: a few of all pairs, or,
/// if it shall be after each instruction, a thousand.
template <class Scenario>
void kill_whoever_sweeps_after() {
  if (const char* const why = why_no_steps()) GTEST_SKIP() << why;
  const long pairs = kill_every() == 1 ? 1000 : 4;
  long most[2] = {1'000'000, 1'000'000};  // the first pair comes to the end
  for (long pair = 0; pair < pairs && !testing::Test::HasFailure(); ++pair) {
    const long any = first_of_this_test() + pair * 7919;
    const long at[2] = {any % most[0] + 1, any / 3 % most[1] + 1};
    SCOPED_TRACE("killed after instruction " + std::to_string(at[0]) + " of the operation and " +
                 std::to_string(at[1]) + " of the sweep");
    const Account before = Account::now();
    {
      Scenario scenario(pair % 2 == 0 ? Flavour::threads : Flavour::loop);
      SteppedChild first([&scenario] { scenario.child(); });
      scenario.line_up();
      bool helped = false;
      const long steps = lead(first, pair == 0 ? most[0] : at[0], [&] {
        scenario.help();
        helped = true;
      });
      const bool ended = step_marks().ended;
      const long result = step_marks().result;
      first.kill([&] {
        SteppedChild second([dead = first.member()] {
          begin_steps();
          auto& family = ipc::detail::Family::get();
          family.slot(dead).word = dead.generation() << 8 | ipc::detail::MemberSlot::dead;
          family.header().sweep_lock.lock();
          ipc::detail::sweep(dead);
          family.header().sweep_lock.unlock();
        });
        const long swept = lead(second, pair == 0 ? most[1] : at[1], [] {});
        second.kill([] {});
        if (pair == 0) most[1] = swept;
      });
      if (pair == 0) most[0] = steps;
      step_marks().result = result;
      scenario.check(Death{ended, helped});
    }
    expect_account(before);
  }
  say_how_many(2 * pairs, most[0] + most[1]);
}

}  // namespace cohort::test
