// SPDX-License-Identifier: BSL-1.0
// A process dies after any instruction of an operation on something shared. Whoever lives goes on;
// nothing is lost but what docs/crash-contracts.md allows, nothing is there twice, nothing has two
// owners, and every block of the shared memory is accounted for.
#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cohort/ipc.hpp"        // under test
#include "steps/stepping.hpp"    // kill_after_each_instruction
#include "support/flavours.hpp"  // Crew

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

/// From then on a release hands over instead of telling the first in line to try again. Not for luck:
/// that is so once a millisecond has passed since they came into line, and this is not shorter.
void let_them_lose_patience() { std::this_thread::sleep_for(2ms); }

// ---- Lock

/// A lock, and survivors that want it, each once.
class LockScenario {
 public:
  void line_up() {}
  void help() {}

 protected:
  explicit LockScenario(Flavour survivors) : crew_(survivors) {}

  /// Ends when it has had the lock, or was told that an owner has died.
  void start_survivor() {
    crew_.line_up([this](auto how) -> Script<decltype(how)> {
      bool refused = false;
      try {
        co_await watched(lock_.acquire(), crew_.in_line);
      } catch (const OwnerDied&) {
        refused = true;
      }
      if (refused) {
        ++refused_;
      } else {
        use_lock();
      }
    });
  }
  void use_lock() {
    mistakes_ += inside_.exchange(true);
    std::this_thread::yield();
    inside_ = false;
    lock_.release();
  }
  /// All survivors end, and then one repairs the lock if it has to be. True: it had to be.
  bool repair() {
    crew_.join();
    bool died = false;
    try {
      EXPECT_TRUE(lock_.acquire().within(1min).block()) << "the lock is never free";
      EXPECT_EQ(refused_, 0);
    } catch (const OwnerDied&) {
      died = true;
      lock_.recover().block().release();
      EXPECT_TRUE(lock_.try_acquire());
    }
    EXPECT_FALSE(lock_.try_acquire());
    lock_.release();
    EXPECT_FALSE(lock_.locked());
    EXPECT_EQ(mistakes_, 0);
    return died;
  }

  const ipc::Lock lock_;
  std::atomic<int> refused_{0}, mistakes_{0};
  std::atomic<bool> inside_{false};
  Survivors crew_;  // last: it ends first
};

struct AcquiresFreeLock : LockScenario {
  explicit AcquiresFreeLock(Flavour f) : LockScenario(f) {}
  void child() {
    static_cast<void>(lock_.locked());
    begin_steps();
    lock_.acquire().block();
  }
  void check(const Death& death) { EXPECT_TRUE(repair() || !death.ended); }
};
TEST(EachInstruction, OfAcquiringAFreeLock) { kill_after_each_instruction<AcquiresFreeLock>(); }

struct GivesUpAtALock : LockScenario {
  explicit GivesUpAtALock(Flavour f) : LockScenario(f) { lock_.acquire().block(); }
  void child() {
    static_cast<void>(lock_.locked());
    static_cast<void>(lock_.acquire().within(0s).block());  // its threads are there
    begin_steps();
    static_cast<void>(lock_.acquire().within(0s).block());
  }
  void line_up() { start_survivor(); }
  void check(const Death&) {
    EXPECT_EQ(refused_, 0);
    lock_.release();
    EXPECT_FALSE(repair());
  }
};
TEST(EachInstruction, OfTryingALockInVain) { kill_after_each_instruction<GivesUpAtALock>(4); }

struct StandsInLineForALock : LockScenario {
  explicit StandsInLineForALock(Flavour f) : LockScenario(f) { lock_.acquire().block(); }
  void child() { stepped_in_line(lock_.acquire()).block(); }
  void line_up() { start_survivor(); }
  void help() {
    start_survivor();
    lock_.release();
    helped_ = true;
  }
  void check(const Death& death) {
    if (!helped_) lock_.release();
    EXPECT_TRUE(repair() || !death.ended);
  }
  bool helped_ = false;
};
TEST(EachInstruction, OfWaitingForALock) { kill_after_each_instruction<StandsInLineForALock>(); }

