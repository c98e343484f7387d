// SPDX-License-Identifier: BSL-1.0

// Grant, time-out and stop race for the same wait, 10⁵ times in all: whatever wins, no item is lost
// and none is there twice.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "support/flavours.hpp"  // Crew

namespace {

using namespace std::chrono_literals;
using cohort::Cancelled;
using cohort::channel;
using cohort::Future;
using cohort::Queue;
using cohort::ShutDown;
using cohort::spawn;
using cohort::StopSource;
using cohort::Task;
using cohort::ThreadPool;
using cohort::test::Crew;
using cohort::test::eventually;
using cohort::test::Flavour;
using cohort::test::flavour_name;
using cohort::test::Script;
using cohort::test::watched;

constexpr std::int64_t sum_below(std::int64_t n) { return n * (n - 1) / 2; }

// What went in and what came out.
struct Account {
  std::atomic<std::int64_t> put{0}, put_sum{0}, got{0}, got_sum{0};
  std::atomic<int> gave_up{0};
  void in(int x) {
    ++put;
    put_sum += x;
  }
  void out(int x) {
    ++got;
    got_sum += x;
  }
  void expect_balanced() const {
    EXPECT_EQ(got, put);
    EXPECT_EQ(got_sum, put_sum);
  }
};

class Races : public testing::TestWithParam<Flavour> {};
INSTANTIATE_TEST_SUITE_P(Everybody, Races,
                         testing::Values(Flavour::threads, Flavour::functions_2, Flavour::pool_1,
                                         Flavour::pool_2, Flavour::loop, Flavour::mixed),
                         flavour_name);

// C006
TEST_P(Races, OfTimeOutsOnBothSidesOfAQueueConserveItsItems) {
  constexpr int each = 2000;
  for (const int maxsize : {1, 3}) {
    Queue<int> queue{maxsize};
    Account account;
    Crew crew(GetParam());
    for (int p = 0; p < 2; ++p) {
      crew.start([&, p](auto how) -> Script<decltype(how)> {
        for (int i = 0; i < each; ++i) {
          // Slower than the getters, so that these give up at about the time when an item comes.
          const auto start = cohort::now();
          while (cohort::now() - start < std::chrono::microseconds(i * 7 % 30)) {}
          if (co_await queue.put(p * each + i).within(std::chrono::microseconds(i % 20))) {
            account.in(p * each + i);
          } else {
            ++account.gave_up;
          }
        }
      });
      crew.start([&, p](auto how) -> Script<decltype(how)> {
        for (int i = 0; i < 2 * each; ++i) {
          const auto limit = std::chrono::microseconds((i + 7 * p) % 20);
          const std::optional<int> x = co_await queue.get().within(limit);
          if (x) {
            account.out(*x);
          } else {
            ++account.gave_up;
          }
        }
      });
    }
    crew.join();
    while (const std::optional<int> x = queue.try_get()) account.out(*x);
    account.expect_balanced();
    EXPECT_GE(account.gave_up, 2 * each) << "twice as many gets as puts";
  }
}

Task<> get_one(Queue<int>* queue, Account* account, std::atomic<int>* in_line) {
  account->out(co_await watched(queue->get(), *in_line));
}
Task<> put_one(Queue<int>* queue, Account* account, std::atomic<int>* in_line, int item) {
  co_await watched(queue->put(item), *in_line);
  account->in(item);
}

// C006: somebody stands in line; then he is granted and cancelled at about the same time
TEST(Races, OfCancellingAndGrantingCoroutinesConserveItems) {
  constexpr int rounds = 8000;
  for (const int workers : {1, 2}) {
    ThreadPool pool{workers};
    Queue<int> queue{1};
    Account account;
    std::atomic<int> others{0};
    int cancelled = 0;
    for (int i = 0; i < rounds; ++i) {
      std::atomic<int> in_line{0};
      const bool getter = i % 2 == 0;
      if (!getter) {
        queue.put_nowait(0);
        account.in(0);
      }
      const auto waits = getter ? spawn(pool, get_one, &queue, &account, &in_line)
                                : spawn(pool, put_one, &queue, &account, &in_line, i);
      ASSERT_TRUE(eventually([&] { return in_line == 1; }));
      const auto grants = getter ? spawn(pool, put_one, &queue, &account, &others, i)
                                 : spawn(pool, get_one, &queue, &account, &others);
      for (int spin = i % 16; spin > 0; --spin) std::this_thread::yield();
      waits.cancel();
      ASSERT_TRUE(eventually([&] { return waits.done() && grants.done(); }));
      cancelled += waits.cancelled();
      while (const std::optional<int> x = queue.try_get()) account.out(*x);
    }
    account.expect_balanced();
    EXPECT_GE(account.put, rounds);
    RecordProperty("cancelled_by_" + std::to_string(workers), cancelled);
  }
}

// C006: threads that can be told to stop
TEST(Races, OfStoppingAndGrantingThreadsConserveItems) {
  constexpr int rounds = 20000;
  Queue<int> queue{1};
  Account account;
  std::mutex handing;
  std::optional<StopSource> current;  // what the stopper shall stop next; a StopSource is a handle
  const auto hand = [&](std::optional<StopSource> next) {
    const std::lock_guard<std::mutex> held(handing);
    return std::exchange(current, std::move(next));
  };
  std::atomic<bool> over{false};
  int stopped = 0;
  std::thread stopper([&] {
    while (!over) {
      if (const auto source = hand(std::nullopt)) source->request_stop();
    }
  });
  std::thread putter([&] {
    for (int i = 0; i < rounds; ++i) {
      queue.put(i).block();
      account.in(i);
    }
    queue.shutdown();
  });
  try {
    for (;;) {
      StopSource source;
      hand(source);
      try {
        account.out(queue.get().block(source.token()));
      } catch (const Cancelled&) {
        ++stopped;
      }
    }
  } catch (const ShutDown&) {}
  putter.join();
  over = true;
  stopper.join();
  account.expect_balanced();
  EXPECT_EQ(account.got, rounds);
  EXPECT_EQ(account.got_sum, sum_below(rounds));
  RecordProperty("stopped", stopped);
}

// C006 C007: several parties at each end of a channel that is closed under way
TEST_P(Races, OfCloseWithSendersAndReceiversConserveItems) {
  for (int round = 0; round < 10; ++round) {
    auto ends = channel<int>(round % 4);
    Account account;
    Crew crew(GetParam());
    for (int p = 0; p < 3; ++p) {
      crew.start([&](auto how) -> Script<decltype(how)> {
        try {
          for (int i = 0;; ++i) {
            co_await ends.tx.send(i);
            account.in(i);
          }
        } catch (const cohort::Closed&) {}
      });
      crew.start([&](auto how) -> Script<decltype(how)> {
        for (;;) {
          const std::optional<int> x = co_await ends.rx.recv();
          if (!x) break;
          account.out(*x);
        }
      });
    }
    ASSERT_TRUE(eventually([&] { return account.got > 10 * round; }));
    ends.rx.close();
    crew.join();
    account.expect_balanced();
  }
}

// C006: capacity 0: whatever was sent was received, there and then
TEST_P(Races, OfTimeOutsOnBothSidesOfARendezvousLeaveNothingBetween) {
  constexpr int each = 1000;
  const auto ends = channel<int>(0);
  Account account;
  Crew crew(GetParam());
  for (int p = 0; p < 2; ++p) {
    crew.start([&, p](auto how) -> Script<decltype(how)> {
      for (int i = 0; i < each; ++i) {
        if (co_await ends.tx.send(p * each + i).within(std::chrono::microseconds(i % 30))) {
          account.in(p * each + i);
        } else {
          ++account.gave_up;
        }
      }
    });
    crew.start([&, p](auto how) -> Script<decltype(how)> {
      std::vector<int> batch;
      for (int i = 0; i < 2 * each; ++i) {
        const auto limit = std::chrono::microseconds((i + 7 * p) % 30);
        if (i % 2 == 0) {
          const auto x = co_await ends.rx.recv().within(limit);
          if (x) account.out(*x);
        } else {
          batch.clear();
          co_await ends.rx.recv_many(batch, 3).within(limit);
          for (const int x : batch) account.out(x);
        }
      }
    });
  }
  crew.join();
  EXPECT_TRUE(ends.rx.try_recv().timed_out());
  account.expect_balanced();
}

// Sends on one and receives on the other, whichever comes first; two waits meet in both.
Task<> swap_partners(cohort::Sender<int> tx, cohort::Receiver<int> rx, Account* account,
                     std::atomic<int>* others) {
  for (int i = 0; i < 1000; ++i) {
    const auto first = co_await cohort::select(tx.send(i), rx.recv(), cohort::sleep_for(1ms));
    if (first.index() == 0) account->in(i);
    if (first.index() == 1) account->out(*std::get<1>(first));
  }
  --*others;
  while (*others != 0) {
    const auto x = co_await rx.recv().within(1ms);
    if (x) account->out(*x);
  }
}

// C006: capacity 0: selects that could meet in two places meet in one
TEST(Races, OfSelectsInTwoRendezvousConserveItems) {
  ThreadPool pool{2};
  const auto a = channel<int>(0), b = channel<int>(0);
  Account account;
  std::atomic<int> others{4};
  std::vector<Future<void>> parties;
  for (int i = 0; i < 4; ++i) {
    parties.push_back(spawn(pool, swap_partners(i % 2 == 0 ? a.tx : b.tx, i % 2 == 0 ? b.rx : a.rx,
                                                &account, &others)));
  }
  for (const auto& party : parties) {
    ASSERT_TRUE(eventually([&] { return party.done(); })) << "two selects wait for each other";
  }
  account.expect_balanced();
  EXPECT_GT(account.got, 0);
}

// C121: shutdown(immediate) under way drops items, but hands none out twice, and ends everybody
TEST_P(Races, OfImmediateShutdownEndEverybody) {
  for (int round = 0; round < 10; ++round) {
    Queue<int> queue{round % 3};
    Account account;
    Crew crew(GetParam());
    for (int p = 0; p < 2; ++p) {
      crew.start([&](auto how) -> Script<decltype(how)> {
        try {
          for (int i = 0; i < 20000; ++i) {
            co_await queue.put(i);
            account.in(i);
          }
        } catch (const ShutDown&) {}
      });
      crew.start([&](auto how) -> Script<decltype(how)> {
        try {
          for (;;) account.out(co_await queue.get());
        } catch (const ShutDown&) {}
      });
    }
    ASSERT_TRUE(eventually([&] { return account.got > 10 * round; }));
    queue.shutdown(true);
    crew.join();
    EXPECT_LE(account.got, account.put);
  }
}

}  // namespace
