// SPDX-License-Identifier: BSL-1.0
// RWLock: many readers or one writer, first come, first served.

#include <memory>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <stdexcept>

#include "contract/waiting.hpp"

namespace cohort::test {

// Both kinds of access are waits like any other.
struct WriteSubject {
  WriteSubject() { EXPECT_TRUE(lock.try_acquire_write()); }
  auto wait() { return lock.acquire_write(); }
  bool try_wait() { return lock.try_acquire_write(); }
  void give() { lock.release_write(); }
  void take_back() {}
  RWLock lock;
};

struct ReadSubject {
  ReadSubject() { EXPECT_TRUE(lock.try_acquire_write()); }
  auto wait() { return lock.acquire_read(); }
  bool try_wait() {
    if (!lock.try_acquire_read()) return false;
    lock.release_read();
    return lock.try_acquire_write();  // unless another wait has passed
  }
  void give() { lock.release_write(); }
  void take_back() {
    if (!lock.try_acquire_read()) return;  // written again already
    lock.release_read();
    lock.release_read();
    EXPECT_TRUE(lock.try_acquire_write());
  }
  RWLock lock;
};

using SideSubjects = testing::Types<WriteSubject, ReadSubject>;
INSTANTIATE_TYPED_TEST_SUITE_P(RWLock, WaitingContract, SideSubjects);

class RWLockContract : public testing::TestWithParam<Flavour> {
 protected:
  /// Starts a party that waits for its access, logs its name when it has it, and releases when the
  /// test says so.
  Party& line_up(Crew& crew, char name, bool write) {
    const int before = in_line;
    Party& party = crew.start([this, name, write](auto how) -> Script<decltype(how)> {
      if (write) {
        co_await watched(lock.acquire_write(), in_line);
      } else {
        co_await watched(lock.acquire_read(), in_line);
      }
      log.add(name);
      co_await go_on.acquire();
      if (write) {
        lock.release_write();
      } else {
        lock.release_read();
      }
    });
    EXPECT_TRUE(eventually([&] { return in_line == before + 1; }));
    return party;
  }
  std::string logged() const {
    std::string names;
    for (const char name : log.entries()) names += name;
    return names;
  }
  bool eventually_logged(const std::string& names) {
    const bool equal = eventually([&] { return log.size() >= names.size(); });
    EXPECT_EQ(logged(), names);
    return equal;
  }

  RWLock lock;
  Semaphore go_on{0};
  Log<char> log;
  std::atomic<int> in_line{0};
};

INSTANTIATE_TEST_SUITE_P(Everybody, RWLockContract, testing::ValuesIn(all_flavours), flavour_name);

// C001
TEST_P(RWLockContract, ReadersShareAndAWriterIsAlone) {
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    co_await lock.acquire_read();
    const bool second = co_await lock.acquire_read().within(0s);
    EXPECT_TRUE(second);
    EXPECT_TRUE(lock.try_acquire_read());
    EXPECT_FALSE(lock.try_acquire_write());
    const bool refused = co_await lock.acquire_write().within(1ms);
    EXPECT_FALSE(refused);
    for (int i = 0; i < 3; ++i) lock.release_read();
    co_await lock.acquire_write();
    EXPECT_FALSE(lock.try_acquire_read());
    EXPECT_FALSE(lock.try_acquire_write());
    const bool late = co_await lock.acquire_read().within(1ms);
    EXPECT_FALSE(late);
    lock.release_write();
    EXPECT_TRUE(lock.try_acquire_read());
    lock.release_read();
  });
  EXPECT_EQ(party.end(), Ending::finished);
}

// C063
TEST_P(RWLockContract, GuardsReleaseWhatTheyHoldAlsoByAnException) {
  Crew crew(GetParam());
  Party& party = crew.start([&](auto how) -> Script<decltype(how)> {
    try {
      auto one = co_await lock.hold_read();
      auto two = co_await lock.hold_read();
      EXPECT_FALSE(lock.try_acquire_write());
      throw std::runtime_error("out");
    } catch (const std::runtime_error&) {}
    {
      auto writing = co_await lock.hold_write().within(1h);
      EXPECT_TRUE(writing && !lock.try_acquire_read());
      auto reading = co_await lock.hold_read().within(1ms);
      EXPECT_FALSE(reading);
    }
    EXPECT_TRUE(lock.try_acquire_write());
    lock.release_write();
  });
  EXPECT_EQ(party.end(), Ending::finished);
}

TEST(RWLockMisuse, ReleasingWhatNobodyHoldsThrowsAndChangesNothing) {
  RWLock lock;
  EXPECT_THROW(lock.release_read(), OverRelease);
  EXPECT_THROW(lock.release_write(), OverRelease);
  ASSERT_TRUE(lock.try_acquire_read());
  EXPECT_THROW(lock.release_write(), OverRelease);
  lock.release_read();
  ASSERT_TRUE(lock.try_acquire_write());
  EXPECT_THROW(lock.release_read(), OverRelease);
  EXPECT_FALSE(lock.try_acquire_read());
  lock.release_write();
  EXPECT_TRUE(lock.try_acquire_write());
}

TEST_P(RWLockContract, ReleasingWhatNobodyHoldsThrowsAlsoWhileOthersWait) {
  ASSERT_TRUE(lock.try_acquire_read());
  Crew crew(GetParam());
  line_up(crew, 'w', true);
  EXPECT_THROW(lock.release_write(), OverRelease);
  EXPECT_EQ(logged(), "");
  lock.release_read();
  ASSERT_TRUE(eventually_logged("w"));
  EXPECT_THROW(lock.release_read(), OverRelease);
  go_on.release();
}

