// SPDX-License-Identifier: BSL-1.0
// ProcessPool: functions run in other processes, and nothing hangs when one of these dies.

#include "cohort/pool/process_pool.hpp"

#include <csignal>
#include <cstdlib>
#include <set>

#include "cohort/exec/executor.hpp"
#include "cohort/ipc/event.hpp"
#include "cohort/ipc/queue.hpp"
#include "cohort/ipc/value.hpp"
#include "ipc/processes.hpp"
#include "support/flavours.hpp"

#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

static_assert(Executor<ProcessPool> && !Scheduler<ProcessPool>);

int squared(int x) { return x * x; }
int pid_of_worker() { return static_cast<int>(getpid()); }
int fail(int) { throw std::out_of_range("too far"); }
struct Odd {};
int fail_oddly() { throw Odd{}; }
int die_at_three(int x) {
  if (x == 3) std::raise(SIGKILL);
  return x;
}
Task<int> later_squared(int x) {
  co_await yield_now();
  co_return x* x;
}
int take_from(ipc::Queue<int> queue) { return queue.get().block(); }
std::string greet(std::string name) { return "hello " + name; }
void refuse_to_start() { throw std::runtime_error("no licence"); }

// C181 C239
TEST(ProcessPool, RunsFunctionsAndCoroutineFunctionsInOtherProcesses) {
  ProcessPool pool{2};
  EXPECT_EQ(pool.submit(squared, 5).block(), 25);
  EXPECT_EQ(pool.submit(later_squared, 6).block(), 36);
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
  EXPECT_EQ(pool.submit(squared, 2).block(), 4);
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
  EXPECT_EQ(pool.submit(squared, 3).block(), 9);
}

