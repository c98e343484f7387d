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
/// Or, instead of child(), process(): the number of a process that the scenario has made, whose parent is
/// this thread, and that has called stand_for_steps().
///
/// COHORT_KILL_EVERY in the environment: after one instruction in how many; 1: after each.
/// COHORT_KILL_FIRST: after which first.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "cohort/ipc.hpp"             // under test
#include "ipc/family.hpp"             // Account
#include "steps/stepped_process.hpp"  // SteppedChild
#include "support/flavours.hpp"       // Flavour, eventually

namespace cohort::test {

struct InLine {
  std::atomic<int> in_line{0};
};
/// Survivors, who come into line one after the other. They end before what they wait for does, if they
/// are declared behind it.
class Survivors : public InLine, public Crew {
 public:
  using Crew::Crew;
  /// Starts `body`, which has to wait with `watched(…, in_line)`, and waits until it does.
  template <class Body>
  void line_up(Body body) {
    const int before = in_line;
    start(std::move(body));
    await([&] { return in_line > before; });
  }
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
inline void say_how_many(long deaths, long instructions) {
  testing::Test::RecordProperty("deaths", std::to_string(deaths));
  testing::Test::RecordProperty("instructions", std::to_string(instructions));
  std::printf("%ld deaths, %ld instructions\n", deaths, instructions);
}

/// The process of a scenario, that is about to begin its steps.
template <class Scenario>
auto first_of(Scenario& scenario) {
  if constexpr (requires { scenario.process(); }) {
    return SteppedProcess(trace(scenario.process()));
  } else {
    return SteppedChild([&scenario] { scenario.child(); });
  }
}

/// Kills a child of the scenario after each instruction (or one in kill_every(), from one on that
/// differs from test to test), until one has come to the end before. Of a long operation, if not after
/// each, then after `coarser` times fewer, and of a short one after `finer` times more.
template <class Scenario>
void kill_after_each_instruction(long coarser = 1, long finer = 1) {
  if (const char* const why = why_no_steps()) GTEST_SKIP() << why;
  const long every = kill_every() == 1 ? 1 : std::max(1L, kill_every() * coarser / finer);
  long at = 1 + first_of_this_test() % every;
  long deaths = 0;
  for (bool ended = false; !ended && !testing::Test::HasFailure(); at += every, ++deaths) {
    SCOPED_TRACE("killed after instruction " + std::to_string(at));
    ASSERT_LT(at, to_the_end) << "the operation does not end";
    const Account before = Account::of_one();
    {
      reset_step_marks();
      Scenario scenario(deaths % 2 == 0 ? Flavour::threads : Flavour::loop);
      auto process = first_of(scenario);
      const bool begun = !step_marks().ended;
      scenario.line_up();
      bool helped = false;
      process.lead(at, [&] {
        scenario.help();
        helped = true;
      });
      process.kill([] {});
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
  long most[2] = {to_the_end, to_the_end};  // the first pair comes to the end
  for (long pair = 0; pair < pairs && !testing::Test::HasFailure(); ++pair) {
    const long any = first_of_this_test() + pair * 7919;
    const long at[2] = {any % most[0] + 1, any / 3 % most[1] + 1};
    SCOPED_TRACE("killed after instruction " + std::to_string(at[0]) + " of the operation and " +
                 std::to_string(at[1]) + " of the sweep");
    const Account before = Account::of_one();
    {
      Scenario scenario(pair % 2 == 0 ? Flavour::threads : Flavour::loop);
      SteppedChild first([&scenario] { scenario.child(); });
      scenario.line_up();
      bool helped = false;
      const long steps = first.lead(pair == 0 ? most[0] : at[0], [&] {
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
        const long swept = second.lead(pair == 0 ? most[1] : at[1], [] {});
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
