// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Waiting for a condition: two waits, first for a notification and then for the lock, of which the
/// second is never given up. The first is an operation at the condition's gate; a coroutine, or a
/// loop on a thread, puts both together.

#include <cstdint>
#include <type_traits>
#include <utility>

#include "cohort/core/clock.hpp"                  // checkpoint, now
#include "cohort/core/deadline_task.hpp"          // shield
#include "cohort/core/gate.hpp"                   // the gate
#include "cohort/core/task.hpp"                   // Task
#include "cohort/core/timed.hpp"                  // Limit
#include "cohort/error.hpp"                       // UsageError
#include "cohort/sync/detail/recursive_lock.hpp"  // the lock

namespace cohort::inline v0::detail {

/// Those who wait. A notification is for who stands in line; there is nothing else to serve.
template <class G>
class BasicConditionLine {
 public:
  using Line = typename G::Line;
  using Waiter = typename G::Waiter;

  void arm(Waiter& waiter) noexcept { gate_.arm(*this, waiter); }
  auto disarm(Waiter& waiter) noexcept { return gate_.disarm(*this, waiter); }
  bool retry(Waiter&) noexcept { return false; }
  void serve_now() noexcept { gate_.serve(*this); }

  /// For the first n. Nobody waits for those who are woken.
  void notify(std::uint64_t n) noexcept {
    gate_.with(*this, [n](Line& line) {
      for (auto left = n; left > 0 && line.claim_front(); --left) line.grant_front();
    });
  }
  /// Some who waited have died.
  void bury() noexcept requires G::outlives_its_users {
    gate_.bury(*this, [](Line&) {});
  }
  /// One of them was notified and did not come to know it: another is.
  void pass_on(Waiter& waiter) noexcept requires G::outlives_its_users {
    gate_.with(*this, [&](Line& line) {
      if (waiter.is_left() && line.claim_front()) line.grant_front();
      waiter.revoke();
    });
  }

 private:
  friend G;
  void serve(Line&) noexcept {}
  void recover(Line&) noexcept {}
  G gate_;
};

/// The lock of a condition, as seen by its waits: one of the two.
struct ConditionLock {
  using Semaphore = ConditionLock;
  BasicSemaphore<Gate>* plain;  // a Lock, which belongs to nobody
  RecursiveLock* recursive;

  // How its waits stand in line for a notification.
  using Line = BasicConditionLine<Gate>;
  struct Place : detail::Waiter {
    using detail::Waiter::Waiter;
  };
  static void prepare(Place&, Line&) noexcept {}
  static void arm(Place& place, Line& line) noexcept { line.arm(place); }
  static void disarm(Place& place, Line& line) noexcept { line.disarm(place); }
  static bool retry(Place&) noexcept { return false; }

  // How they stand in line for the lock: it is the semaphore of either.
  using Waiter = BasicSemaphore<Gate>::Waiter;
  static_assert(std::is_same_v<Waiter, RecursiveLock::Semaphore::Waiter>);
  ConditionLock& semaphore() noexcept { return *this; }
  bool try_acquire() noexcept {
    return recursive ? recursive->semaphore().try_acquire() : plain->try_acquire();
  }
  void arm(Waiter& waiter) noexcept {
    recursive ? recursive->semaphore().arm(waiter) : plain->arm(waiter);
  }
  void disarm(Waiter& waiter) noexcept {
    recursive ? recursive->semaphore().disarm(waiter) : plain->disarm(waiter);
  }
  bool retry(Waiter& waiter) noexcept {
    return recursive ? recursive->semaphore().retry(waiter) : plain->retry(waiter);
  }

  /// The operation that takes it again, and calls `then`.
  template <class Then>
  auto take_again(Then then) {
    return Operation(AcquirePermit<ConditionLock, Then>{this, then});
  }
  bool enter_again(const Owner& me) const noexcept {
    return recursive && recursive->enter_again(me);
  }
  void taken(const Owner& me, std::uint64_t levels) const noexcept {
    if (recursive) recursive->taken(me, levels);
  }

  /// As far as anybody can know.
  bool held_by(const Owner& me) const noexcept {
    return recursive ? recursive->held_by(me) : plain->value() == 0;
  }
  /// Yields how many levels were given back.
  std::uint64_t release_all() noexcept {
    if (recursive) return recursive->release_all();
    plain->release(1, 1);
    return 1;
  }
  /// In the name of the owner: what a guard calls.
  void release() noexcept {
    recursive ? recursive->release() : static_cast<void>(plain->release(1, 1));
  }
};

/// From a lock that is held to the same lock, held again. `Lock` is as ConditionLock.
template <class Lock>
class ConditionTurn {
  using Line = typename Lock::Line;

 public:
  ConditionTurn(Line& line, Lock lock, Owner me, Limit limit) noexcept
      : line_(&line), lock_(lock), me_(me), limit_(limit) {}

  void begin(TimePoint now) {
    if (!lock_.held_by(me_)) {
      throw UsageError(
          "Condition::wait(): this task or thread does not hold the lock; write "
          "`auto held = co_await condition.hold();` before");
    }
    deadline_ = limit_.deadline(now);
  }

  /// Asks the predicate; true if there is something to wait for.
  template <class Predicate>
  bool goes_on(Predicate& predicate) {
    satisfied_ = predicate(*this);
    return !satisfied_ && !late_;
  }
  bool satisfied() const noexcept { return satisfied_; }
  bool notified() const noexcept { return notified_; }