struct LeavesTheLineOfALock : LockScenario {
  explicit LeavesTheLineOfALock(Flavour f) : LockScenario(f) { lock_.acquire().block(); }
  void child() { static_cast<void>(stepped_in_line(lock_.acquire()).within(50ms).block()); }
  void line_up() { start_survivor(); }
  void check(const Death&) {
    start_survivor();
    lock_.release();
    EXPECT_FALSE(repair());
  }
};
TEST(EachInstruction, OfLeavingTheLineOfALock) {
  kill_after_each_instruction<LeavesTheLineOfALock>();
}

struct ReleasesLock : LockScenario {
  explicit ReleasesLock(Flavour f) : LockScenario(f) {}
  void child() {
    lock_.acquire().block();
    begin_steps();
    lock_.release();
  }
  void check(const Death& death) { EXPECT_FALSE(repair() && death.ended); }
};
TEST(EachInstruction, OfReleasingALock) { kill_after_each_instruction<ReleasesLock>(); }

struct TellsTheFirstInLine : ReleasesLock {
  using ReleasesLock::ReleasesLock;
  void line_up() {
    start_survivor();
    start_survivor();
  }
};
TEST(EachInstruction, OfReleasingALockAndTellingTheFirstInLine) {
  kill_after_each_instruction<TellsTheFirstInLine>();
}

struct HandsOverLock : TellsTheFirstInLine {
  using TellsTheFirstInLine::TellsTheFirstInLine;
  void line_up() {
    TellsTheFirstInLine::line_up();
    let_them_lose_patience();
  }
};
TEST(EachInstruction, OfHandingOverALock) { kill_after_each_instruction<HandsOverLock>(); }

/// Those who give up only say so: whoever comes by takes them out of the line.
struct ReleasesDesertedLock : ReleasesLock {
  using ReleasesLock::ReleasesLock;
  void line_up() {
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(lock_.acquire().within(1ms).block());
  }
};
TEST(EachInstruction, OfReleasingALockWhoseWaitersHaveLeft) {
  kill_after_each_instruction<ReleasesDesertedLock>();
}

/// Of those who stand behind somebody: he takes them out, with himself, when he gives up.
struct LeavesTheLineBeforeDeserters : LeavesTheLineOfALock {
  using LeavesTheLineOfALock::LeavesTheLineOfALock;
  void line_up() {}
  void help() {
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(lock_.acquire().within(1ms).block());
  }
};
TEST(EachInstruction, OfLeavingTheLineOfALockBeforeThoseWhoHaveLeft) {
  kill_after_each_instruction<LeavesTheLineBeforeDeserters>();
}

/// The second death: of the one who repairs.
struct RepairsLock : LockScenario {
  explicit RepairsLock(Flavour f) : LockScenario(f) {
    Child holder([this] {
      lock_.acquire().block();
      ::pause();
    });
    await([this] { return lock_.locked(); });
    holder.kill();
  }
  void child() {
    static_cast<void>(lock_.locked());
    begin_steps();
    auto held = lock_.recover().block();
    held.release();
  }
  void check(const Death& death) { EXPECT_FALSE(repair() && death.ended); }
};
TEST(EachInstruction, OfRepairingALock) { kill_after_each_instruction<RepairsLock>(); }

// ---- Semaphore

class SemaphoreScenario {
 public:
  void line_up() {}
  void help() {}

 protected:
  SemaphoreScenario(Flavour survivors, int permits) : semaphore_(permits), crew_(survivors) {}

  /// Takes one for a while.
  void start_holder() {
    crew_.line_up([this](auto how) -> Script<decltype(how)> {
      auto held = co_await watched(semaphore_.hold(), crew_.in_line);
    });
  }
  /// Takes one for good.
  void start_taker() {
    crew_.line_up([this](auto how) -> Script<decltype(how)> {
      co_await watched(semaphore_.acquire(), crew_.in_line);
    });
  }

  const ipc::Semaphore semaphore_;
  Survivors crew_;
};

