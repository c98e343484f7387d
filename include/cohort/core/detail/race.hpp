// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Several awaitables of which one wins. An operation stands in its line under a wait that all
/// share, so exactly one of them is granted and the others have taken nothing. A task is a child
/// that claims the shared wait when it ends; the losers are stopped and awaited.

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>

#include "cohort/core/coroutine.hpp"  // Completion
#include "cohort/core/future.hpp"     // a Future races as an operation
#include "cohort/core/operation.hpp"  // Spec
#include "cohort/core/task.hpp"       // Task
#include "cohort/core/waiter.hpp"     // Wait

namespace cohort::inline v0::detail {

/// The wait that all legs share.
class Race : public Wait {
 public:
  explicit Race(Coroutine& parent) noexcept : parent_(parent), scope_(&parent.scope()) {}

  Coroutine& parent() noexcept { return parent_; }
  StopScope& scope() noexcept { return scope_; }

  void publish(Outcome outcome) noexcept final {
    if (decide(outcome) && settle()) parent_.post();
  }
  Wakeup nudge() noexcept final {
    if (!attend()) return {};
    return {[](void* self) noexcept {
              auto& race = *static_cast<Race*>(self);
              race.parent_.post(&race);
            },
            this};
  }

  /// A child begins, or has ended; yields who runs next.
  void child_begins() noexcept { open_.fetch_add(1, std::memory_order_relaxed); }
  Coroutine* child_ended(Context& context) noexcept {
    if (open_.fetch_sub(1, std::memory_order_acq_rel) != 1) return nullptr;
    return parent_.continue_from(context);
  }

 protected:
  ~Race() = default;

  /// Decided: the losers are stopped. True if no child is left to wait for.
  bool settle() noexcept {
    scope_.request_stop();
    return open_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  Coroutine& parent_;

 private:
  StopScope scope_;
  std::atomic<std::size_t> open_{1};  // children that have not ended, and the decision
};

/// An operation in a race.
template <class Spec>
class OperationLeg {
 public:
  using result_type = typename Spec::Result;
  OperationLeg(Race& race, Spec&& spec) : spec_(std::move(spec)), place_(race) {}

  bool try_now() { return won_ = spec_.try_now(place_); }
  void start(Context&) noexcept {
    armed_ = true;
    spec_.arm(place_);
  }
  void leave() noexcept {
    if constexpr (requires { spec_.put_back(place_); }) {
      if (!armed_ || won()) return;
      armed_ = false;
      if (leave_line(spec_, place_) == Outcome::granted) spec_.put_back(place_);
    } else {
      // Does nothing to the one that was granted.
      if (std::exchange(armed_, false)) spec_.disarm(place_);
    }
  }
  bool retry() noexcept { return armed_ && spec_.retry(place_); }
  bool won() const noexcept {
    if constexpr (requires(Spec & s, typename Spec::Place & p) { s.put_back(p); }) {
      if (!armed_) return won_;  // what it may have been granted after it lost was put back
    }
    if (won_ || place_.was_granted()) return true;
    if constexpr (is_timed<Spec> || requires { spec_.wake_at(); }) return place_.late;
    return false;
  }
  result_type result() { return spec_.result(place_); }

 private:
  Spec spec_;
  typename Spec::Place place_;
  bool armed_ = false;
  bool won_ = false;
};

/// A task in a race.
template <class T>
class TaskLeg final : private Completion {
 public:
  using result_type = T;
  TaskLeg(Race& race, Task<T>&& task) : race_(race), task_(std::move(task)) {}

  bool try_now() noexcept { return false; }
  void start(Context& context) {
    auto& coroutine = task_.release();
    coroutine.set_completion(*this);
    coroutine.set_slot(&slot_);
    coroutine.become_root(race_.scope());
    race_.child_begins();
    coroutine.make_ready();
    context.home->push(context, coroutine);
  }
  void leave() noexcept {}
  bool retry() noexcept { return false; }
  bool won() const noexcept { return won_; }
  T result() {
    if (error_) std::rethrow_exception(std::move(error_));
    return take<T>(slot_);
  }

