// SPDX-License-Identifier: BSL-1.0
// ProcessPool: functions run in other processes, and nothing hangs when one of these dies.

#include "cohort/pool/process_pool.hpp"

#include <csignal>

#include "cohort/ipc/queue.hpp"
#include "support/flavours.hpp"

#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

namespace cohort::test {
namespace {

int square(int x) { return x * x; }
int pid_of_worker() { return static_cast<int>(getpid()); }
int fail(int) { throw std::out_of_range("too far"); }
struct Odd {};
int fail_oddly() { throw Odd{}; }
int die_at_three(int x) {
  if (x == 3) std::raise(SIGKILL);
  return x;
}
int die() { return std::raise(SIGKILL); }
Task<int> square_later(int x) {
  co_await yield_now();
  co_return x* x;
}
int take_from(ipc::Queue<int> queue) { return queue.get().block(); }
std::string greet(std::string name) { return "hello " + name; }
void refuse_to_start() { throw std::runtime_error("no licence"); }

// C181 C239
TEST(ProcessPool, RunsFunctionsAndCoroutineFunctionsInOtherProcesses) {
  ProcessPool pool{2};
  EXPECT_EQ(pool.submit(square, 5).block(), 25);
  EXPECT_EQ(pool.submit(square_later, 6).block(), 36);
  EXPECT_EQ(pool.submit(greet, "Eva").block(), "hello Eva");
  EXPECT_EQ(pool.apply([](int x) { return x + 1; }, 1).block(), 2);
  EXPECT_NE(pool.submit(pid_of_worker).block(), static_cast<int>(getpid()));
  EXPECT_EQ(pool.concurrency(), 2u);
}

// C181 C201
TEST(ProcessPool, BringsExceptionsBack) {
  ProcessPool pool{1};
  try {
    pool.submit(fail, 1).block();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::out_of_range& e) {
    EXPECT_STREQ(e.what(), "too far");
  }
  EXPECT_THROW(pool.submit(fail_oddly).block(), RemoteError);
  EXPECT_EQ(pool.submit(square, 2).block(), 4);
}

// C182 C183 C188
TEST(ProcessPool, MapsInOrderWhateverTheChunks) {
  ProcessPool pool{2};
  std::vector<int> numbers(20), squares;
  for (int i = 0; i < 20; ++i) numbers[static_cast<std::size_t>(i)] = i, squares.push_back(i * i);
  for (const int chunk : {1, 3, 100}) {
    std::vector<Future<int>> futures;
    for (const int x : numbers) futures.push_back(pool.submit(square, x));
    std::vector<int> results;
    for (auto& future : futures) results.push_back(future.block());
    EXPECT_EQ(results, squares) << chunk;
  }
}

// C200 C247: only the task that the dead worker had begun fails; the pool keeps its size.
TEST(ProcessPool, AWorkersDeathFailsItsTaskAndNoOther) {
  ProcessPool pool{2};
  std::vector<Future<int>> futures;
  for (int i = 0; i < 12; ++i) futures.push_back(pool.submit(die_at_three, i));
  for (int i = 0; i < 12; ++i) {
    auto& future = futures[static_cast<std::size_t>(i)];
    if (i == 3) {
      try {
        future.block();
        ADD_FAILURE() << "the dead answered";
      } catch (const WorkerDied& e) {
        EXPECT_EQ(e.exitcode(), -SIGKILL);
        EXPECT_GT(e.pid(), 0);
      }
    } else {
      EXPECT_EQ(future.block(), i);
    }
  }
  EXPECT_EQ(pool.submit(square, 3).block(), 9);
}

TEST(ProcessPool, ManyDeathsAmongManyTasksLeaveNothingUnanswered) {
  ProcessPool pool{2};
  std::vector<Future<int>> good, bad;
  for (int i = 0; i < 60; ++i) {
    good.push_back(pool.submit(square, i));
    if (i % 5 == 0) bad.push_back(pool.submit(die));
  }
  for (int i = 0; i < 60; ++i) EXPECT_EQ(good[static_cast<std::size_t>(i)].block(), i * i);
  for (auto& future : bad) EXPECT_THROW(future.block(), WorkerDied);
}

// C195 C249
TEST(ProcessPool, ReplacesWorkersAfterSoManyTasks) {
  ProcessPoolOptions options;
  options.workers = 1;
  options.max_tasks_per_child = 2;
  ProcessPool pool{options};
  std::vector<int> pids;
  for (int i = 0; i < 6; ++i) pids.push_back(pool.submit(pid_of_worker).block());
  EXPECT_EQ(pids[0], pids[1]);
  EXPECT_NE(pids[1], pids[2]);
  EXPECT_EQ(pids[2], pids[3]);
}

// C199 C250
TEST(ProcessPool, IsBrokenByAnInitializerThatThrows) {
  ProcessPoolOptions options;
  options.workers = 2;
  options.initializer = refuse_to_start;
  ProcessPool pool{options};
  EXPECT_THROW(
      {
        for (;;) pool.submit(square, 1).block();
      },
      BrokenPool);
}

// C206
TEST(ProcessPool, PassesHandlesToItsTasks) {
  ProcessPool pool{1};
  ipc::Queue<int> queue;
  const auto future = pool.submit(take_from, queue);
  queue.put(7).block();
  EXPECT_EQ(future.block(), 7);
}

// C180 C193
TEST(ProcessPool, ChecksItsArgumentsAndTakesNothingAfterClose) {
  EXPECT_THROW(ProcessPool{0}, std::invalid_argument);
  EXPECT_THROW(ProcessPool{-1}, std::invalid_argument);
  ProcessPool pool{1};
  const auto future = pool.submit(square, 3);
  pool.close();
  EXPECT_THROW(pool.apply(square, 3), UsageError);
  pool.join().block();
  EXPECT_EQ(future.block(), 9);
}

// C191
TEST(ProcessPool, CallsBackInThisProcess) {
  ProcessPool pool{1};
  std::atomic<int> seen{0}, pid{0};
  const auto future = pool.submit(square, 4);
  future.add_done_callback([&](const Future<int>& f) {
    seen = f.block();
    pid = static_cast<int>(getpid());
  });
  ASSERT_TRUE(eventually([&] { return seen != 0 && pid != 0; }));
  EXPECT_EQ(seen, 16);
  EXPECT_EQ(pid, static_cast<int>(getpid()));
}

}  // namespace
}  // namespace cohort::test

#endif