struct HoldsFreePermit : SemaphoreScenario {
  explicit HoldsFreePermit(Flavour f) : SemaphoreScenario(f, 2) {}
  void child() {
    static_cast<void>(semaphore_.value());
    begin_steps();
    auto held = semaphore_.hold().block();
    step_marks().ended = true;
    ::pause();
  }
  void check(const Death&) { EXPECT_EQ(semaphore_.value(), 2U); }
};
TEST(EachInstruction, OfHoldingAFreePermit) { kill_after_each_instruction<HoldsFreePermit>(); }

struct TakesFreePermit : SemaphoreScenario {
  explicit TakesFreePermit(Flavour f) : SemaphoreScenario(f, 2) {}
  void child() {
    static_cast<void>(semaphore_.value());
    begin_steps();
    semaphore_.acquire().block();
  }
  void check(const Death& death) {
    EXPECT_LE(semaphore_.value(), death.ended ? 1U : 2U);
    EXPECT_GE(semaphore_.value(), 1U);
  }
};
TEST(EachInstruction, OfTakingAFreePermit) { kill_after_each_instruction<TakesFreePermit>(); }

struct GivesBackPermit : SemaphoreScenario {
  explicit GivesBackPermit(Flavour f) : SemaphoreScenario(f, 1) {}
  void child() {
    auto held = semaphore_.hold().block();
    begin_steps();
    held.release();
  }
  void line_up() {
    start_holder();
    start_holder();
  }
  void check(const Death&) {
    crew_.join();
    EXPECT_EQ(semaphore_.value(), 1U);
  }
};
TEST(EachInstruction, OfGivingAHeldPermitBackToThoseInLine) {
  kill_after_each_instruction<GivesBackPermit>();
}

struct StandsInLineToHold : SemaphoreScenario {
  explicit StandsInLineToHold(Flavour f) : SemaphoreScenario(f, 0) {}
  void child() {
    auto held = stepped_in_line(semaphore_.hold()).block();
    step_marks().ended = true;
    ::pause();
  }
  void line_up() { start_holder(); }
  void help() {
    helped_ = true;
    start_holder();
    semaphore_.release();
  }
  void check(const Death&) {
    if (!helped_) semaphore_.release();
    crew_.join();
    EXPECT_EQ(semaphore_.value(), 1U);
  }
  bool helped_ = false;
};
TEST(EachInstruction, OfWaitingToHoldAPermit) { kill_after_each_instruction<StandsInLineToHold>(); }

struct StandsInLineToTake : SemaphoreScenario {
  explicit StandsInLineToTake(Flavour f) : SemaphoreScenario(f, 0) {}
  void child() { stepped_in_line(semaphore_.acquire()).block(); }
  void help() {
    helped_ = true;
    semaphore_.release();
  }
  void check(const Death& death) {
    if (!helped_) semaphore_.release();
    EXPECT_LE(semaphore_.value(), death.ended ? 0U : 1U);
    EXPECT_GE(semaphore_.value(), death.helped ? 0U : 1U);
  }
  bool helped_ = false;
};
TEST(EachInstruction, OfWaitingToTakeAPermit) { kill_after_each_instruction<StandsInLineToTake>(); }

struct ReleasesTokens : SemaphoreScenario {
  explicit ReleasesTokens(Flavour f) : SemaphoreScenario(f, 0) {}
  void child() {
    static_cast<void>(semaphore_.value());
    begin_steps();
    semaphore_.release();
  }
  void line_up() { start_taker(); }
  void check(const Death& death) {
    semaphore_.release();  // for the survivor if the child has not
    crew_.join();
    EXPECT_LE(semaphore_.value(), 1U);
    EXPECT_GE(semaphore_.value(), death.ended ? 1U : 0U);
  }
};
TEST(EachInstruction, OfReleasingATokenAndTellingTheFirstInLine) {
  kill_after_each_instruction<ReleasesTokens>();
}

struct HandsOverToken : ReleasesTokens {
  using ReleasesTokens::ReleasesTokens;
  void line_up() {
    ReleasesTokens::line_up();
    let_them_lose_patience();
  }
};
TEST(EachInstruction, OfHandingOverAToken) { kill_after_each_instruction<HandsOverToken>(); }