TEST(ProcessPool, ManyDeathsAmongManyTasksLeaveNothingUnanswered) {
  ProcessPool pool{2};
  std::vector<Future<int>> good, bad;
  for (int i = 0; i < 60; ++i) {
    good.push_back(pool.submit(squared, i));
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
        for (;;) pool.submit(squared, 1).block();
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
  const auto future = pool.submit(squared, 3);
  pool.close();
  EXPECT_THROW((void)pool.apply(squared, 3), UsageError);
  pool.join().block();
  EXPECT_EQ(future.block(), 9);
}

// C191
TEST(ProcessPool, CallsBackInThisProcess) {
  ProcessPool pool{1};
  std::atomic<int> seen{0}, pid{0};
  const auto future = pool.submit(squared, 4);
  future.add_done_callback([&](const Future<int>& f) {
    seen = f.block();
    pid = static_cast<int>(getpid());
  });
  ASSERT_TRUE(eventually([&] { return seen != 0 && pid != 0; }));
  EXPECT_EQ(seen, 16);
  EXPECT_EQ(pid, static_cast<int>(getpid()));
}

// ------------------------------------------------------------------------- begun, and not begun

int wait_for(ipc::Event go, int x) {
  go.wait().block();
  return x;
}
Task<int> wait_for_later(ipc::Event go, int x) {
  co_await go.wait();
  co_return x;
}
int note(ipc::Value<int> begun) { return ++begun; }
void ignore_everything(ipc::Value<int> begun) {
  ++begun;
  for (;;) ::pause();
}
ProcessPoolOptions one_worker() {
  ProcessPoolOptions options;
  options.workers = 1;
  return options;
}

// C235 C252: what has only been handed to a worker can still be cancelled, and then never runs.
TEST(ProcessPool, OnlyWhatAWorkerHasBegunIsRunning) {
  ProcessPool pool{1};
  ipc::Event go;
  ipc::Value<int> noted{0};
  const auto first = pool.submit(wait_for, go, 5);
  std::vector<Future<int>> others;
  for (int i = 0; i < 100; ++i) others.push_back(pool.submit(note, noted));  // more than go ahead
  ASSERT_TRUE(eventually([&] { return first.running(); }));
  for (const auto& future : others) EXPECT_FALSE(future.running());
  for (const auto& future : others) EXPECT_TRUE(future.cancel());
  for (const auto& future : others) EXPECT_TRUE(future.cancelled());
  EXPECT_FALSE(first.done());
  go.set();
  EXPECT_EQ(first.block(), 5);
  EXPECT_FALSE(first.running());
  EXPECT_FALSE(first.cancel());
  EXPECT_EQ(pool.submit(note, noted).block(), 1);
}

// C236: waits for what runs or waits end by their deadline.
TEST(ProcessPool, AFutureIsPatientAndSaysTheSameTwice) {
  ProcessPool pool{1};
  ipc::Event go;
  const auto future = pool.submit(wait_for, go, 5);
  EXPECT_EQ(future.within(0s).block(), std::nullopt);
  EXPECT_EQ(future.within(-1s).block(), std::nullopt);
  go.set();
  EXPECT_EQ(future.block(), 5);
  EXPECT_EQ(future.block(), 5);
  EXPECT_EQ(future.exception(), nullptr);
}

TEST(ProcessPool, ARunningTaskThatIsCancelledIsStoppedInItsWorker) {
  ProcessPool pool{1};
  const int worker = pool.submit(pid_of_worker).block();
  for (const bool coroutine : {false, true}) {
    ipc::Event never;
    const auto future =
        coroutine ? pool.submit(wait_for_later, never, 5) : pool.submit(wait_for, never, 5);
    const auto next = pool.submit(squared, 3);
    ASSERT_TRUE(eventually([&] { return future.running(); }));
    EXPECT_TRUE(future.cancel());
    EXPECT_THROW(future.block(), Cancelled);
    EXPECT_TRUE(future.cancelled());
    EXPECT_EQ(next.block(), 9);  // it alone was meant
  }
  EXPECT_EQ(pool.submit(pid_of_worker).block(), worker);
}

TEST(ProcessPool, ATaskThatDoesNotStopIsKilledAfterTheGracePeriod) {
  auto options = one_worker();
  options.stop_grace = 10ms;
  ProcessPool pool{options};
  const int worker = pool.submit(pid_of_worker).block();
  ipc::Value<int> begun{0};
  const auto future = pool.submit(ignore_everything, begun);
  const auto next = pool.submit(squared, 3);
  ASSERT_TRUE(eventually([&] { return begun == 1; }));
  EXPECT_TRUE(future.cancel());
  EXPECT_THROW(future.block(), Cancelled);
  EXPECT_EQ(next.block(), 9);
  EXPECT_NE(pool.submit(pid_of_worker).block(), worker);
}

TEST(ProcessPool, ALateMapIsStoppedAndAwaited) {
  ProcessPool pool{2};
  ipc::Event never;
  using Pair = std::pair<ipc::Event, int>;
  const std::vector<Pair> input(20, Pair(never, 1));
  EXPECT_EQ(pool.starmap(wait_for, input, 1).within(20ms).block(), std::nullopt);
  EXPECT_EQ(pool.starmap(wait_for_later, input, 4).within(20ms).block(), std::nullopt);
  StopSource stop;
  stop.request_stop();
  EXPECT_THROW((void)pool.starmap(wait_for, input, 1).block(stop.token()), Cancelled);
  EXPECT_EQ(pool.submit(squared, 3).block(), 9);
}

// C246
TEST(ProcessPool, CancelledAtOnceAndShutDownDoesNotHang) {
  for (int i = 0; i < 20; ++i) {
    ProcessPool pool{1};
    const auto future = pool.submit(squared, 2);
    future.cancel();
    pool.shutdown().block();
    EXPECT_TRUE(future.done());
  }
}

// C244
TEST(ProcessPool, ShutdownCancelsFuturesIfToldTo) {
  ProcessPool pool{1};
  ipc::Event go;
  const auto running = pool.submit(wait_for, go, 1);
  std::vector<Future<int>> queued;
  for (int i = 0; i < 3; ++i) queued.push_back(pool.submit(squared, i));
  ASSERT_TRUE(eventually([&] { return running.running(); }));
  auto ended = pool.shutdown(cancel_futures);
  for (const auto& future : queued) EXPECT_TRUE(future.cancelled());
  EXPECT_THROW((void)pool.submit(squared, 1), ShutDown);
  go.set();
  std::move(ended).block();
  EXPECT_EQ(running.block(), 1);
}

// C196
TEST(ProcessPool, TerminateEndsThousandsOfTasksAtOnce) {
  ProcessPool pool{2};
  ipc::Event never;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 5000; ++i) futures.push_back(pool.submit(wait_for, never, i));
  auto mapped = pool.map_async(squared, std::vector<int>(5000, 2), 1);
  pool.terminate();
  pool.join().block();
  for (const auto& future : futures) EXPECT_THROW(future.block(), Cancelled);
  EXPECT_THROW(mapped.block(), Cancelled);
  EXPECT_THROW((void)pool.apply(squared, 1), UsageError);
}

