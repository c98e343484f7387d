// SPDX-License-Identifier: BSL-1.0
#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

#include <signal.h>
#include <unistd.h>

#include "cohort/ipc/event.hpp"
#include "cohort/ipc/lock.hpp"
#include "cohort/ipc/process.hpp"
#include "cohort/ipc/queue.hpp"
#include "cohort/ipc/semaphore.hpp"
#include "ipc/family.hpp"  // live_members
#include "support/flavours.hpp"

namespace cohort {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::live_members;

class Death : public testing::TestWithParam<StartMethod> {
 protected:
  ProcessOptions options() const { return ProcessOptions{.start_method = GetParam()}; }
};
INSTANTIATE_TEST_SUITE_P(All, Death,
                         testing::Values(StartMethod::fork, StartMethod::spawn,
                                         StartMethod::forkserver),
                         [](const auto& test) { return std::string(to_string(test.param)); });

void hold_for_ever(ipc::Lock lock, ipc::Event holds) {
  lock.acquire().block();
  holds.set();
  for (;;) pause();
}

// C070
TEST_P(Death, OfALocksHolderIsTold) {
  const ipc::Lock lock;
  const ipc::Event holds;
  Process p{options(), hold_for_ever, lock, holds};
  p.start();
  holds.wait().block();
  EXPECT_FALSE(lock.try_acquire());
  p.kill();
  EXPECT_THROW(lock.acquire().block(), OwnerDied);
  p.join().block();
  EXPECT_THROW((void)lock.try_acquire(), OwnerDied);
}

Task<> acquire_later(ipc::Lock lock, ipc::Semaphore ready) {
  ready.release();
  co_await lock.acquire();
}
void acquire_suspended(ipc::Lock lock, ipc::Semaphore ready) {
  try {
    run(acquire_later(lock, ready));
  } catch (const OwnerDied&) {
    throw ProcessExit{9};
  }
}
void acquire_blocked(ipc::Lock lock, ipc::Semaphore ready) {
  try {
    ready.release();
    lock.acquire().block();
  } catch (const OwnerDied&) {
    throw ProcessExit{9};
  }
}

// C070: not its parent only.
TEST_P(Death, OfALocksHolderIsToldToItsSiblings) {
  const ipc::Lock lock;
  const ipc::Event holds;
  const ipc::Semaphore ready{0};
  Process holder{options(), hold_for_ever, lock, holds};
  holder.start();
  holds.wait().block();
  Process blocked{options(), acquire_blocked, lock, ready};
  Process suspended{options(), acquire_suspended, lock, ready};
  blocked.start();
  suspended.start();
  ready.acquire().block();
  ready.acquire().block();
  holder.kill();
  blocked.join().block();
  suspended.join().block();
  EXPECT_EQ(blocked.exitcode(), 9);
  EXPECT_EQ(suspended.exitcode(), 9);
}

// The parent of all dies, and its children are left to watch each other.
TEST_P(Death, OfOneOrphanIsToldToAnother) {
  const ipc::Lock lock;
  const ipc::Event holds;
  const ipc::Semaphore ready{0};
  const ipc::Queue<int> pids;
  const ipc::Event told;
  Process father{options(),
                 [](ipc::Lock l, ipc::Event h, ipc::Semaphore r, ipc::Queue<int> p, ipc::Event t) {
                   Process holder{[](ipc::Lock lo, ipc::Event ho, ipc::Queue<int> pi) {
                                    pi.put(getpid()).block();
                                    hold_for_ever(lo, ho);
                                  },
                                  l, h, p};
                   Process waiter{[](ipc::Lock lo, ipc::Semaphore re, ipc::Event to) {
                                    try {
                                      re.release();
                                      lo.acquire().block();
                                    } catch (const OwnerDied&) {
                                      to.set();
                                    }
                                  },
                                  l, r, t};
                   holder.start();
                   h.wait().block();
                   waiter.start();
                   for (;;) pause();
                 },
                 lock,
                 holds,
                 ready,
                 pids,
                 told};
  father.start();
  const int holder = pids.get().block();
  ready.acquire().block();
  father.kill();
  father.join().block();
  EXPECT_EQ(kill(holder, SIGKILL), 0);
  EXPECT_TRUE(told.wait().within(1min).block());
}

// "Semaphore permits taken through hold() come back when their holder's process ends"
TEST_P(Death, OfASemaphoresHolderGivesItsPermitBack) {
  const ipc::Semaphore semaphore{1};
  const ipc::Event holds;
  Process p{options(),
            [](ipc::Semaphore s, ipc::Event h) {
              const auto held = s.hold().block();
              h.set();
              for (;;) pause();
            },
            semaphore, holds};
  p.start();
  holds.wait().block();
  EXPECT_FALSE(semaphore.acquire().within(20ms).block());
  p.kill();
  EXPECT_TRUE(semaphore.acquire().within(1min).block());
}

// "a death is noticed within 50 ms"; here only that it is, many times, and that nothing is left.
TEST_P(Death, LeavesNothingBehind) {
  ipc::Queue<int> queue;
  // Whoever waits first in a member's slot leaves there what the next one uses.
  const auto blocks_of_others = [] {
    std::size_t n = ipc::detail::Heap::blocks_in_use();
    for (const auto& slot : ipc::detail::Family::get().header().members)
      n -= slot.wakes.load() != 0;
    return n;
  };
  ASSERT_TRUE(eventually([&] { return live_members() == 1; }));  // this process
  queue.put(0).block();
  EXPECT_EQ(queue.get().block(), 0);
  const auto blocks = blocks_of_others();
  for (int round = 0; round < 5; ++round) {
    Process p{options(),
              [](ipc::Queue<int> q) {
                const ipc::Lock own;
                q.put(1).block();
                own.acquire().block();
                const ipc::Event never;
                never.wait().block();
              },
              queue};
    p.start();
    EXPECT_EQ(queue.get().block(), 1);
    p.kill();
    p.join().block();
  }
  EXPECT_TRUE(eventually([&] { return live_members() == 1; })) << live_members();
  EXPECT_TRUE(eventually([&] { return blocks_of_others() == blocks; }))
      << blocks_of_others() << " instead of " << blocks;
}

// C053 C056: what is passed on is the same object.
TEST_P(Death, OfTheGiverLeavesWhatWasGiven) {
  const ipc::Queue<int> queue;
  const ipc::Event go;
  Process p{options(),
            [](ipc::Queue<int> q, ipc::Event g) {
              ipc::Queue<std::string> own;
              own.put("kept").block();
              Process child{[](ipc::Queue<int> to, ipc::Queue<std::string> from, ipc::Event when) {
                              when.wait().block();
                              to.put(from.get().block() == "kept" ? 7 : 8).block();
                            },
                            q, own, g};
              child.start();
              child.detach();
              _exit(0);
            },
            queue, go};
  p.start();
  p.join().block();
  go.set();
  EXPECT_EQ(queue.get().block(), 7);
}

// Without descriptors of processes a death is seen by looking.
TEST(DeathOfAny, IsSeenWithoutDescriptorsOfProcesses) {
  os::without_process_descriptors = true;
  const ipc::Lock lock;
  const ipc::Event holds;
  const ipc::Semaphore ready{0};
  const ProcessOptions options{.start_method = StartMethod::fork};
  Process holder{options, hold_for_ever, lock, holds};
  holder.start();
  holds.wait().block();
  Process blocked{options, acquire_blocked, lock, ready};
  blocked.start();
  ready.acquire().block();
  holder.kill();
  blocked.join().block();
  EXPECT_EQ(blocked.exitcode(), 9);
  os::without_process_descriptors = false;
}

}  // namespace
}  // namespace cohort

#endif  // processes