/// A wait for a permit that is given one just when it leaves the line, as something else came first;
/// the steps begin when it puts that back.
template <class Spec>
struct GrantedTooLate : WatchedSpec<Spec> {
  auto disarm(typename Spec::Place& place) noexcept {
    this->spec.object->machine.release(1, ipc::Semaphore::max);
    this->spec.object->machine.serve_now();
    return this->spec.disarm(place);
  }
  void put_back(typename Spec::Place& place) noexcept {
    begin_steps();
    this->spec.put_back(place);
  }
};
template <class Spec>
Operation<GrantedTooLate<Spec>> granted_too_late(Operation<Spec> operation, std::atomic<int>& n) {
  return Operation(GrantedTooLate<Spec>{{detail::OperationAccess::take(std::move(operation)), &n}});
}
struct PutsPermitBack : SemaphoreScenario {
  explicit PutsPermitBack(Flavour f) : SemaphoreScenario(f, 0) {}
  void child() { run(race()); }
  Task<> race() {
    // Whenever the first has come, the other is about to leave the line: no matter how long it takes.
    const auto won =
        co_await select(sleep_for(1ms), granted_too_late(semaphore_.acquire(), crew_.in_line));
    step_marks().result = won.index() == 0;
  }
  void check(const Death& death) {
    EXPECT_EQ(semaphore_.value(), 1U);
    EXPECT_GE(step_marks().result, static_cast<long>(death.ended));
  }
};
TEST(EachInstruction, OfGivingAPermitBackThatCameTooLate) {
  kill_after_each_instruction<PutsPermitBack>(4);
}

// ---- Event

class EventScenario {
 public:
  void help() {}

 protected:
  explicit EventScenario(Flavour survivors) : crew_(survivors) {}
  void start_survivor() {
    crew_.line_up([this](auto how) -> Script<decltype(how)> {
      co_await watched(event_.wait(), crew_.in_line);
    });
  }

  const ipc::Event event_;
  Survivors crew_;
};

struct SetsEvent : EventScenario {
  explicit SetsEvent(Flavour f) : EventScenario(f) {}
  void child() {
    static_cast<void>(event_.is_set());
    begin_steps();
    event_.set();
  }
  void line_up() {
    for (int i = 0; i < 3; ++i) start_survivor();
  }
  void check(const Death& death) {
    EXPECT_TRUE(event_.is_set() || !death.ended);
    if (!event_.is_set()) event_.set();  // who has set it, has told all
    crew_.join();
  }
};
TEST(EachInstruction, OfSettingAnEvent) { kill_after_each_instruction<SetsEvent>(); }

struct SetsAndClearsEvent : SetsEvent {
  using SetsEvent::SetsEvent;
  void child() {
    static_cast<void>(event_.is_set());
    begin_steps();
    event_.set();
    event_.clear();
  }
  void check(const Death& death) {
    if (death.ended) {
      crew_.join();  // they were told though it is clear now
      EXPECT_FALSE(event_.is_set());
    }
    event_.set();
    crew_.join();
  }
};
TEST(EachInstruction, OfAPulseOfAnEvent) { kill_after_each_instruction<SetsAndClearsEvent>(); }

struct WaitsForEvent : EventScenario {
  explicit WaitsForEvent(Flavour f) : EventScenario(f) {}
  void child() { stepped_in_line(event_.wait()).block(); }
  void line_up() { start_survivor(); }
  void help() {
    start_survivor();
    event_.set();
  }
  void check(const Death&) {
    event_.set();
    crew_.join();
  }
};
TEST(EachInstruction, OfWaitingForAnEvent) { kill_after_each_instruction<WaitsForEvent>(); }

// ---- queues and channels

using Items = std::vector<long>;
void expect_one_of(const Items& found, const Items& this_one, const Items& or_that) {
  EXPECT_TRUE(found == this_one || found == or_that) << testing::PrintToString(found);
}

/// Whatever policy: it must hold as well where what a dead consumer had is delivered again.
template <ipc::OnConsumerDeath policy, class Q = ipc::Queue<long>>
class QueueScenario {
 public:
  void line_up() {}
  void help() {}

 protected:
  static constexpr bool again = policy == ipc::OnConsumerDeath::redeliver;

