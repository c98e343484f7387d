// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Grant, time-out and stop race for the same waits, a hundred thousand times; permits are conserved
/// and no notification is lost.

#include <random>

#include "support/flavours.hpp"

namespace cohort::test {

/// How many hold what they waited for.
struct Room {
  std::atomic<int> inside{0}, most{0};
};

/// How waits ended.
struct Tally {
  explicit Tally(Room& r) : room(r) {}
  std::atomic<int> begun{0}, granted{0}, late{0}, stopped{0};
  Room& room;
  int ended() const { return granted + late + stopped; }
  /// Whether one has ended in each of the ways.
  bool has_all() const { return granted > 0 && late > 0 && stopped > 0; }

  void enter() {
    ++granted;
    const int now = ++room.inside;
    for (int most = room.most; most < now && !room.most.compare_exchange_weak(most, now);) {}
  }
  void leave() { --room.inside; }
};

template <class Primitive>
Task<> hold_for_a_moment(Primitive* primitive, Tally* tally, std::chrono::microseconds limit) {
  ++tally->begun;
  try {
    auto held = co_await primitive->hold().within(limit);
    if (held) {
      tally->enter();
      tally->leave();
    } else {
      ++tally->late;
    }
  } catch (const Cancelled&) {
    ++tally->stopped;
  }
}

/// Coroutines: batches of waits with deadlines all around the moment when the permits come free and
/// some of the waits are cancelled. More of them than asked for, where all is so slow that some way
/// to end has not been seen.
template <class Primitive>
void race_coroutines(Primitive& primitive, int permits, Tally& tally, int batches) {
  constexpr int size = 100;
  std::mt19937 random(42);
  ThreadPool pool(2);
  for (int batch = 1; batch <= batches || (batch <= 20 * batches && !tally.has_all()); ++batch) {
    std::vector<Guard<Primitive>> taken;
    for (int i = 0; i < permits; ++i) taken.push_back(primitive.hold().block());
    std::vector<Future<void>> futures;
    for (int i = 0; i < size; ++i) {
      const std::chrono::microseconds limit(random() % 1000);
      futures.push_back(spawn(pool, hold_for_a_moment<Primitive>, &primitive, &tally, limit));
    }
    ASSERT_TRUE(eventually([&] { return tally.begun == batch * size; }));
    for (int i = 0; i < size / 2; ++i) {
      if (i == 20) taken.clear();
      futures[random() % size].cancel();
    }
    ASSERT_TRUE(eventually([&] { return tally.ended() == batch * size; })) << "a lost waiter";
  }
}

/// Threads: each waits with a stop source that another one may fire at any moment; as often as told
/// to, or more, as above.
template <class Primitive>
void race_threads(Primitive& primitive, Tally& tally, int rounds) {
  struct Target {
    std::mutex mutex;
    std::optional<StopSource> source;
  };
  constexpr int waiters = 3;
  Target targets[waiters];
  std::atomic<int> running{waiters};
  std::vector<std::thread> threads;
  for (unsigned w = 0; w < waiters; ++w) {
    threads.emplace_back([&, w] {
      std::mt19937 random(w);
      for (int i = 0; i < rounds || (i < 100 * rounds && !tally.has_all()); ++i) {
        ++tally.begun;
        const StopSource source;
        {
          const std::lock_guard guard(targets[w].mutex);
          targets[w].source = source;
        }
        try {
          const std::chrono::microseconds limit(random() % 60);
          if (auto held = primitive.hold().within(limit).block(source.token())) {
            tally.enter();
            if (random() % 4 == 0) std::this_thread::yield();
            tally.leave();
          } else {
            ++tally.late;
          }
        } catch (const Cancelled&) {
          ++tally.stopped;
        }
      }
      --running;
    });
  }
  std::thread stopper([&] {
    std::mt19937 random(7);
    while (running > 0) {
      Target& target = targets[random() % waiters];
      std::optional<StopSource> source;
      {
        const std::lock_guard guard(target.mutex);
        source = target.source;
      }
      if (source) source->request_stop();
      for (auto pause = random() % 8; pause > 0; --pause) std::this_thread::yield();
    }
  });
  for (auto& thread : threads) thread.join();
  stopper.join();
}

// C006
TEST(WaitingRaces, NoPermitIsLostOrMadeWhenGrantTimeOutAndStopMeet) {
  Semaphore semaphore(2);
  Room room;
  Tally coroutines(room), threads(room);
  // Threads and coroutines in one line.
  std::thread others([&] { race_threads(semaphore, threads, 4000); });
  race_coroutines(semaphore, 2, coroutines, 350);
  others.join();
  EXPECT_EQ(threads.ended(), threads.begun);
  EXPECT_EQ(semaphore.value(), 2u);
  EXPECT_LE(room.most, 2);
  for (const Tally* tally : {&coroutines, &threads}) {
    EXPECT_TRUE(tally->has_all());
  }
}

// C006
TEST(WaitingRaces, NoLockIsLostOrHeldTwiceWhenGrantTimeOutAndStopMeet) {
  Lock lock;
  Room room;
  Tally coroutines(room), threads(room);
  std::thread others([&] { race_threads(lock, threads, 4000); });
  race_coroutines(lock, 1, coroutines, 250);
  others.join();
  EXPECT_EQ(threads.ended(), threads.begun);
  EXPECT_LE(room.most, 1);
  EXPECT_TRUE(lock.try_acquire());
}

enum class Kind { patient, timed, stopped };

Task<> wait_once(Event* event, std::atomic<int>* in_line, Kind kind, int number, Tally* tally) {
  try {
    if (kind == Kind::timed) {
      const std::chrono::microseconds limit(number * 3);
      const bool got = co_await watched(event->wait(), *in_line).within(limit);
      ++(got ? tally->granted : tally->late);
    } else {
      co_await watched(event->wait(), *in_line);
      ++tally->granted;
    }
  } catch (const Cancelled&) {
    ++tally->stopped;
  }
}

// C006 C099: each round sets and clears once; whoever was there and did not leave must return.
TEST(WaitingRaces, NoNotificationIsLostWhenSetTimeOutAndStopMeet) {
  constexpr int rounds = 200;
  constexpr int size = 90;
  Event event;
  Room room;
  Tally tally(room);
  std::atomic<int> go{0}, gone{0};
  std::thread setter([&] {
    for (int round = 1; round <= rounds; ++round) {
      while (go < round) std::this_thread::yield();
      event.set();
      event.clear();
      gone = round;
    }
  });
  ThreadPool pool(2);
  for (int round = 1; round <= rounds; ++round) {
    std::atomic<int> in_line{0};
    std::vector<Future<void>> stopped, others;
    for (int i = 0; i < size; ++i) {
      const Kind kind = static_cast<Kind>(i % 3);
      auto& futures = kind == Kind::stopped ? stopped : others;
      futures.push_back(spawn(pool, wait_once, &event, &in_line, kind, i, &tally));
    }
    EXPECT_TRUE(eventually([&] { return in_line == size; }));  // also those who have left again
    // Both begin together, so that the setter finds the line held by those who leave it.
    go = round;
    for (const auto& future : stopped) future.cancel();
    EXPECT_TRUE(eventually([&] { return tally.ended() == round * size; })) << "lost one";
    EXPECT_TRUE(eventually([&] { return gone == round; }));  // the next ones find it cleared
    if (HasFailure()) {
      std::fputs("a notification was lost: its waiter hangs\n", stderr);
      std::abort();
    }
  }
  setter.join();
  EXPECT_GT(tally.granted, rounds * size / 3 - 1);
}

// C006 C007: one permit for ever passed on by those who get it to those who wait, while the line is
// torn at.
TEST(WaitingRaces, ALineOfEverybodyConservesItsPermits) {
  Semaphore semaphore(3);
  Room room;
  Tally tally(room);
  std::atomic<int> turns{0};
  {
    Crew crew(Flavour::mixed);
    for (int i = 0; i < 12; ++i) {
      crew.start([&, i](auto how) -> Script<decltype(how)> {
        for (int turn = 0; turn < 800; ++turn) {
          const std::chrono::microseconds limit((turn * 37 + i * 11) % 150);
          auto held = co_await semaphore.hold().within(limit);
          if (held) {
            tally.enter();
            co_await yield_now();
            tally.leave();
          }
          ++turns;
        }
      });
    }
  }
  EXPECT_EQ(turns, 12 * 800);
  EXPECT_LE(room.most, 3);
  EXPECT_EQ(semaphore.value(), 3u);
}

Task<> wait_watched(Event* event, std::atomic<int>* in_line) {
  co_await watched(event->wait(), *in_line);
}

/// Runs one waiter to its end on an executor that then goes at once, again and again, while the
/// waker may still be inside set(). ASan and TSan see what it must not touch any more.
template <class RunAndGo>
void go_while_the_waker_leaves(int rounds, RunAndGo run_and_go) {
  Event event;
  std::atomic<int> in_line{0};
  std::thread waker([&] {
    for (int round = 1; round <= rounds; ++round) {
      if (!eventually([&] { return in_line >= round; })) return;
      event.set();
    }
  });
  for (int round = 1; round <= rounds; ++round) {
    event.clear();
    run_and_go(&event, &in_line);
  }
  waker.join();
}

TEST(WaitingRaces, ALoopMayGoWhenItsTasksHaveEndedWhateverTheirWakerStillDoes) {
  go_while_the_waker_leaves(3000, [](Event* event, std::atomic<int>* in_line) {
    EventLoop loop;
    spawn(loop, wait_watched, event, in_line);
    loop.run();
  });
}

TEST(WaitingRaces, APoolMayGoWhenItsTasksHaveEndedWhateverTheirWakerStillDoes) {
  go_while_the_waker_leaves(500, [](Event* event, std::atomic<int>* in_line) {
    ThreadPool pool(2);
    const Future<void> future = spawn(pool, wait_watched, event, in_line);
    while (!future.done()) std::this_thread::yield();
  });
}

}  // namespace cohort::test