// C193 C197: the destructor waits for what was begun.
TEST(ProcessPool, IsDestroyedWithWorkPending) {
  std::vector<Future<int>> futures;
  {
    ProcessPool pool{2};
    for (int i = 0; i < 200; ++i) futures.push_back(pool.submit(squared, i));
  }
  for (int i = 0; i < 200; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].block(), i * i);
}

TEST(ProcessPool, MayBeDestroyedInsideACoroutineAndInADoneCallback) {
  ThreadPool threads{1};
  const auto in_coroutine = []() -> Task<int> {
    auto pool = std::make_unique<ProcessPool>(1);
    auto future = pool->submit(squared, 3);
    pool.reset();
    const int x = co_await std::move(future);
    co_return x;
  };
  EXPECT_EQ(run(threads, in_coroutine()), 9);

  auto pool = std::make_unique<ProcessPool>(1);
  ipc::Event go;
  std::atomic<bool> gone{false};
  const auto first = pool->submit(wait_for, go, 1);
  const auto second = pool->submit(squared, 3);
  first.add_done_callback([&](const Future<int>&) {
    pool.reset();
    gone = true;
  });
  go.set();
  EXPECT_EQ(second.block(), 9);
  ASSERT_TRUE(eventually([&] { return gone.load(); }));
}

// ------------------------------------------------------------------------------------- balance

// A worker that has nothing to do takes over what waits behind a long task.
TEST(ProcessPool, NothingWaitsBehindALongTaskWhileAWorkerIsIdle) {
  ProcessPool pool{2};
  ipc::Event go;
  const auto slow = pool.submit(wait_for, go, 1);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 300; ++i) futures.push_back(pool.submit(squared, i));
  for (int i = 0; i < 300; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].block(), i * i);
  EXPECT_FALSE(slow.done());
  go.set();
  EXPECT_EQ(slow.block(), 1);
}

std::string long_text(std::size_t n) { return std::string(n, 'x'); }
std::size_t length(const std::string& text) { return text.size(); }

TEST(ProcessPool, ArgumentsAndResultsMayBeLarge) {
  ProcessPool pool{2};
  std::vector<Future<std::string>> texts;
  for (std::size_t n = 100; n < 300; ++n) texts.push_back(pool.submit(long_text, n));
  for (std::size_t n = 100; n < 300; ++n) EXPECT_EQ(texts[n - 100].block(), long_text(n));
  EXPECT_EQ(pool.submit(length, std::string(3'000'000, 'y')).block(), 3'000'000u);
  EXPECT_EQ(pool.submit(long_text, std::size_t{3'000'000}).block().size(), 3'000'000u);
  // C203: nothing of it stays.
  const auto before = ipc::detail::Heap::blocks_in_use();
  for (int i = 0; i < 50; ++i)
    pool.submit(length, pool.submit(long_text, std::size_t{1000}).block());
  pool.submit(squared, 1).block();
  EXPECT_TRUE(eventually([&] { return ipc::detail::Heap::blocks_in_use() <= before + 1; }));
}

// ------------------------------------------------------------------------------------- deaths

void kill_worker(int pid) { ::kill(pid, SIGKILL); }

// C200: idle.
TEST(ProcessPool, AnIdleWorkerThatDiesIsReplaced) {
  ProcessPool pool{1};
  for (int i = 0; i < 3; ++i) {
    const int worker = pool.submit(pid_of_worker).block();
    kill_worker(worker);
    // The next task may be given to the dead before that is known, but was never begun.
    EXPECT_NE(pool.submit(pid_of_worker).block(), worker);
  }
}

