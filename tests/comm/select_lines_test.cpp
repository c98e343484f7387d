// SPDX-License-Identifier: BSL-1.0

// Interleavings of select with other threads, made certain: an operation of our own, between the
// channels in the list, does what another thread could do just then.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "support/flavours.hpp"  // eventually

namespace {

using cohort::channel;
using cohort::Event;
using cohort::EventLoop;
using cohort::Future;
using cohort::LoopTime;
using cohort::Operation;
using cohort::Receiver;
using cohort::select;
using cohort::Semaphore;
using cohort::Sender;
using cohort::spawn;
using cohort::Task;
using cohort::ThreadPool;
using cohort::test::eventually;

using Step = std::function<void(cohort::detail::Wait&)>;

// Never wins; calls `on_try` when the select looks at what is ready, `on_arm` when it stands in line.
struct Interloper {
  using Result = void;
  struct Place : cohort::detail::Waiter {
    explicit Place(cohort::detail::Wait& wait) noexcept : cohort::detail::Waiter(wait) {}
  };
  Step on_try, on_arm;
  Interloper(Step t, Step a) : on_try(std::move(t)), on_arm(std::move(a)) {}

  bool try_now(Place& place) {
    if (on_try) on_try(place.wait());
    return false;
  }
  void arm(Place& place) noexcept {
    if (on_arm) on_arm(place.wait());
  }
  void disarm(Place&) noexcept {}
  bool retry(Place&) noexcept { return false; }
  void result(Place&) noexcept {}
};

template <class T>
void expect_done(const Future<T>& future) {
  if (eventually([&] { return future.done(); })) return;
  std::fprintf(stderr, "a select spins or sleeps for ever\n");
  std::abort();
}

Task<std::size_t> after_a_look(Receiver<int> rx, Step look) {
  Interloper other({}, std::move(look));
  Operation<Interloper> first(std::move(other));
  auto winner = co_await select(std::move(first), rx.recv());
  co_return winner.index();
}

// C006: a granter has claimed the wait while it stands in line, and finds nothing to give
TEST(SelectLines, ALookThatFindsNothingDoesNotKeepTheSelectOutOfTheOtherLines) {
  auto [tx, rx] = channel<int>(1);
  std::thread granter;
  std::atomic<bool> go_on{false};
  std::atomic<bool> looking{false};
  const Step look = [&](cohort::detail::Wait& wait) {
    ASSERT_TRUE(wait.claim());
    granter = std::thread([&go_on, &wait] {
      while (!go_on) std::this_thread::yield();
      wait.unclaim();
    });
    looking = true;
  };
  ThreadPool pool{1};
  const auto winner = spawn(pool, after_a_look, rx, look);
  ASSERT_TRUE(eventually([&] { return looking.load(); }));
  go_on = true;
  granter.join();
  tx.send(1).block();
  expect_done(winner);
  EXPECT_EQ(winner.block(), 1U);
}

Task<std::size_t> both_sides(Sender<int> tx, Receiver<int> rx, Step put, Step take) {
  Interloper before({}, std::move(put));
  Interloper between(std::move(take), {});
  Operation<Interloper> first(std::move(before)), third(std::move(between));
  auto winner = co_await select(std::move(first), tx.send(2), std::move(third), rx.recv());
  co_return winner.index();
}

// C006: full when it wants to send, empty when it wants to receive, full when it stands in line
TEST(SelectLines, MaySendAndReceiveOnTheSameChannel) {
  const auto ends = channel<int>(1);
  ASSERT_TRUE(ends.tx.try_send(1));
  int taken = 0;
  const Step put = [&](cohort::detail::Wait&) { EXPECT_TRUE(ends.tx.try_send(7)); };
  const Step take = [&](cohort::detail::Wait&) { taken = ends.rx.try_recv().value(); };
  ThreadPool pool{1};
  const auto winner = spawn(pool, both_sides, ends.tx, ends.rx, put, take);
  expect_done(winner);
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(winner.block(), 3U) << "received what was there";
  EXPECT_EQ(ends.rx.size(), 0U) << "and has not sent as well";
}

Task<std::size_t> either_side(Sender<int> tx, Receiver<int> rx, Step armed) {
  Interloper last({}, std::move(armed));
  Operation<Interloper> fourth(std::move(last));
  auto winner = co_await select(tx.send(1), tx.send(2), rx.recv(), std::move(fourth));
  co_return winner.index();
}
Task<bool> one_side(Sender<int> tx, Receiver<int> rx, bool sends, Step tried) {
  Interloper last(std::move(tried), {});
  Operation<Interloper> second(std::move(last));
  if (sends) co_return (co_await select(tx.send(3), std::move(second))).index() == 0;
  co_return (co_await select(rx.recv(), std::move(second))).index() == 0;
}

// C006: capacity 0; when somebody gets in line, the first in both lines is the same
TEST(SelectLines, ASelectInBothLinesOfARendezvousMeetsOthersButNotItself) {
  for (const bool sends : {false, true}) {
    const auto ends = channel<int>(0);
    std::atomic<bool> armed{false};
    const Step arm = [&](cohort::detail::Wait&) { armed = true; };
    ThreadPool pool{2};
    std::optional<Future<std::size_t>> first;
    // Its own try has found nobody; before it stands in line the select does.
    const Step tried = [&](cohort::detail::Wait&) {
      first = spawn(pool, either_side, ends.tx, ends.rx, arm);
      ASSERT_TRUE(eventually([&] { return armed.load(); }));
      EXPECT_FALSE(first->done()) << "met itself";
    };
    const auto other = spawn(pool, one_side, ends.tx, ends.rx, sends, tried);
    expect_done(other);
    expect_done(*first);
    EXPECT_TRUE(other.block());
    EXPECT_EQ(first->block(), sends ? 2U : 0U);
    EXPECT_TRUE(ends.rx.try_recv().timed_out());
  }
}

Task<> cleans_up(bool* cleaned_up) {
  try {
    co_await cohort::sleep_for(std::chrono::hours(1));
  } catch (const cohort::Cancelled&) {}
  auto pause = cohort::sleep_for(std::chrono::hours(1));
  co_await cohort::shield(std::move(pause));
  *cleaned_up = true;
}
Task<std::size_t> permit_or_event(Semaphore* permits, Event* event, bool* cleaned_up) {
  auto winner = co_await select(permits->acquire(), event->wait(), cleans_up(cleaned_up));
  co_return winner.index();
}

// C006: a semaphore tells the select to try again, and before its turn another leg decides
TEST(SelectLines, ASelectThatWasNudgedAndDecidedElsewhereIsInNobodysWay) {
  for (int attempt = 0;; ++attempt) {
    EventLoop loop(LoopTime::simulated);
    Semaphore permits{0};
    Event event;
    bool cleaned_up = false;
    const auto first = spawn(loop, permit_or_event, &permits, &event, &cleaned_up);
    const auto behind = spawn(loop, [&]() -> Task<> { co_await permits.acquire(); });
    loop.run_ready();
    permits.release();
    event.set();
    loop.run_ready();
    const bool served = behind.done();
    EXPECT_FALSE(first.done()) << "its task cleans up";
    const bool by_event = first.block() == 1;
    EXPECT_TRUE(cleaned_up);
    if (by_event) {
      EXPECT_TRUE(served) << "the permit waits for a select that is over";
      return behind.block();
    }
    // It took a millisecond to get here, so that the permit was handed over.
    ASSERT_LT(attempt, 1000);
    permits.release();
    behind.block();
  }
}

}  // namespace
