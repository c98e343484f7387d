// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A process that is led by single instructions.
///
///     SteppedChild child([&] { begin_steps(); lock.release(); });
///     child.lead(200, [] {});
///     child.kill([] {});

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>
#include <utility>

#include "cohort/ipc.hpp"        // under test
#include "ipc/family.hpp"        // Child, await
#include "ipc/processes.hpp"     // sleeps
#include "support/flavours.hpp"  // watched

namespace cohort::test {

/// What a stepped child tells whoever leads it, at no instruction's cost to him.
struct StepMarks {
  std::atomic<bool> ended, stands, traced;
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

inline void reset_step_marks() {
  StepMarks& marks = step_marks();
  marks.ended = marks.stands = marks.traced = false;
  marks.result = 0;
}

/// In the child: from here on it is led.
inline void begin_steps() { ::raise(SIGSTOP); }

/// The same in a process that is no SteppedChild: its first thread stands until it is traced.
inline void stand_for_steps() {
  step_marks().stands = true;
  await([] { return step_marks().traced.load(); });
  begin_steps();
}
/// By its parent. Yields the same number.
inline ::pid_t trace(::pid_t pid) {
  await([] { return step_marks().stands.load(); });
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) std::abort();
  step_marks().traced = true;
  return pid;
}

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

constexpr long to_the_end = 1'000'000;

/// A process that this thread traces, and that is about to begin its steps.
class SteppedProcess {
 public:
  explicit SteppedProcess(::pid_t pid) : pid_(pid) {
    await_stop(SIGSTOP);
    // It must not stand there for ever if this process is killed.
    ::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_EXITKILL);
  }

  /// Leads it `steps` instructions on, or to its end. When it sleeps, `help()` lets it go on. Yields
  /// how many it took.
  template <class Help>
  long lead(long steps, Help help) {
    long taken = 0;
    for (; taken < steps && !step_marks().ended && taken <= to_the_end; ++taken) {
      if (step() || taken + 1 == steps) continue;
      help();
      await_stop(SIGTRAP);
    }
    return taken;
  }

  /// Kills it, and says so to `between`.
  template <class Between>
  void kill(Between between) {
    ::kill(pid_, SIGKILL);
    between();
  }

 private:
  // One instruction. False: in it, the process sleeps.
  bool step() {
    if (::ptrace(PTRACE_SINGLESTEP, pid_, nullptr, nullptr) != 0) give_up("a step", errno);
    while (!is_stopped(SIGTRAP)) {
      if (sleeps(pid_)) return false;
    }
    return true;
  }
  [[noreturn]] static void give_up(const char* what, int value) {
    std::fprintf(stderr, "the stepped process: %s (%d)\n", what, value);
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
    const ::pid_t pid = ::waitpid(pid_, &status, 0);
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
  const Ticker ticker_;
  const ::pid_t pid_;
};

/// A child that was made for that.
class SteppedChild {
 public:
  /// Runs `body()`, which calls begin_steps(), up to there.
  template <class Body>
  explicit SteppedChild(Body body)
      : child_([body = (reset_step_marks(), std::move(body))] {
          if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
          body();
          step_marks().ended = true;
          begin_steps();  // a body that had no time to begin them
          for (;;) ::pause();
        }),
        process_(child_.pid()) {}

  template <class Help>
  long lead(long steps, Help help) {
    return process_.lead(steps, help);
  }
  template <class Between>
  void kill(Between between) {
    child_.kill(between);
  }
  ipc::detail::Member member() const { return child_.member(); }

 private:
  Child child_;
  SteppedProcess process_;
};

}  // namespace cohort::test