  QueueScenario(Flavour survivors, int maxsize, const Items& items)
      : queue_(maxsize, policy), crew_(survivors) {
    for (const long item : items) queue_.put(item).block();
  }
  void start_putter(long item) {
    crew_.line_up([this, item](auto how) -> Script<decltype(how)> {
      co_await watched(queue_.put(item), crew_.in_line);
    });
  }
  void start_getter() {
    crew_.line_up([this](auto how) -> Script<decltype(how)> {
      const long item = co_await watched(queue_.get(), crew_.in_line);
      got_.add(item);
    });
  }
  void get() {
    const auto item = queue_.get().within(1min).block();
    ASSERT_TRUE(item) << "an item is lost";
    got_.add(*item);
  }
  /// Everybody ends; what was got by those who live, and what is there.
  Items rest() {
    crew_.join();
    const auto size = queue_.qsize();
    std::size_t count = 0;
    for (; const auto item = queue_.try_get(); ++count) got_.add(*item);
    EXPECT_EQ(count, size);
    EXPECT_FALSE(queue_.full());
    return got_.entries();
  }

  const Q queue_;
  Log<long> got_;
  Survivors crew_;
};
constexpr auto drop = ipc::OnConsumerDeath::drop;
constexpr auto redeliver = ipc::OnConsumerDeath::redeliver;

template <ipc::OnConsumerDeath policy>
struct PutsItem : QueueScenario<policy> {
  // What is got, and freed, must not come back.
  explicit PutsItem(Flavour f) : QueueScenario<policy>(f, 4, {1, 2}) { this->get(); }
  void child() {
    static_cast<void>(this->queue_.qsize());
    begin_steps();
    this->queue_.put(3).block();
  }
  void check(const Death& death) {
    const Items with{1, 2, 3}, without{1, 2};
    expect_one_of(this->rest(), with, death.ended ? with : without);
  }
};
TEST(EachInstruction, OfPuttingAnItem) { kill_after_each_instruction<PutsItem<drop>>(); }
TEST(EachInstruction, OfPuttingAnItemIntoAQueueThatDeliversAgain) {
  kill_after_each_instruction<PutsItem<redeliver>>();
}

template <ipc::OnConsumerDeath policy>
struct PutsForWaiting : QueueScenario<policy> {
  explicit PutsForWaiting(Flavour f) : QueueScenario<policy>(f, 4, {}) {}
  void child() {
    static_cast<void>(this->queue_.qsize());
    begin_steps();
    this->queue_.put(3).block();
  }
  void line_up() {
    this->start_getter();
    this->start_getter();
  }
  void check(const Death& death) {
    this->queue_.put(4).block();
    this->queue_.put(5).block();
    Items found = this->rest();
    std::sort(found.begin(), found.end());
    const Items with{3, 4, 5}, without{4, 5};
    expect_one_of(found, with, death.ended ? with : without);
  }
};
TEST(EachInstruction, OfPuttingAnItemForOneWhoWaits) {
  kill_after_each_instruction<PutsForWaiting<drop>>();
}

struct WaitsForRoom : QueueScenario<drop> {
  explicit WaitsForRoom(Flavour f) : QueueScenario(f, 2, {1, 2}) {}
  void child() { stepped_in_line(queue_.put(4)).block(); }
  void line_up() { start_putter(3); }
  void help() {
    helped_ = true;
    get();
    get();
  }
  void check(const Death& death) {
    if (!helped_) help();
    const Items with{1, 2, 3, 4}, without{1, 2, 3};
    expect_one_of(rest(), with, death.ended ? with : without);
  }
  bool helped_ = false;
};
TEST(EachInstruction, OfWaitingForRoom) { kill_after_each_instruction<WaitsForRoom>(); }

