// SPDX-License-Identifier: BSL-1.0
// A worker of a ProcessPool dies after any instruction of its answer: its task is answered or fails,
// and the pool goes on.
#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

#include <gtest/gtest.h>
#include <sys/types.h>

#include <atomic>
#include <csignal>

#include "cohort/processes.hpp"  // under test
#include "ipc/family.hpp"        // await
#include "steps/stepping.hpp"    // kill_after_each_instruction
#include "support/flavours.hpp"

namespace cohort::test {
namespace {

/// The result of a task, of which the steps begin when it is encoded.
struct SteppedResult {
  int x = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    if constexpr (Archive::writing) stand_for_steps();
    archive(x);
  }
};
SteppedResult stepped_result(int x) { return {x}; }
int same(int x) { return x; }

ProcessPoolOptions one_forked() {
  ProcessPoolOptions options;
  options.workers = 1;
  options.start_method = StartMethod::fork;
  return options;
}

// "A worker that dies fails the one task that it had begun … The worker is replaced."
struct AnswersTask {
  explicit AnswersTask(Flavour) {
    future_.add_done_callback([](const Future<SteppedResult>& f) {
      if (!f.exception()) step_marks().ended = true;
    });
  }
  ::pid_t process() const { return active_children().at(0).pid(); }
  void line_up() {}
  void help() {}
  void check(const Death&) {
    await([this] { return future_.done(); });
    try {
      EXPECT_EQ(future_.block().x, 5);
    } catch (const WorkerDied& e) {
      EXPECT_EQ(e.exitcode(), -SIGKILL);
    }
    EXPECT_EQ(pool_.submit(same, 6).block(), 6);
  }
  ProcessPool pool_{one_forked()};
  Future<SteppedResult> future_ = pool_.submit(stepped_result, 5);
};
TEST(EachInstruction, OfAnsweringATask) { kill_after_each_instruction<AnswersTask>(1, 10); }

}  // namespace
}  // namespace cohort::test

#endif