 private:
  Coroutine* ended(Context& context) noexcept override {
    if (race_.claim()) {
      won_ = true;
      race_.publish(Outcome::granted);
    } else if (error_) {
      report_unobserved(error_);
    }
    return race_.child_ended(context);
  }
  void fail(std::exception_ptr error) noexcept override { error_ = std::move(error); }
  Above above() const noexcept override { return {&race_.parent(), false}; }

  Race& race_;
  Task<T> task_;
  std::exception_ptr error_;
  Slot<T> slot_;
  bool won_ = false;
};

/// What becomes of an awaitable in a race: anything that is no operation and no Future is a task.
template <class X>
struct LegOf {
  using type = TaskLeg<await_result_t<X>>;
  static auto make(X& x) { return as_task(std::move(x)); }
};
template <class Spec>
struct LegOf<Operation<Spec>> {
  using type = OperationLeg<Spec>;
  static Spec make(Operation<Spec>& operation) {
    return OperationAccess::take(std::move(operation));
  }
};
/// What is also an operation races as that. A named Future yields `const T&`, a temporary its T.
template <class X>
requires requires(X&& x) { std::forward<X>(x).operation(); }
auto racer(X&& x) { return std::forward<X>(x).operation(); }
template <class X>
std::decay_t<X> racer(X&& x) {
  return std::forward<X>(x);
}
template <class X>
using leg_t = typename LegOf<X>::type;

/// The awaiter over any collection of legs. `Legs` offers `each(fn)`, where `fn(leg)` yields true
/// to go on, and `result()`.
template <class Legs>
class RaceAwaiter final : private Race {
 public:
  template <class Source>
  RaceAwaiter(Coroutine& parent, Source& source) : Race(parent), legs_(*this, source) {}

  bool await_ready() {
    if (parent_.scope().stop_requested()) {
      decide(Outcome::cancelled);
      return true;
    }
    bool ready = false;
    legs_.each([&](auto& leg) { return !(ready = leg.try_now()); });
    if (ready) decide(Outcome::granted);
    return ready;
  }

  // Published by add and start; `leave` is the last touch when it yields true.
  COHORT_NOINLINE bool await_suspend(std::coroutine_handle<>) {
    Context& context = parent_.context();
    parent_.suspend_on(*context.home);
    set_listed();
    if (parent_.scope().add(*this)) {
      legs_.each([&](auto& leg) {
        leg.start(context);
        return outcome() == Outcome::waiting || outcome() == Outcome::claimed;
      });
    } else if (claim()) {
      decide(Outcome::cancelled);
    }
    if (leave() || !settle()) return true;
    parent_.enter(context);
    return false;
  }

  auto await_resume() {
    if (is_listed()) parent_.scope().remove(*this);
    legs_.each([](auto& leg) { return leg.leave(), true; });
    if (outcome() == Outcome::cancelled) throw Cancelled{};
    return legs_.result();
  }

 private:
  void on_stop() noexcept override {
    // await_resume takes the legs out of their lines; nobody can be granted from here on.
    if (claim()) publish(Outcome::cancelled);
  }
  bool on_resume(Coroutine&, Context& context) noexcept override {
    bool again = false;
    if (outcome() == Outcome::waiting) {
      legs_.each([&](auto& leg) { return again |= leg.retry(), true; });
    }
    if (again) {
      parent_.post_again(*context.home, *this);
      return false;
    }
    parent_.suspend_on(*context.home);
    if (leave()) return false;
    // Whoever nudged it sees to nobody else until it has left, and the tasks may take their time.
    legs_.each([](auto& leg) { return leg.leave(), true; });
    return settle();
  }

  Legs legs_;
};

}  // namespace cohort::inline v0::detail