template <ipc::OnConsumerDeath policy>
struct GetsItem : QueueScenario<policy> {
  explicit GetsItem(Flavour f) : QueueScenario<policy>(f, 4, {1, 2, 3}) {}
  void child() {
    static_cast<void>(this->queue_.qsize());
    begin_steps();
    step_marks().result = this->queue_.get().block();
  }
  void check(const Death&) {
    const Items with{1, 2, 3}, without{2, 3};
    expect_one_of(this->rest(), without, step_marks().result ? without : with);
  }
};
TEST(EachInstruction, OfGettingAnItem) { kill_after_each_instruction<GetsItem<drop>>(); }
TEST(EachInstruction, OfGettingAnItemThatIsDeliveredAgain) {
  kill_after_each_instruction<GetsItem<redeliver>>();
}

template <ipc::OnConsumerDeath policy>
struct GetsFromFull : QueueScenario<policy> {
  explicit GetsFromFull(Flavour f) : QueueScenario<policy>(f, 2, {1, 2}) {}
  void child() {
    static_cast<void>(this->queue_.qsize());
    begin_steps();
    step_marks().result = this->queue_.get().block();
  }
  void line_up() {
    this->start_putter(3);
    this->start_putter(4);
  }
  void check(const Death&) {
    for (int i = 0; i < 3; ++i) this->get();
    const Items with{1, 2, 3, 4}, without{2, 3, 4};
    expect_one_of(this->rest(), without, step_marks().result ? without : with);
  }
};
TEST(EachInstruction, OfGettingAnItemFromAFullQueue) {
  kill_after_each_instruction<GetsFromFull<drop>>();
}

template <ipc::OnConsumerDeath policy>
struct WaitsForItem : QueueScenario<policy> {
  explicit WaitsForItem(Flavour f) : QueueScenario<policy>(f, 4, {}) {}
  void child() { step_marks().result = stepped_in_line(this->queue_.get()).block(); }
  void line_up() { this->start_getter(); }
  void help() {
    helped_ = true;
    for (const long item : {1, 2, 3}) this->queue_.put(item).block();
  }
  void check(const Death&) {
    if (!helped_) help();
    const Items with{1, 2, 3}, without{1, 3};
    expect_one_of(this->rest(), without, step_marks().result ? without : with);
  }
  bool helped_ = false;
};
TEST(EachInstruction, OfWaitingForAnItem) { kill_after_each_instruction<WaitsForItem<drop>>(); }
TEST(EachInstruction, OfWaitingForAnItemThatIsDeliveredAgain) {
  kill_after_each_instruction<WaitsForItem<redeliver>>();
}

/// It is the queue's until it is done, and then not any more.
struct IsDone : QueueScenario<redeliver, ipc::JoinableQueue<long>> {
  explicit IsDone(Flavour f) : QueueScenario(f, 4, {1}) {}
  void child() {
    queue_.get().block();
    begin_steps();
    queue_.task_done();
  }
  void line_up() {
    crew_.line_up([this](auto how) -> Script<decltype(how)> {
      co_await watched(queue_.join(), crew_.in_line);
    });
  }
  void check(const Death& death) {
    if (const auto item = queue_.try_get()) {
      EXPECT_EQ(*item, 1);
      EXPECT_FALSE(death.ended);
      queue_.task_done();
    }
    EXPECT_EQ(queue_.unfinished(), 0U);
    if (queue_.unfinished() != 0) queue_.task_done();
    crew_.join();
  }
};
TEST(EachInstruction, OfHavingDoneAnItemThatIsDeliveredAgain) {
  kill_after_each_instruction<IsDone>();
}

class ChannelScenario {
 public:
  void line_up() {}
  void help() {}

 protected:
  ChannelScenario(Flavour survivors, int capacity)
      : ChannelScenario(survivors, ipc::channel<long>(capacity)) {}

  void start_sender(Items items) {
    crew_.line_up([this, items = std::move(items)](auto how) -> Script<decltype(how)> {
      co_await watched(tx_.send_many(items), crew_.in_line);
    });
  }
  void start_receiver() {
    crew_.line_up([this](auto how) -> Script<decltype(how)> {
      const std::optional<long> item = co_await watched(rx_.recv(), crew_.in_line);
      if (item) {
        got_.add(*item);
      } else {
        ++ends_;
      }
    });
  }
  void receive(int n) {
    for (int i = 0; i < n; ++i) {
      const auto item = rx_.recv().within(1min).block();
      ASSERT_TRUE(item.has_value()) << "an item is lost";
      got_.add(*item);
    }
  }
  Items rest() {
    crew_.join();
    for (const std::size_t n = rx_.size(); const auto item = rx_.try_recv();) {
      EXPECT_GT(n, 0U);
      got_.add(*item);
    }
    EXPECT_EQ(rx_.size(), 0U);
    return got_.entries();
  }

