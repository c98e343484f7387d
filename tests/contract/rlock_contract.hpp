// SPDX-License-Identifier: BSL-1.0
#pragma once

/// RLock: who owns it, how often, and who waits for it.

#include <memory>
#include <mutex>
#include <numeric>
#include <optional>

#include "support/flavours.hpp"  // Crew

namespace cohort::test {

class RLockContract : public testing::TestWithParam<Flavour> {
 protected:
  /// Starts a party that acquires `levels` levels and gives them back one by one, each time the
  /// test says so by a permit of `give_back`; `levels_left` follows.
  Party& hold_levels(Crew& crew, int levels) {
    return crew.start([this, levels](auto how) -> Script<decltype(how)> {
      for (int i = 0; i < levels; ++i) co_await lock.acquire();
      levels_left = levels;
      for (int i = levels; i > 0; --i) {
        co_await give_back.acquire();
        lock.release();
        levels_left = i - 1;
      }
    });
  }

  RLock lock;
  Semaphore give_back{0};
  std::atomic<int> levels_left{0};
  Log<int> log;
  std::atomic<int> in_line{0};
};

INSTANTIATE_TEST_SUITE_P(Everybody, RLockContract, testing::ValuesIn(all_flavours), flavour_name);

// C065
TEST_P(RLockContract, AsManyReleasesAsAcquiresAndNoneMore) {
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await lock.acquire();
    const bool second = co_await lock.acquire().within(0s);
    EXPECT_TRUE(second);
    EXPECT_TRUE(lock.try_acquire());
    EXPECT_TRUE(lock.try_lock());
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(lock.locked());
      lock.release();
    }
    EXPECT_FALSE(lock.locked());
    std::string said;
    try {
      lock.release();
    } catch (const NotOwner& e) {
      said = e.what();
    }
    EXPECT_NE(said.find("RLock::release()"), std::string::npos) << said;
    EXPECT_NE(said.find("hold()"), std::string::npos) << said;
    EXPECT_FALSE(lock.locked());
  });
  EXPECT_EQ(party.end(), Ending::finished);
}

// C066
TEST_P(RLockContract, NobodyButTheOwnerReleasesOrReenters) {
  Crew crew(GetParam());
  hold_levels(crew, 2);
  ASSERT_TRUE(eventually([&] { return levels_left == 2; }));
  EXPECT_THROW(lock.release(), NotOwner);
  EXPECT_FALSE(lock.try_acquire());
  Party& other = crew.start([&](auto how) -> Script<decltype(how)> {
    EXPECT_THROW(lock.release(), NotOwner);
    EXPECT_FALSE(lock.try_acquire());
    const bool got = co_await lock.acquire().within(0s);
    EXPECT_FALSE(got);
  });
  EXPECT_EQ(other.end(), Ending::finished);
  EXPECT_TRUE(lock.locked());
  give_back.release(2);  // the state was unchanged: two levels, and the owner may release them
  crew.join();
  EXPECT_TRUE(lock.try_acquire());
  lock.release();
}

// C067
TEST_P(RLockContract, ItIsFreeForOthersAfterTheLastReleaseOnly) {
  Crew crew(GetParam());
  hold_levels(crew, 3);
  ASSERT_TRUE(eventually([&] { return levels_left == 3; }));
  Party& other = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await watched(lock.acquire(), in_line);
    EXPECT_EQ(levels_left, 0);
    lock.release();
  });
  ASSERT_TRUE(eventually([&] { return in_line == 1; }));
  for (const int left : {2, 1}) {
    give_back.release();
    ASSERT_TRUE(eventually([&] { return levels_left == left; }));
    EXPECT_FALSE(lock.try_acquire());
    EXPECT_FALSE(other.ended());
  }
  // The other may have the lock before the owner has said so.
  levels_left = 0;
  give_back.release();
  EXPECT_EQ(other.end(), Ending::finished);
}

