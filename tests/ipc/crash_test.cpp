// SPDX-License-Identifier: BSL-1.0
// Processes that are killed at any moment: nobody who lives waits for ever, nothing has two owners,
// and nothing is lost or doubled but what the crash contract says. COHORT_KILLS in the environment: how
// many kills for each test.
#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cohort/processes.hpp"  // under test
#include "ipc/family.hpp"        // Child
#include "support/flavours.hpp"  // eventually

namespace cohort::test {

int kills() {
  const char* const text = std::getenv("COHORT_KILLS");
  return text ? std::atoi(text) : 30;
}

/// Children that do the same for ever, each with its number, and are killed one after another.
template <class Body>
class Crowd {
 public:
  Crowd(int size, Body body) : body_(std::move(body)), children_(static_cast<std::size_t>(size)) {
    for (std::size_t i = 0; i < children_.size(); ++i) start(i);
  }
  ~Crowd() {
    for (std::size_t i = 0; i < children_.size(); ++i) kill(i, [](int) {});
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  /// Kills one of them at any moment, which the time decides, and starts another in its place. `between(number)` is called
  /// when it has ended and what it left is not put in order yet.
  template <class Between>
  void strike(Between between) {
    any_moment(random_);
    const std::size_t i = random_() % children_.size();
    kill(i, between);
    start(i);
  }
  template <class Between>
  void kill(std::size_t i, Between between) {
    if (!children_[i]) return;
    children_[i]->kill([&] { between(static_cast<int>(i)); });
    children_[i].reset();
  }

 private:
  void start(std::size_t i) {
    children_[i] = std::make_unique<Child>([this, i] { body_(static_cast<int>(i)); });
  }
  Body body_;
  std::vector<std::unique_ptr<Child>> children_;
  std::mt19937 random_{std::random_device{}()};
};

/// Fails, and ends the program, if the count does not rise: somebody hangs.
void expect_progress(const std::atomic<long>& count, const char* of) {
  const long before = count;
  if (eventually([&] { return count > before; })) return;
  std::fprintf(stderr, "no progress: %s hang\n", of);
  std::abort();
}

// C070
TEST(Killed, HoldersOfALockLeaveItToWhoeverRepairs) {
  const Account before = Account::of_one();
  struct State {
    std::atomic<long> turns, repairs, mistakes, inside;
  };
  {
    const ipc::Lock lock;
    const ipc::Buffer<State> state(1);
    Crowd crowd(4, [&](int) {
      State& s = state[0];
      for (;;) {
        try {
          lock.acquire().block();
          s.mistakes += s.inside.exchange(1) != 0;  // another is inside, or died there unnoticed
          s.inside = 0;
          ++s.turns;
          lock.release();
        } catch (const OwnerDied&) {
          auto held = lock.recover().block();
          s.inside = 0;
          ++s.repairs;
        }
      }
    });
    for (int i = 0; i < kills(); ++i) {
      crowd.strike([](int) {});
      expect_progress(state[0].turns, "those who want the lock");
    }
    EXPECT_EQ(state[0].mistakes, 0);
  }
  expect_account(before);
}

// C070: all levels and all owners of a recursive one, and those who give up waiting.
TEST(Killed, HoldersOfAnRLockThatHealsAreFollowedByOthers) {
  const Account before = Account::of_one();
  struct State {
    std::atomic<long> turns, mistakes, owner;
  };
  {
    const ipc::RLock lock(ipc::OnOwnerDied::recover);
    const ipc::Buffer<State> state(1);
    Crowd crowd(4, [&](int number) {
      State& s = state[0];
      for (long turn = 1;; ++turn) {
        const long me = turn * 10 + number;
        if (!lock.acquire().within(std::chrono::microseconds(turn % 7 * 30)).block()) continue;
        s.owner = me;
        lock.acquire().block();
        s.mistakes += s.owner != me;
        lock.release();
        s.mistakes += s.owner != me;
        ++s.turns;
        lock.release();
      }
    });
    for (int i = 0; i < kills(); ++i) {
      crowd.strike([](int) {});
      expect_progress(state[0].turns, "those who want the lock");
    }
    EXPECT_EQ(state[0].mistakes, 0);
  }
  expect_account(before);
}

// API 5: permits taken by hold() come back.
TEST(Killed, HoldersOfPermitsGiveThemBack) {
  const Account before = Account::of_one();
  constexpr int children = 5;
  struct State {
    std::atomic<long> turns, mistakes, inside[children];
  };
  {
    const ipc::Semaphore semaphore(2);
    const ipc::Buffer<State> state(1);
    {
      Crowd crowd(children, [&](int number) {
        State& s = state[0];
        for (int turn = 0;; ++turn) {
          const auto work = [&] {
            s.inside[number] = 1;
            long inside = 0;
            for (const auto& one : s.inside) inside += one;
            s.mistakes += inside > 2;
            s.inside[number] = 0;
            ++s.turns;
          };
          if (turn % 2 == 0) {
            auto held = semaphore.hold().block();
            work();
          } else if (auto held =
                         semaphore.hold().within(std::chrono::microseconds(turn % 90)).block()) {
            work();
          }
        }
      });
      for (int i = 0; i < kills(); ++i) {
        crowd.strike([&](int number) { state[0].inside[number] = 0; });
        expect_progress(state[0].turns, "those who want a permit");
      }
    }
    EXPECT_EQ(state[0].mistakes, 0);
    EXPECT_EQ(semaphore.value(), 2U);
  }
  expect_account(before);
}

// RELIABILITY: the items of a queue, exactly.
template <class Queue>
void exchange_items(ipc::OnConsumerDeath policy) {
  constexpr bool joinable = requires(const Queue& q) { q.task_done(); };
  constexpr std::size_t most = 4'000'000;
  constexpr int producers = 3, consumers = 3;
  const Account before = Account::of_one();
  struct State {
    std::atomic<long> next, consumed;
  };
  {
    const Queue queue(8, policy);
    const ipc::Buffer<State> state(1);
    const ipc::Buffer<std::atomic<std::uint8_t>> put(most), got(most);
    int killed_consumers = 0;
    {
      Crowd crowd(producers + consumers, [&](int number) {
        State& s = state[0];
        while (number < producers) {
          const auto item = s.next++;
          if (static_cast<std::size_t>(item) >= most) ::pause();
          queue.put(item).block();
          put[static_cast<std::size_t>(item)] = 1;
        }
        for (int turn = 0;; ++turn) {
          long item = -1;
          if (turn % 2 == 0) {
            item = queue.get().block();
          } else if (auto x = queue.get().within(std::chrono::microseconds(turn % 90)).block()) {
            item = *x;
          }
          if (item < 0) continue;
          ++got[static_cast<std::size_t>(item)];
          ++s.consumed;
          if constexpr (joinable) queue.task_done();
        }
      });
      for (int i = 0; i < kills(); ++i) {
        crowd.strike([&](int number) { killed_consumers += number >= producers; });
        expect_progress(state[0].consumed, "producers and consumers");
      }
      killed_consumers += consumers;
    }
    while (const auto item = queue.try_get()) {
      ++got[static_cast<std::size_t>(*item)];
      if constexpr (joinable) queue.task_done();
    }
    long lost = 0, doubled = 0;
    for (long i = 0; i < state[0].next && i < static_cast<long>(most); ++i) {
      const auto at = static_cast<std::size_t>(i);
      lost += put[at] && got[at] == 0;
      doubled += got[at] > 1;
    }
    const bool again = policy == ipc::OnConsumerDeath::redeliver;
    EXPECT_LE(lost, again && joinable ? 0 : killed_consumers);
    EXPECT_LE(doubled, again ? killed_consumers : 0);
    EXPECT_EQ(queue.qsize(), 0U);
  }
  expect_account(before);
}
TEST(Killed, ConsumersLoseAtMostTheOneItemTheyTookAndProducersNone) {
  exchange_items<ipc::Queue<long>>(ipc::OnConsumerDeath::drop);
}
TEST(Killed, ConsumersLoseAtMostWhatGetHadReturnedIfItIsDeliveredAgain) {
  exchange_items<ipc::Queue<long>>(ipc::OnConsumerDeath::redeliver);
}
TEST(Killed, ConsumersLoseNothingThatIsDeliveredAgainUntilItIsDone) {
  exchange_items<ipc::JoinableQueue<long>>(ipc::OnConsumerDeath::redeliver);
}

// C110
TEST(Killed, PartiesBreakTheirBarrierAndNobodyHangs) {
  const Account before = Account::of_one();
  struct State {
    std::atomic<long> rounds, broken;
  };
  {
    const ipc::Barrier barrier(3, [] {});
    const ipc::Buffer<State> state(1);
    Crowd crowd(3, [&](int) {
      for (;;) {
        try {
          barrier.wait().block();
          ++state[0].rounds;
        } catch (const BrokenBarrier&) {
          ++state[0].broken;
          while (barrier.broken()) std::this_thread::yield();
        }
      }
    });
    for (int i = 0; i < kills(); ++i) {
      crowd.strike([](int) {});
      // It need not be: who is killed between two rounds is nobody's party.
      const long rounds = state[0].rounds;
      if (!eventually([&] {
            if (barrier.broken()) barrier.reset();
            return state[0].rounds > rounds + 3;
          })) {
        std::fprintf(stderr, "no progress: parties hang\n");
        std::abort();
      }
    }
  }
  expect_account(before);
}

// C093 C098: whoever sets, notifies or sends does not wait for the dead, and the living hear of it.
TEST(Killed, WaitersAreSkipped) {
  const Account before = Account::of_one();
  struct State {
    std::atomic<long> heard[4];
  };
  {
    const ipc::Event event;
    const ipc::Condition condition{ipc::Lock(ipc::OnOwnerDied::recover)};
    const ipc::Buffer<State> state(1);
    Crowd crowd(4, [&](int number) {
      for (;;) {
        if (number < 2) {
          event.wait().block();
          while (event.is_set()) std::this_thread::yield();
        } else {
          auto held = condition.hold().block();
          condition.wait().block();
        }
        ++state[0].heard[number];
      }
    });
    for (int i = 0; i < kills(); ++i) {
      crowd.strike([](int) {});
      std::array<long, 4> heard{};
      for (std::size_t k = 0; k < 4; ++k) heard[k] = state[0].heard[k];
      if (!eventually([&] {
            event.set();
            event.clear();
            {
              auto held = condition.hold().block();
              condition.notify_all();
            }
            bool all = true;
            for (std::size_t k = 0; k < 4; ++k) all &= state[0].heard[k] > heard[k];
            return all;
          })) {
        std::fprintf(stderr, "no progress: waiters hang\n");
        std::abort();
      }
    }
  }
  expect_account(before);
}

// Those who put in order what others have left: each child has children of its own, which it kills.
TEST(Killed, ThoseWhoPutThingsInOrderAreFollowedByOthers) {
  const Account before = Account::of_one();
  struct State {
    std::atomic<long> turns, mistakes, inside, sweeps;
  };
  {
    const ipc::Lock lock(ipc::OnOwnerDied::recover);
    const ipc::Semaphore semaphore(1);
    const ipc::Buffer<State> state(1);
    Crowd crowd(3, [&](int) {
      State& s = state[0];
      std::mt19937 random{std::random_device{}()};
      for (;;) {
        Child child([&, parent = ::getpid()] {
          ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it is not its grandparent's
          if (::getppid() != parent) ::_exit(1);
          for (;;) {
            auto permit = semaphore.hold().block();
            lock.acquire().block();
            const long mine = ::getpid();
            s.inside = mine;
            std::this_thread::yield();
            s.mistakes += s.inside != mine;
            ++s.turns;
            lock.release();
          }
        });
        any_moment(random);
        child.kill();
        ++s.sweeps;
      }
    });
    for (int i = 0; i < kills(); ++i) {
      crowd.strike([](int) {});
      expect_progress(state[0].turns, "those who want the lock");
    }
    EXPECT_EQ(state[0].mistakes, 0);
  }
  static_cast<void>(Account::of_one());  // also who was left without a parent has ended
  expect_account(before);
}

int work(int x) {
  for (const auto until = Clock::now() + std::chrono::microseconds(300); Clock::now() < until;) {}
  return x;
}
// API 4.4: "a worker's death fails only the tasks it had begun"
TEST(Killed, WorkersOfAPoolFailAtMostTheTaskTheyHadBegun) {
  ProcessPool pool{3};
  std::mt19937 random{std::random_device{}()};
  std::deque<std::pair<int, Future<int>>> tasks;
  int next = 0, failed = 0;
  const auto answer = [&] {
    auto [x, future] = std::move(tasks.front());
    tasks.pop_front();
    try {
      EXPECT_EQ(future.block(), x);
    } catch (const WorkerDied&) {
      ++failed;
    }
  };
  for (int i = 0; i < kills(); ++i) {
    for (int k = 0; k < 10; ++k) {
      tasks.emplace_back(next, pool.submit(work, next));
      ++next;
    }
    any_moment(random);
    const auto workers = active_children();
    if (!workers.empty()) workers[random() % workers.size()].kill();
    while (tasks.size() > 6) answer();
  }
  while (!tasks.empty()) answer();
  EXPECT_LE(failed, kills());
}

// RELIABILITY: the fork server, also while it makes a process.
TEST(Killed, ForkServersAreReplacedAndEveryProcessIsMade) {
  std::mt19937 random{std::random_device{}()};
  for (int i = 0; i < kills() / 2; ++i) {
    const auto server = static_cast<::pid_t>(ipc::detail::ForkServer::get().pid());
    std::thread killer([server, moment = random()] {
      std::mt19937 of_its_own(moment);
      any_moment(of_its_own);
      if (server > 0) ::kill(server, SIGKILL);
    });
    Process child{ProcessOptions{.start_method = StartMethod::forkserver},
                  [](int code) { throw ProcessExit{code}; }, i % 100};
    child.start();
    killer.join();
    child.join().block();
    EXPECT_EQ(child.exitcode(), i % 100);
  }
}

}  // namespace cohort::test

#endif