  /// The first wait: yields whether a notification came in time. Lets go of the lock once it stands
  /// in line.
  auto notification() { return Operation(Notification{this}).until(deadline_); }
  void set_notified(bool notified) noexcept {
    notified_ = notified;
    late_ = !notified;
  }
  void set_stopped() noexcept { stopped_ = true; }

  /// The second one, if the first let go of the lock.
  bool let_go() const noexcept { return levels_ != 0; }
  auto retake() { return lock_.take_again(Retake{this}); }
  void throw_if_stopped() const {
    if (stopped_) throw Cancelled{};
  }

 private:
  struct Notification {
    using Result = void;
    using Place = typename Lock::Place;
    ConditionTurn* turn;
    bool try_now(Place& place) {
      Lock::prepare(place, *turn->line_);
      return false;
    }
    void arm(Place& place) noexcept {
      Lock::arm(place, *turn->line_);
      turn->levels_ = turn->lock_.release_all();
    }
    auto disarm(Place& place) noexcept { return Lock::disarm(place, *turn->line_); }
    bool retry(Place& place) noexcept { return Lock::retry(place); }
    void sleep(Place& place, TimePoint until) noexcept requires requires {
      Lock::sleep(place, until);
    }
    { Lock::sleep(place, until); }
    void result(Place&) noexcept {}
  };
  struct Retake {
    ConditionTurn* turn;
    void operator()() const noexcept {
      turn->lock_.taken(turn->me_, std::exchange(turn->levels_, 0));
    }
  };

  Line* line_;
  Lock lock_;
  Owner me_;
  Limit limit_;
  TimePoint deadline_{};
  std::uint64_t levels_ = 0;  // let go of, and to be taken again
  bool satisfied_ = false;
  bool notified_ = false;
  bool late_ = false;
  bool stopped_ = false;
};

/// What `wait()` waits for.
struct UntilNotified {
  template <class Turn>
  bool operator()(const Turn& turn) const noexcept {
    return turn.notified();
  }
};
/// What `wait_for(predicate)` waits for.
template <class Predicate>
struct UntilTrue {
  Predicate predicate;
  template <class Turn>
  bool operator()(const Turn&) {
    return static_cast<bool>(predicate());
  }
};

/// While it lives, a blocking wait does not hear that the task of its plain function was asked to
/// stop.
class DeafSection {
 public:
  DeafSection() noexcept
      : context_(current_context()),
        plain_(context_ ? std::exchange(context_->plain, nullptr) : nullptr) {}
  ~DeafSection() {
    if (context_) context_->plain = plain_;
  }
  DeafSection(const DeafSection&) = delete;
  DeafSection& operator=(const DeafSection&) = delete;

 private:
  Context* context_;
  Coroutine* plain_;
};

/// What `wait()` and `wait_for()` return; `Result` is bool once there is a time limit. An operation
/// in all but name: single use, `co_await`, `block`, `within`, `until`.
template <class Lock, class Predicate, class Result = void>
class [[nodiscard("a dropped wait does nothing: co_await it, or call block()")]] ConditionWait {
  using Turn = ConditionTurn<Lock>;
  using Line = typename Lock::Line;

 public:
  using result_type = Result;
  ConditionWait(Line & line, Lock lock, Owner me, Predicate predicate, Limit limit = {})
      : line_(&line), lock_(lock), me_(me), predicate_(std::move(predicate)), limit_(limit) {}

  Result block()&& { return std::move(*this).block(StopToken()); }
  Result block(const StopToken& stop)&& {
    sleep_for(Clock::duration::zero()).block(stop);  // throws UsageError, Cancelled
    Turn turn(*line_, lock_, me_, limit_);
    turn.begin(Clock::now());
    while (turn.goes_on(predicate_)) {
      try {
        turn.set_notified(turn.notification().block(stop));
      } catch (const Cancelled&) {
        turn.set_stopped();
      }
      if (turn.let_go()) {
        const DeafSection deaf;
        turn.retake().block();
      }
      turn.throw_if_stopped();
    }
    return Result(turn.satisfied());
  }

  template <class Rep, class Period>
  requires std::is_void_v<Result> ConditionWait<Lock, Predicate, bool> within(
      std::chrono::duration<Rep, Period> d) && {
    return limited(Limit::within(d));
  }
  template <class AnyClock, class Duration>
  requires std::is_void_v<Result> ConditionWait<Lock, Predicate, bool> until(
      std::chrono::time_point<AnyClock, Duration> t) && {
    return limited(Limit::until(t));
  }

  TaskAwaiter<Result> as_awaiter(Coroutine & self)&& {
    return TaskAwaiter<Result>(self, run(Turn(*line_, lock_, me_, limit_), std::move(predicate_)));
  }

 private:
  static Task<Result> run(Turn turn, Predicate predicate) {
    co_await checkpoint();
    turn.begin(now());
    while (turn.goes_on(predicate)) {
      try {
        const bool notified = co_await turn.notification();
        turn.set_notified(notified);
      } catch (const Cancelled&) {
        turn.set_stopped();
      }
      if (turn.let_go()) co_await shield(turn.retake());
      turn.throw_if_stopped();
    }
    if constexpr (!std::is_void_v<Result>) co_return turn.satisfied();
  }

  ConditionWait<Lock, Predicate, bool> limited(Limit limit) {
    return {*line_, lock_, me_, std::move(predicate_), limit};
  }

  Line* line_;
  Lock lock_;
  Owner me_;
  Predicate predicate_;
  Limit limit_;
};

}  // namespace cohort::inline v0::detail
