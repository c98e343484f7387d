// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Waiting for a condition: two waits, first for a notification and then for the lock, of which the
/// second is never given up. The first is an operation at the condition's gate; a coroutine, or a
/// loop on a thread, puts both together.

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

/// The lock of a condition, as seen by its waits.
struct ConditionLock {
  RecursiveLock::Semaphore* semaphore;
  RecursiveLock* recursive;  // null: a Lock, which belongs to nobody

  /// As far as anybody can know.
  bool held_by(const Owner& me) const noexcept {
    return recursive ? recursive->held_by(me) : semaphore->value() == 0;
  }
  /// Yields how many levels were given back.
  std::uint64_t release_all() noexcept {
    if (recursive) return recursive->release_all();
    semaphore->release(1, 1);
    return 1;
  }
  /// In the name of the owner: what a guard calls.
  void release() noexcept {
    recursive ? recursive->release() : static_cast<void>(semaphore->release(1, 1));
  }
};

/// Those who wait. A notification is for who stands in line; there is nothing else to serve.
struct ConditionLine {
  Gate gate;
  void serve(Gate::Line&) noexcept {}
};

/// From a lock that is held to the same lock, held again.
class ConditionTurn {
 public:
  ConditionTurn(ConditionLine& line, ConditionLock lock, Owner me, Limit limit) noexcept
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
  auto retake() {
    return Operation(AcquirePermit<RecursiveLock::Semaphore, Retake>{lock_.semaphore, {this}});
  }
  void throw_if_stopped() const {
    if (stopped_) throw Cancelled{};
  }

 private:
  struct Notification {
    using Result = void;
    struct Place : Waiter {
      using Waiter::Waiter;
    };
    ConditionTurn* turn;
    bool try_now(Place&) noexcept { return false; }
    void arm(Place& place) noexcept {
      turn->line_->gate.arm(*turn->line_, place);
      turn->levels_ = turn->lock_.release_all();
    }
    void disarm(Place& place) noexcept { turn->line_->gate.disarm(*turn->line_, place); }
    bool retry(Place&) noexcept { return false; }
    void result(Place&) noexcept {}
  };
  struct Retake {
    ConditionTurn* turn;
    void operator()() const noexcept {
      const auto levels = std::exchange(turn->levels_, 0);
      if (turn->lock_.recursive) turn->lock_.recursive->taken(turn->me_, levels);
    }
  };

  ConditionLine* line_;
  ConditionLock lock_;
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
  bool operator()(const ConditionTurn& turn) const noexcept { return turn.notified(); }
};
/// What `wait_for(predicate)` waits for.
template <class Predicate>
struct UntilTrue {
  Predicate predicate;
  bool operator()(const ConditionTurn&) { return static_cast<bool>(predicate()); }
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
template <class Predicate, class Result>
class [[nodiscard("a dropped wait does nothing: co_await it, or call block()")]] ConditionWait {
 public:
  using result_type = Result;
  ConditionWait(ConditionLine & line, ConditionLock lock, Owner me, Predicate predicate,
                Limit limit = {})
      : line_(&line), lock_(lock), me_(me), predicate_(std::move(predicate)), limit_(limit) {}

  Result block()&& { return std::move(*this).block(StopToken()); }
  Result block(const StopToken& stop)&& {
    sleep_for(Clock::duration::zero()).block(stop);  // throws UsageError, Cancelled
    ConditionTurn turn(*line_, lock_, me_, limit_);
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
  requires std::is_void_v<Result> ConditionWait<Predicate, bool> within(
      std::chrono::duration<Rep, Period> d) && {
    return limited(Limit::within(d));
  }
  template <class AnyClock, class Duration>
  requires std::is_void_v<Result> ConditionWait<Predicate, bool> until(
      std::chrono::time_point<AnyClock, Duration> t) && {
    return limited(Limit::until(t));
  }

  TaskAwaiter<Result> as_awaiter(Coroutine & self)&& {
    return TaskAwaiter<Result>(
        self, run(ConditionTurn(*line_, lock_, me_, limit_), std::move(predicate_)));
  }

 private:
  static Task<Result> run(ConditionTurn turn, Predicate predicate) {
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

  ConditionWait<Predicate, bool> limited(Limit limit) {
    return {*line_, lock_, me_, std::move(predicate_), limit};
  }

  ConditionLine* line_;
  ConditionLock lock_;
  Owner me_;
  Predicate predicate_;
  Limit limit_;
};

}  // namespace cohort::inline v0::detail