// C200: running, with others queued behind it.
TEST(ProcessPool, AWorkerKilledFromOutsideFailsOnlyWhatItRan) {
  ProcessPool pool{1};
  const int worker = pool.submit(pid_of_worker).block();
  ipc::Value<int> begun{0};
  const auto running = pool.submit(ignore_everything, begun);
  std::vector<Future<int>> queued;
  for (int i = 0; i < 100; ++i) queued.push_back(pool.submit(squared, i));
  ASSERT_TRUE(eventually([&] { return begun == 1; }));
  kill_worker(worker);
  try {
    running.block();
    ADD_FAILURE() << "the dead answered";
  } catch (const WorkerDied& e) {
    EXPECT_EQ(e.pid(), worker);
    EXPECT_EQ(e.exitcode(), -SIGKILL);
    EXPECT_NE(e.task().find("task 2 of PoolWorker-1"), std::string::npos) << e.task();
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(queued[static_cast<std::size_t>(i)].block(), i * i);
}

int exit_with(int code) { std::exit(code); }
int end_with(int code) { std::_Exit(code); }
int leave(int code) { throw ProcessExit(code); }

// C200 C248
TEST(ProcessPool, ATaskThatExitsFailsWithTheExitCode) {
  ProcessPool pool{1};
  for (const auto fn : {exit_with, end_with}) {
    try {
      pool.submit(fn, 7).block();
      ADD_FAILURE() << "the dead answered";
    } catch (const WorkerDied& e) {
      EXPECT_EQ(e.exitcode(), 7);
    }
  }
  EXPECT_ANY_THROW(pool.submit(leave, 7).block());
  EXPECT_EQ(pool.submit(squared, 3).block(), 9);
}

// Taking, running, answering: whenever it is killed, every task ends once, well or by WorkerDied,
// and the pool goes on.
TEST(ProcessPool, KilledAtAnyMomentEveryTaskIsAnsweredOnce) {
  ProcessPool pool{2};
  for (int round = 0; round < 12; ++round) {
    const int victim = pool.submit(pid_of_worker).block();
    std::vector<Future<int>> futures;
    std::atomic<int> answered{0};
    for (int i = 0; i < 400; ++i) {
      futures.push_back(pool.submit(squared, i));
      futures.back().add_done_callback([&](const Future<int>&) { ++answered; });
      if (i == 30 * round) kill_worker(victim);
    }
    int died = 0;
    for (int i = 0; i < 400; ++i) {
      try {
        EXPECT_EQ(futures[static_cast<std::size_t>(i)].block(), i * i);
      } catch (const WorkerDied&) {
        ++died;
      }
    }
    EXPECT_LE(died, 1);
    EXPECT_TRUE(eventually([&] { return answered == 400; }));
  }
}

// What a chunk had finished keeps its results; what it had not begun is done elsewhere.
TEST(ProcessPool, ADeathWithinAChunkFailsOneElement) {
  ProcessPool pool{2};
  std::vector<int> input(12);
  for (int i = 0; i < 12; ++i) input[static_cast<std::size_t>(i)] = i;
  auto results = pool.imap(die_at_three, input, 6);
  for (int i = 0; i < 12; ++i) {
    if (i == 3) {
      EXPECT_THROW(results.next().block(), WorkerDied);
    } else {
      EXPECT_EQ(results.next().block(), i);
    }
  }
  EXPECT_EQ(results.next().block(), std::nullopt);
  EXPECT_THROW((void)pool.map(die_at_three, input, 6).block(), WorkerDied);
  EXPECT_EQ(pool.submit(squared, 3).block(), 9);
}

int die_the_first_time(ipc::Value<int> count, int x) {
  if (++count == 1) std::raise(SIGKILL);
  return x;
}
int die_always(ipc::Value<int> count) {
  ++count;
  return std::raise(SIGKILL);
}

TEST(ProcessPool, RetriesWhatAWorkerDiedWithIfToldTo) {
  auto options = one_worker();
  options.on_worker_death = OnWorkerDeath::retry;
  ProcessPool pool{options};
  ipc::Value<int> once{0}, always{0};
  EXPECT_EQ(pool.submit(die_the_first_time, once, 5).block(), 5);
  EXPECT_EQ(once, 2);
  EXPECT_THROW(pool.submit(die_always, always).block(), WorkerDied);
  EXPECT_EQ(always, 3);
}

// C247
TEST(ProcessPool, IsBrokenWhenItsWorkersKeepDying) {
  ProcessPool pool{1};
  std::vector<Future<int>> futures;
  for (int i = 0; i < 10; ++i) futures.push_back(pool.submit(die));
  int died = 0, broken = 0;
  for (const auto& future : futures) {
    try {
      future.block();
    } catch (const WorkerDied&) {
      ++died;
    } catch (const BrokenPool& e) {
      ++broken;
      EXPECT_NE(std::string(e.what()).find("signal 9"), std::string::npos) << e.what();
    }
  }
  EXPECT_EQ(died, 4);
  EXPECT_EQ(broken, 6);
  EXPECT_THROW((void)pool.submit(squared, 1), BrokenPool);
  EXPECT_THROW((void)pool.map(squared, std::vector<int>{1}).block(), BrokenPool);
}

void die_at_birth() { std::raise(SIGKILL); }

// C199 C200: no storm, and nobody waits for ever.
TEST(ProcessPool, IsBrokenByAnInitializerThatIsKilled) {
  auto options = one_worker();
  options.initializer = die_at_birth;
  ProcessPool pool{options};
  EXPECT_THROW(
      {
        for (;;) pool.submit(squared, 1).block();
      },
      BrokenPool);
}

int initialized = 0;
void initialize() { ++initialized; }
int how_often_initialized() { return initialized; }

// C198
TEST(ProcessPool, CallsTheInitializerOnceInEachWorkerBeforeItsTasks) {
  auto options = one_worker();
  options.initializer = initialize;
  options.max_tasks_per_child = 2;
  ProcessPool pool{options};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(pool.submit(how_often_initialized).block(), 1);
  EXPECT_EQ(initialized, 0);
}

int pid_after(ipc::Event go) {
  go.wait().block();
  return pid_of_worker();
}

// C194 C195
TEST(ProcessPool, WorkersThatAreReplacedFinishWhatIsQueuedAtTheEnd) {
  ProcessPoolOptions options;
  options.workers = 3;
  options.max_tasks_per_child = 1;
  ProcessPool pool{options};
  std::vector<Future<int>> futures;
  const ipc::Event go;
  for (int i = 0; i < 6; ++i) futures.push_back(pool.submit(pid_after, go));
  pool.close();
  go.set();
  pool.join().block();
  std::set<int> pids;
  for (const auto& future : futures) pids.insert(future.block());
  EXPECT_EQ(pids.size(), 6u);
}

// ------------------------------------------------------------------------------------ cannot travel

struct Stubborn {
  int x = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    if constexpr (Archive::writing) throw std::length_error("I stay");
    archive(x);
  }
};
Stubborn make_stubborn() { return {}; }
int use_stubborn(Stubborn s) { return s.x; }

// C201 C202
TEST(ProcessPool, WhatCannotBeEncodedFailsItsTaskAlone) {
  ProcessPool pool{1};
  const int worker = pool.submit(pid_of_worker).block();
  for (int i = 0; i < 20; ++i) {
    EXPECT_THROW(pool.submit(make_stubborn).block(), std::length_error);
    EXPECT_THROW((void)pool.submit(use_stubborn, Stubborn{}), std::length_error);
    EXPECT_THROW((void)pool.map(use_stubborn, std::vector<Stubborn>(2)).block(), std::length_error);
  }
  EXPECT_EQ(pool.submit(pid_of_worker).block(), worker);
}

int pool_in_worker(int x) {
  ProcessPool inner{1};
  return inner.submit(squared, x).block();
}

// C204
TEST(ProcessPool, CanBeUsedInAWorkerOfAnother) {
  ProcessPool pool{1};
  EXPECT_EQ(pool.submit(pool_in_worker, 4).block(), 16);
}

}  // namespace
}  // namespace cohort::test

#endif
