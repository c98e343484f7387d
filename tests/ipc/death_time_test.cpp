// SPDX-License-Identifier: BSL-1.0
// "A death is noticed within 50 ms of the process's end", 99 times in a hundred, on loaded cores. How
// late the machine itself is with its news is not the library's: beside whoever waits for what the
// dead one had, two threads wait for the process itself, one for the other, and theirs is the time
// from which the 50 ms count.
#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "cohort/processes.hpp"  // under test
#include "ipc/family.hpp"        // await
#include "support/flavours.hpp"  // watched

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

const ProcessOptions forked{.start_method = StartMethod::fork};
constexpr int deaths = 100;
constexpr auto limit = 50ms;

/// Keeps a core busy.
class Load {
 public:
  Load()
      : thread_([this] {
          while (!ends_) detail::RealAtomics::pause();
        }) {}
  ~Load() {
    ends_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

/// How much later than the two threads `wait()` returns, after the process was killed. `wait` counts
/// up when it stands in line.
template <class Wait>
Clock::duration lateness(int pid, Wait wait) {
  const auto process = os::open_process(pid);
  std::atomic<int> in_line{0};
  std::promise<void> ended;
  TimePoint told, woken;
  std::thread first([&] {
    ::pollfd fd{process.get(), POLLIN, 0};
    while (::poll(&fd, 1, -1) < 0) {}
    ended.set_value();
  });
  std::thread second([&] {
    ended.get_future().wait();
    told = Clock::now();
  });
  std::thread survivor([&] {
    wait(in_line);
    woken = Clock::now();
  });
  await([&] { return in_line == 1; });
  EXPECT_EQ(::kill(pid, SIGKILL), 0);
  for (auto* const thread : {&first, &second, &survivor}) thread->join();
  return woken - told;
}
/// Of a hundred deaths, all but one. On a machine that has no time even for that, it may take several
/// hundreds until one of them shows it.
template <class Once>
void expect_in_time(Once once) {
  const Load one, other;
  for (int round = 0; round < 5; ++round) {
    std::vector<Clock::duration> all;
    for (int i = 0; i < deaths; ++i) all.push_back(once());
    std::sort(all.begin(), all.end());
    const auto found = all[(all.size() * 99 + 99) / 100 - 1];
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(found).count();
    std::printf("99 in 100 within %ld us\n", static_cast<long>(us));
    if (found <= limit) return;
  }
  ADD_FAILURE() << "deaths are not noticed in time";
}

TEST(DeathTime, OfALocksHolderIsShort) {
  expect_in_time([] {
    const ipc::Lock lock;
    const ipc::Event holds;
    Process holder{forked,
                   [](ipc::Lock l, ipc::Event h) {
                     l.acquire().block();
                     h.set();
                     for (;;) ::pause();
                   },
                   lock, holds};
    holder.start();
    holds.wait().block();
    bool died = false;
    const auto late = lateness(holder.pid(), [&](std::atomic<int>& in_line) {
      try {
        watched(lock.acquire(), in_line).block();
      } catch (const OwnerDied&) {
        died = true;
      }
    });
    EXPECT_TRUE(died);
    holder.join().block();
    return late;
  });
}

Task<bool> ends(ipc::Receiver<int> rx, std::atomic<int>* in_line) {
  const std::optional<int> item = co_await watched(rx.recv(), *in_line);
  co_return !item;
}
TEST(DeathTime, OfTheLastSenderIsShort) {
  expect_in_time([] {
    auto [tx, rx] = ipc::channel<int>(1);
    Process sender{forked,
                   [](ipc::Sender<int> s) {
                     s.send(1).block();
                     for (;;) ::pause();
                   },
                   std::move(tx)};
    sender.start();
    EXPECT_EQ(rx.recv().block(), 1);
    const auto late = lateness(sender.pid(), [&end = rx](std::atomic<int>& in_line) {
      EXPECT_TRUE(run(ends(end, &in_line)));
    });
    sender.join().block();
    return late;
  });
}

int never(ipc::Event begun) {
  begun.set();
  for (;;) ::pause();
}
TEST(DeathTime, OfAWorkerIsShort) {
  ProcessPoolOptions options;
  options.workers = 1;
  options.start_method = StartMethod::fork;
  ProcessPool pool{options};
  expect_in_time([&pool] {
    EXPECT_EQ(pool.submit([](int x) { return x; }, 7).block(), 7);  // not one death after the other
    const ipc::Event begun;
    auto future = pool.submit(never, begun);
    begun.wait().block();
    const auto workers = active_children();
    EXPECT_EQ(workers.size(), 1U);
    return lateness(workers.at(0).pid(), [&](std::atomic<int>& in_line) {
      ++in_line;
      EXPECT_THROW(future.block(), WorkerDied);
    });
  });
}

}  // namespace
}  // namespace cohort::test

#endif  // processes