TEST(RWLockOnAThread, StandardGuardsWork) {
  RWLock lock;
  {
    const std::shared_lock one(lock);
    const std::shared_lock two(lock);
    EXPECT_FALSE(lock.try_lock());
    EXPECT_TRUE(lock.try_lock_shared());
    lock.unlock_shared();
  }
  const std::unique_lock writing(lock);
  EXPECT_FALSE(lock.try_lock_shared());
}

// C007
TEST_P(RWLockContract, AReaderWhoComesAfterAWriterWaitsBehindIt) {
  ASSERT_TRUE(lock.try_acquire_read());
  Crew crew(GetParam());
  line_up(crew, 'w', true);
  EXPECT_FALSE(lock.try_acquire_read());  // it could be had, but not before the writer
  line_up(crew, 'r', false);
  EXPECT_EQ(logged(), "");
  lock.release_read();
  ASSERT_TRUE(eventually_logged("w"));
  go_on.release();
  ASSERT_TRUE(eventually_logged("wr"));
  go_on.release();
}

// C007
TEST_P(RWLockContract, TheLineIsServedInOrderAndNeighbouringReadersTogether) {
  ASSERT_TRUE(lock.try_acquire_write());
  Crew crew(GetParam());
  line_up(crew, 'r', false);
  line_up(crew, 'r', false);
  line_up(crew, 'w', true);
  line_up(crew, 'W', true);
  line_up(crew, 'R', false);
  line_up(crew, 'R', false);
  line_up(crew, 'R', false);
  lock.release_write();
  ASSERT_TRUE(eventually_logged("rr"));
  go_on.release();
  go_on.release();
  ASSERT_TRUE(eventually_logged("rrw"));
  go_on.release();
  ASSERT_TRUE(eventually_logged("rrwW"));
  go_on.release();
  ASSERT_TRUE(eventually_logged("rrwWRRR"));
  go_on.release(3);
  crew.join();
  EXPECT_TRUE(lock.try_acquire_write());
}

// C006
TEST_P(RWLockContract, AWriterWhoLeavesTheLineLetsTheReadersBehindItIn) {
  ASSERT_TRUE(lock.try_acquire_read());
  Crew crew(GetParam());
  Party& stopped = line_up(crew, 'w', true);
  line_up(crew, 'r', false);
  Party& late = crew.start([&](auto how) -> Script<decltype(how)> {
    const bool got = co_await lock.acquire_write().within(1ms);
    EXPECT_FALSE(got);
  });
  line_up(crew, 'R', false);
  EXPECT_EQ(late.end(), Ending::finished);
  EXPECT_EQ(logged(), "");
  stopped.cancel();
  EXPECT_EQ(stopped.end(), Ending::cancelled);
  ASSERT_TRUE(eventually([&] { return log.size() == 2; }));
  EXPECT_FALSE(lock.try_acquire_write());
  go_on.release(2);
  crew.join();
  lock.release_read();
  EXPECT_TRUE(lock.try_acquire_write());
}

// C071
TEST_P(RWLockContract, NobodyReadsWhatIsBeingWritten) {
  int left = 0, right = 0;  // ThreadSanitizer watches them
  {
    Crew crew(GetParam());
    for (int i = 0; i < 6; ++i) {
      crew.start([&, i](auto how) -> Script<decltype(how)> {
        for (int turn = 0; turn < 100; ++turn) {
          if (i % 3 == 0) {
            auto writing = co_await lock.hold_write();
            ++left;
            ++right;
          } else {
            auto reading = co_await lock.hold_read();
            EXPECT_EQ(left, right);
          }
        }
      });
    }
  }
  EXPECT_EQ(left, 200);
  EXPECT_TRUE(lock.try_acquire_write());
}

// C006
TEST_P(RWLockContract, TheLockIsConservedWhenGrantTimeOutAndStopMeet) {
  std::atomic<int> readers{0}, writers{0}, got{0};
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(lock.try_acquire_write());
    std::atomic<int> begun{0};
    Crew crew(GetParam());
    for (int i = 0; i < 8; ++i) {
      const auto limit = i % 3 == 0 ? 1h : std::chrono::microseconds(random() % 1500);
      crew.start([&, i, limit](auto how) -> Script<decltype(how)> {
        ++begun;
        if (i % 2 == 0) {
          auto held = co_await lock.hold_write().within(limit);
          if (!held) co_return;
          EXPECT_EQ(++writers, 1);
          EXPECT_EQ(readers, 0);
          --writers;
        } else {
          auto held = co_await lock.hold_read().within(limit);
          if (!held) co_return;
          ++readers;
          EXPECT_EQ(writers, 0);
          --readers;
        }
        ++got;
      });
    }
    ASSERT_TRUE(eventually([&] { return begun == 8; }));
    crew.parties()[3].cancel();
    lock.release_write();
    crew.parties()[6].cancel();
    crew.join();
    ASSERT_TRUE(lock.try_acquire_write());
    lock.release_write();
  }
  EXPECT_GE(got, 20);  // the patient one that nobody stops, each time
}

// C006: nothing is left of those who waited when their loop has ended.
TEST(RWLockEnd, ItMayGoWhenNobodyWaits) {
  auto lock = std::make_unique<RWLock>();
  ASSERT_TRUE(lock->try_acquire_read());
  {
    EventLoop loop;
    const auto write = [&]() -> Task<> { co_await lock->acquire_write(); };
    const auto read = [&]() -> Task<> { co_await lock->acquire_read(); };
    for (int i = 0; i < 5; ++i) {
      spawn(loop, write);
      spawn(loop, read);
    }
    loop.run_ready();
    EXPECT_FALSE(lock->try_acquire_read());
  }
  EXPECT_TRUE(lock->try_acquire_read());
  lock.reset();
}

}  // namespace cohort::test