// C007 C064
TEST_P(RLockContract, AReleasedLockGoesDownTheLineAndThoseWhoLeftAreNoTrouble) {
  ASSERT_TRUE(lock.try_acquire());
  Crew crew(GetParam());
  for (int i = 0; i < 12; ++i) {
    crew.start([this, i](auto how) -> Script<decltype(how)> {
      co_await watched(lock.acquire(), in_line);
      EXPECT_TRUE(lock.try_acquire());
      log.add(i);
      lock.release();
      lock.release();
    });
    ASSERT_TRUE(eventually([&] { return in_line == i + 1; }));
  }
  for (const std::size_t leaver : {0u, 5u, 6u, 11u}) crew.parties()[leaver].cancel();
  EXPECT_EQ(log.size(), 0u);
  lock.release();
  crew.join();
  EXPECT_EQ(log.entries(), (std::vector<int>{1, 2, 3, 4, 7, 8, 9, 10}));
  EXPECT_FALSE(lock.locked());
}

// C006 C061
TEST_P(RLockContract, ATimedOutAcquireHasTakenNoLevel) {
  ASSERT_TRUE(lock.try_acquire());
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    const bool got = co_await lock.acquire().within(5ms);
    EXPECT_FALSE(got);
    const auto held = co_await lock.hold().within(5ms);
    EXPECT_FALSE(held);
    EXPECT_THROW(lock.release(), NotOwner);
  });
  EXPECT_EQ(party.end(), Ending::finished);
  lock.release();
  EXPECT_THROW(lock.release(), NotOwner);
  EXPECT_FALSE(lock.locked());
}

// C063
TEST_P(RLockContract, EachGuardReleasesOneLevelAlsoByAnException) {
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    try {
      auto outer = co_await lock.hold();
      {
        auto inner = co_await lock.hold();
        EXPECT_TRUE(lock.locked() && inner.owns());
      }
      EXPECT_TRUE(lock.locked() && outer.owns());
      throw std::runtime_error("out");
    } catch (const std::runtime_error&) {
      EXPECT_FALSE(lock.locked());
    }
    Guard<RLock> held = co_await lock.hold();
    held = co_await lock.hold();
    EXPECT_TRUE(lock.locked());
    held.release();
    EXPECT_FALSE(lock.locked() || held.owns());
  });
  EXPECT_EQ(party.end(), Ending::finished);
}

TEST_P(RLockContract, AGuardReleasesInTheNameOfTheOwnerWhereverItIsDestroyed) {
  Crew crew(GetParam());
  std::optional<Guard<RLock>> held;
  Party& owner = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await lock.acquire();
    held.emplace(co_await lock.hold());
    log.add(1);
    co_await give_back.acquire();
    lock.release();
  });
  ASSERT_TRUE(eventually([&] { return log.size() == 1; }));
  Party& stranger = crew.start([&](auto how) -> Script<decltype(how)> {
    held.reset();
    EXPECT_FALSE(lock.try_acquire());
    co_await yield_now();
  });
  EXPECT_EQ(stranger.end(), Ending::finished);
  EXPECT_FALSE(owner.ended());
  give_back.release();
  EXPECT_EQ(owner.end(), Ending::finished);
  EXPECT_FALSE(lock.locked());
}

// C071
TEST_P(RLockContract, NoTwoAreInsideAtOnce) {
  int counter = 0;  // ThreadSanitizer watches it
  {
    Crew crew(GetParam());
    for (int i = 0; i < 4; ++i) {
      crew.start([&](auto how) -> Script<decltype(how)> {
        for (int turn = 0; turn < 250; ++turn) {
          auto outer = co_await lock.hold();
          auto inner = co_await lock.hold();
          ++counter;
        }
      });
    }
  }
  EXPECT_EQ(counter, 1000);
  EXPECT_FALSE(lock.locked());
}