 private:
  ChannelScenario(Flavour survivors, ipc::Channel<long> channel)
      : tx_(std::move(channel.tx)), rx_(std::move(channel.rx)), crew_(survivors) {}

 protected:
  ipc::Sender<long> tx_;
  ipc::Receiver<long> rx_;
  Log<long> got_;
  std::atomic<int> ends_{0};
  Survivors crew_;
};

template <int capacity>
struct ReceivesOfMany : ChannelScenario {
  explicit ReceivesOfMany(Flavour f) : ChannelScenario(f, capacity) {}
  void child() {
    static_cast<void>(rx_.size());
    begin_steps();
    step_marks().result = rx_.recv().block().value_or(-1);
  }
  void line_up() { start_sender({1, 2, 3, 4, 5}); }
  void check(const Death&) {
    receive(4);
    await([this] {  // that many are buffered, or have to be received before the sender ends
      if (const auto item = rx_.try_recv()) got_.add(*item);
      return crew_.parties().front().ended();
    });
    const Items with{1, 2, 3, 4, 5}, without{2, 3, 4, 5};
    expect_one_of(rest(), without, step_marks().result ? without : with);
  }
};
TEST(EachInstruction, OfReceivingWhileSeveralWaitToBeSent) {
  kill_after_each_instruction<ReceivesOfMany<2>>();
}
TEST(EachInstruction, OfReceivingFromSendersThatWaitToMeetSomebody) {
  kill_after_each_instruction<ReceivesOfMany<0>>();
}

/// The last sender of all.
struct SendsAndDies : ChannelScenario {
  explicit SendsAndDies(Flavour f) : ChannelScenario(f, 0) {}
  void child() {
    static_cast<void>(tx_.size());
    begin_steps();
    tx_.send(1).block();
    step_marks().result = 1;
    { [[maybe_unused]] const auto gone = std::move(tx_); }
  }
  void line_up() {
    start_receiver();
    start_receiver();
    [[maybe_unused]] const auto gone = std::move(tx_);
  }
  void check(const Death&) {
    crew_.join();
    EXPECT_EQ(got_.size() + static_cast<std::size_t>(ends_), 2U);
    EXPECT_LE(got_.size(), 1U);
    EXPECT_GE(got_.size(), static_cast<std::size_t>(step_marks().result));
  }
};
TEST(EachInstruction, OfTheLastSender) { kill_after_each_instruction<SendsAndDies>(); }

/// The last receiver of all.
struct ReceivesAndDies : ChannelScenario {
  explicit ReceivesAndDies(Flavour f) : ChannelScenario(f, 1) {}
  void child() {
    static_cast<void>(rx_.size());
    begin_steps();
    step_marks().result = rx_.recv().block().value_or(-1);
    { [[maybe_unused]] const auto gone = std::move(rx_); }
  }
  void line_up() {
    tx_.send(1).block();
    crew_.line_up([this](auto how) -> Script<decltype(how)> {
      try {
        co_await watched(tx_.send(2), crew_.in_line);
      } catch (const Closed&) {
        ++ends_;
      }
    });
    crew_.line_up([this](auto how) -> Script<decltype(how)> {
      try {
        co_await watched(tx_.send(3), crew_.in_line);
      } catch (const Closed&) {
        ++ends_;
      }
    });
    [[maybe_unused]] const auto gone = std::move(rx_);
  }
  void check(const Death&) {
    crew_.join();
    EXPECT_GE(ends_, 1);  // one may have been buffered
    EXPECT_THROW(tx_.send(4).block(), Closed);
  }
};
TEST(EachInstruction, OfTheLastReceiver) { kill_after_each_instruction<ReceivesAndDies>(4); }

// ---- the memory itself

