// SPDX-License-Identifier: BSL-1.0
// A party of a barrier dies after any instruction of its wait: the others do not wait for it.
#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>

#include "cohort/ipc.hpp"        // under test
#include "ipc/family.hpp"        // await
#include "steps/stepping.hpp"    // kill_after_each_instruction
#include "support/flavours.hpp"  // Crew

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

/// Three parties, of which the one that dies may be one, and another waits already.
struct LeavesABarrier {
  explicit LeavesABarrier(Flavour survivor) : crew_(survivor) {}
  void child() { static_cast<void>(stepped_in_line(barrier_.wait()).within(50ms).block()); }
  void line_up() {
    crew_.line_up([this](auto how) -> Script<decltype(how)> {
      bool broken = false;
      try {
        co_await watched(barrier_.wait(), crew_.in_line);
      } catch (const BrokenBarrier&) {
        broken = true;
      }
      broken_ = broken;
    });
  }
  void help() {}
  void check(const Death& death) {
    const auto never_came = [this] { return barrier_.n_waiting() == 1; };
    await([&] { return barrier_.broken() || never_came(); });
    EXPECT_FALSE(death.ended && !barrier_.broken());
    if (!barrier_.broken()) barrier_.abort();
    crew_.join();
    EXPECT_TRUE(broken_);
    EXPECT_TRUE(barrier_.broken());
    EXPECT_EQ(barrier_.n_waiting(), 0U);
  }

  const ipc::Barrier barrier_{3};
  std::atomic<bool> broken_{false};
  Survivors crew_;  // last: it ends first
};
TEST(EachInstruction, OfLeavingABarrier) { kill_after_each_instruction<LeavesABarrier>(); }

}  // namespace
}  // namespace cohort::test
#endif