// C006: whoever is stopped or late at the moment of the release either has the lock or has not.
TEST_P(RLockContract, TheLockIsConservedWhenGrantTimeOutAndStopMeet) {
  std::atomic<int> inside{0}, got{0};
  for (int round = 0; round < 10; ++round) {
    ASSERT_TRUE(lock.try_acquire());
    Crew crew(GetParam());
    for (int i = 0; i < 6; ++i) {
      crew.start([&, i](auto how) -> Script<decltype(how)> {
        std::optional<Guard<RLock>> held;
        if (i % 2 == 0) {
          held = co_await lock.hold().within(1ms);
          if (!held) co_return;
        } else {
          held = co_await watched(lock.hold(), in_line);
        }
        EXPECT_EQ(++inside, 1);
        ++got;
        --inside;
      });
    }
    ASSERT_TRUE(eventually([&] { return in_line == 3 * (round + 1); }));
    crew.parties()[1].cancel();
    lock.release();
    crew.parties()[3].cancel();
    crew.join();
    ASSERT_FALSE(lock.locked());
  }
  EXPECT_GE(got, 10);  // the patient one, each time
}

// ---------------------------------------------------------------- who is one owner, and who is not

class RLockOwner : public testing::Test {
 protected:
  Task<> acquire_below() { co_await lock.acquire(); }
  RLock lock;
};

// C069
TEST_F(RLockOwner, TwoTasksOnOneThreadAreTwoOwners) {
  EventLoop loop;
  Event end;
  const auto own = [&]() -> Task<> {
    auto held = co_await lock.hold();
    co_await end.wait();
    EXPECT_TRUE(lock.try_acquire());
    lock.release();
  };
  const Future<void> owner = spawn(loop, own);
  loop.run_ready();
  EXPECT_FALSE(lock.try_acquire());  // nor is the thread below them an owner
  const auto intrude = [&]() -> Task<> {
    EXPECT_FALSE(lock.try_acquire());
    EXPECT_THROW(lock.release(), NotOwner);
    end.set();
    co_return;
  };
  const Future<void> intruder = spawn(loop, intrude);
  loop.run_ready();
  owner.block();
  intruder.block();
}

// C069
TEST_F(RLockOwner, ATaskOwnsItOnWhateverThreadItRuns) {
  ThreadPool pool(2);
  const auto task = [&]() -> Task<> {
    co_await lock.acquire();
    // The event is set by a function that keeps the worker on which this task suspended busy until
    // the task runs: so it runs on the other one.
    // Not std::this_thread::get_id(): compilers may keep what it yields over a suspension point.
    const void* const before = detail::RealAtomics::here();
    for (int i = 0; i < 1000 && detail::RealAtomics::here() == before; ++i) {
      Event here, moved;
      const auto keep_busy = [&] {
        here.set();
        while (!moved.is_set()) std::this_thread::yield();
      };
      const Future<void> busy = pool.submit(keep_busy);
      co_await here.wait();
      moved.set();
      co_await busy;
    }
    EXPECT_NE(detail::RealAtomics::here(), before);
    EXPECT_TRUE(lock.try_acquire());
    lock.release();
    lock.release();
  };
  spawn(pool, task).block();
  EXPECT_FALSE(lock.locked());
}

// C069
TEST_F(RLockOwner, TheTasksAnOwnerAwaitsAreTheSameOwner) {
  const auto task = [&]() -> Task<> {
    co_await acquire_below();
    co_await acquire_below();
    lock.release();
    lock.release();
    EXPECT_FALSE(lock.locked());
  };
  run(task());
}

// C069
TEST_F(RLockOwner, LegsAndChildrenOfAGroupAreOwnersOfTheirOwn) {
  const auto intrude = [&]() -> Task<> {
    EXPECT_FALSE(lock.try_acquire());
    EXPECT_THROW(lock.release(), NotOwner);
    co_return;
  };
  const auto task = [&]() -> Task<> {
    auto held = co_await lock.hold();
    co_await when_all(intrude(), intrude());
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn(intrude);
      co_return;
    });
  };
  run(task());
}