struct MakesAndDropsObjects {
  explicit MakesAndDropsObjects(Flavour) {
    // What the blocks held that will be used again: a queue's length of nonsense.
    const ipc::Queue<std::string> queue;
    for (std::size_t size = 16; size < 6000; size += size / 3) {
      for (int i = 0; i < 3; ++i) queue.put(std::string(size, '\xff')).block();
    }
  }
  void child() {
    begin_steps();
    const ipc::Lock lock;
    const ipc::Semaphore semaphore{1};
    const ipc::Event event;
  }
  void line_up() {}
  void help() {}
  void check(const Death&) {}
};
TEST(EachInstruction, OfMakingAndDroppingObjects) {
  kill_after_each_instruction<MakesAndDropsObjects>(4);
}

struct MakesAndDropsAQueue : MakesAndDropsObjects {
  using MakesAndDropsObjects::MakesAndDropsObjects;
  void child() {
    begin_steps();
    const ipc::Queue<long> queue;
    queue.put(1).block();
    queue.put(2).block();
  }
};
TEST(EachInstruction, OfMakingAQueueAndDroppingItWithItsItems) {
  kill_after_each_instruction<MakesAndDropsAQueue>(4);
}

struct InheritsHandle {
  explicit InheritsHandle(Flavour) : lock_(std::in_place) {}
  void child() {
    begin_steps();
    static_cast<void>(lock_->locked());
    lock_.reset();
  }
  void line_up() {}
  void help() {}
  void check(const Death&) { EXPECT_TRUE(lock_->try_acquire()); }
  std::optional<ipc::Lock> lock_;
};
TEST(EachInstruction, OfTakingUpAnInheritedHandleAndDroppingIt) {
  kill_after_each_instruction<InheritsHandle>();
}

struct WaitsForTheFirstTime {
  explicit WaitsForTheFirstTime(Flavour) { lock_.acquire().block(); }
  void child() {
    static_cast<void>(lock_.locked());
    begin_steps();
    static_cast<void>(lock_.acquire().within(0s).block());
  }
  void line_up() {}
  void help() {}
  void check(const Death&) { lock_.release(); }
  const ipc::Lock lock_;
};
TEST(EachInstruction, OfAProcesssFirstWait) {
  kill_after_each_instruction<WaitsForTheFirstTime>(4);
}

// ---- two deaths

TEST(EachInstructionOfASweep, AfterALockWasHandedOver) {
  kill_whoever_sweeps_after<HandsOverLock>();
}
TEST(EachInstructionOfASweep, AfterWaitingForALock) {
  kill_whoever_sweeps_after<StandsInLineForALock>();
}
TEST(EachInstructionOfASweep, AfterAPermitWasGivenBack) {
  kill_whoever_sweeps_after<GivesBackPermit>();
}
TEST(EachInstructionOfASweep, AfterWaitingForAPermit) {
  kill_whoever_sweeps_after<StandsInLineToTake>();
}
TEST(EachInstructionOfASweep, AfterAnEventWasSet) { kill_whoever_sweeps_after<SetsEvent>(); }
TEST(EachInstructionOfASweep, AfterAnItemWasPut) {
  kill_whoever_sweeps_after<PutsForWaiting<drop>>();
}
TEST(EachInstructionOfASweep, AfterAnItemWasGot) {
  kill_whoever_sweeps_after<GetsFromFull<drop>>();
}
TEST(EachInstructionOfASweep, AfterAnItemWasGotThatIsDeliveredAgain) {
  kill_whoever_sweeps_after<WaitsForItem<redeliver>>();
}
TEST(EachInstructionOfASweep, AfterAnItemWasDone) { kill_whoever_sweeps_after<IsDone>(); }
TEST(EachInstructionOfASweep, AfterSeveralWereReceived) {
  kill_whoever_sweeps_after<ReceivesOfMany<2>>();
}
TEST(EachInstructionOfASweep, AfterTheLastReceiver) {
  kill_whoever_sweeps_after<ReceivesAndDies>();
}
TEST(EachInstructionOfASweep, AfterAQueueWasDropped) {
  kill_whoever_sweeps_after<MakesAndDropsAQueue>();
}

}  // namespace
}  // namespace cohort::test

#endif