// C069: a sibling does not own what another leg does.
TEST_F(RLockOwner, LegsDoNotShareWhatOneOfThemHolds) {
  Event held, tried;
  const auto hold = [&]() -> Task<> {
    auto guard = co_await lock.hold();
    held.set();
    co_await tried.wait();
  };
  const auto intrude = [&]() -> Task<> {
    co_await held.wait();
    EXPECT_FALSE(lock.try_acquire());
    tried.set();
  };
  const auto task = [&]() -> Task<> { co_await when_all(hold(), intrude()); };
  run(task());
}

// C069: whoever calls acquire() owns it, though it is awaited by what is a task of its own.
TEST_F(RLockOwner, AnAcquireInsideATimeoutOrASelectIsTheCallers) {
  const auto task = [&]() -> Task<> {
    co_await timeout(1h, lock.acquire());
    co_await when_any(lock.acquire(), sleep_for(1h));
    co_await shield(lock.acquire());
    for (int i = 0; i < 3; ++i) lock.release();
    EXPECT_FALSE(lock.locked());
  };
  run(task());
}

// C069
TEST_F(RLockOwner, APlainFunctionOnAPoolBelongsToItsTaskAndWhatItRunsDoesNot) {
  ThreadPool pool(1);
  const auto intrude = [&]() -> Task<> {
    EXPECT_FALSE(lock.try_acquire());
    co_return;
  };
  const auto plain = [&] {
    const std::scoped_lock outer(lock);
    const std::unique_lock inner(lock);
    run(intrude());
  };
  pool.submit(plain).block();
  EXPECT_FALSE(lock.locked());
  const std::scoped_lock mine(lock);
  const auto refused = [&] { EXPECT_FALSE(lock.try_acquire()); };
  pool.submit(refused).block();
}

// A guard outlives its task, and another task comes to stand where that one stood.
TEST_F(RLockOwner, NoLaterTaskIsTakenForAnOwnerThatHasEnded) {
  std::optional<Guard<RLock>> held;
  const void* owner = nullptr;
  const void* latest = nullptr;
  EventLoop loop;
  const auto visit = [&]() -> Task<> {
    latest = detail::this_owner().who;
    if (!owner) {
      owner = latest;
      held.emplace(co_await lock.hold());
    } else {
      EXPECT_FALSE(lock.try_acquire());
      EXPECT_THROW(lock.release(), NotOwner);
    }
  };
  int visits = 0;
  do {
    spawn(loop, visit).block();
  } while (++visits < 100 && (visits == 1 || latest != owner));
  held.reset();
  EXPECT_FALSE(lock.locked());
  if (latest != owner) GTEST_SKIP() << "frames are not recycled here";
}

// The same for threads.
TEST_F(RLockOwner, NoLaterThreadIsTakenForAnOwnerThatHasEnded) {
  std::optional<Guard<RLock>> held;
  std::thread owner([&] { held.emplace(lock.hold().block()); });
  owner.join();
  for (int i = 0; i < 10; ++i) {
    std::thread later([&] {
      EXPECT_FALSE(lock.try_acquire());
      EXPECT_THROW(lock.release(), NotOwner);
    });
    later.join();
  }
  held.reset();
  EXPECT_FALSE(lock.locked());
}

// The owner enters again while another thread gives the last level back.
TEST_F(RLockOwner, ReenteringMeetsAGuardDestroyedElsewhere) {
  for (int round = 0; round < 300; ++round) {
    Guard<RLock> held = lock.hold().block();
    std::atomic<bool> go{false};
    std::thread elsewhere([&go, held = std::move(held)]() mutable {
      while (!go) {}
      held.release();
    });
    go = true;
    lock.acquire().block();  // either a second level or, after the guard, the first
    EXPECT_TRUE(lock.try_acquire());
    lock.release();
    elsewhere.join();
    lock.release();
    ASSERT_FALSE(lock.locked());
    ASSERT_THROW(lock.release(), NotOwner);
  }
}

}  // namespace cohort::test
