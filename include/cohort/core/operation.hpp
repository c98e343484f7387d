// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Operation: what every verb that may wait returns. `co_await`, `block`, `within`, `until` and
/// cancellation are derived here, once, from a Spec that a primitive writes:
///
///     struct Spec {                        // cheap to move; names the primitive and the arguments
///       using Result = …;
///       struct Place : Waiter { … };       // the place in line, and what is granted into it
///       bool try_now(Place&);              // take it if it can be had; true also for an error
///       void arm(Place&) noexcept;         // stand in line
///       void disarm(Place&) noexcept;      // leave the line: decided otherwise; or bool, true:
///                                          // too late, another process had granted it
///       bool retry(Place&) noexcept;       // nudged: serve the line; true: come again soon
///       Result result(Place&);             // after try_now or a grant; may throw
///     };
///
/// If it can be had without a place in line, try_now and result are overloaded for a Spec::AtOnce,
/// which then keeps what there is to keep, and a coroutine makes a Place only if that try is in vain.

#include <concepts>
#include <coroutine>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "cohort/core/coroutine.hpp"           // Coroutine, Context
#include "cohort/core/detail/spec.hpp"         // leave_line
#include "cohort/core/detail/timer_queue.hpp"  // TimerNode
#include "cohort/core/stop.hpp"                // StopToken
#include "cohort/core/timed.hpp"               // TimedForm, Limit
#include "cohort/core/waiter.hpp"              // CoroutineWait, ThreadWait
#include "cohort/error.hpp"                    // Cancelled, UsageError

namespace cohort::inline v0 {
namespace detail {

/// An operation that a coroutine awaits.
template <class Spec>
class Awaiting : public CoroutineWait {
  using AtOnce = typename AtOnceOf<Spec>::type;
  using Place = typename Spec::Place;
  static constexpr bool tries_at_once = !std::is_same_v<AtOnce, NotAtOnce>;

 public:
  COHORT_HOT Awaiting(Coroutine& self, Spec&& spec, bool shielded = false)
      : CoroutineWait(self, shielded), spec_(std::move(spec)), at_once_() {}
  COHORT_HOT ~Awaiting() {
    if (placed_) {
      place_.Place::~Place();
    } else {
      at_once_.~AtOnce();
    }
  }
  Awaiting(const Awaiting&) = delete;
  Awaiting& operator=(const Awaiting&) = delete;

  COHORT_HOT bool await_ready() {
    const bool stopped = !shielded_ && coroutine_->stop_requested();
    if constexpr (tries_at_once) {
      if (!stopped && spec_.try_now(at_once_)) [[likely]]
        return true;
    }
    return ready_in_place(stopped);
  }

  // Published to others by scope.add and arm; `leave` is the last touch when it yields true.
  COHORT_NOINLINE bool await_suspend(std::coroutine_handle<>) {
    Context& context = coroutine_->context();
    enlist(*context.home);
    if (leave()) return true;
    coroutine_->enter(context);
    return false;
  }

  COHORT_HOT typename Spec::Result await_resume() {
    if constexpr (tries_at_once) {
      if (!placed_) [[likely]]
        return spec_.result(at_once_);
    }
    end_wait();
    return spec_.result(place_);
  }

 protected:
  void enlist(Home& home) noexcept {
    coroutine_->suspend_on(home);
    if (!shielded_) {
      set_listed();
      if (!coroutine_->scope().add(*this)) {
        if (claim()) decide(Outcome::cancelled);
        return;
      }
    }
    spec_.arm(place_);
  }
  void delist() noexcept {
    if (is_listed()) coroutine_->scope().remove(*this);
  }

  Spec spec_;
  union {
    AtOnce at_once_;  // until placed_
    Place place_;
  };

 private:
  COHORT_NOINLINE bool ready_in_place(bool stopped) {
    at_once_.~AtOnce();
    ::new (static_cast<void*>(std::addressof(place_))) Place(*this);
    placed_ = true;
    if (!stopped && !spec_.try_now(place_)) return false;
    decide_alone(stopped ? Outcome::cancelled : Outcome::granted);
    return true;
  }

  COHORT_NOINLINE void end_wait() {
    delist();
    if (outcome() == Outcome::cancelled) throw Cancelled{};
  }

  void on_stop() noexcept final {
    if (begin_leaving()) publish(leave_line(spec_, place_));
  }

  bool on_resume(Coroutine&, Context& context) noexcept final {
    if (outcome() == Outcome::waiting && spec_.retry(place_)) {
      coroutine_->post_again(*context.home, *this);
      return false;
    }
    coroutine_->suspend_on(*context.home);
    return !leave();
  }
};

/// Any Spec with a time limit, as a Spec. A coroutine's deadline is a timer of its executor; a
/// blocked thread sleeps until `wake_at` and tries again.
template <class Spec>
struct TimedSpec {
  using Form = TimedForm<typename Spec::Result>;
  using Result = typename Form::type;

  class Place : public Spec::Place {
   public:
    using Spec::Place::Place;
    ~Place() { stop(); }
    void start(TimedSpec& owner, Home& home, TimePoint when) noexcept {
      timer_.spec = &owner;
      home_ = &home;
      home.add_timer(timer_, when);
    }
    void stop() noexcept {
      if (home_) std::exchange(home_, nullptr)->remove_timer(timer_);
    }
    bool late = false;

   private:
    struct Timer final : TimerNode {
      explicit Timer(Place& p) noexcept : place(p) {}
      void expire() noexcept override { spec->expire(place); }
      Place& place;
      TimedSpec* spec = nullptr;
    };
    Timer timer_{*this};
    Home* home_ = nullptr;
  };

  Spec spec;
  Limit limit;
  TimePoint deadline{};  // set by the first try

  bool try_now(Place& place) {
    if (spec.try_now(place)) return true;
    const TimePoint now = time();
    if (deadline == TimePoint{}) deadline = limit.deadline(now);
    place.late = limit.at_once() || deadline <= now;
    return place.late;
  }
  void arm(Place& place) noexcept {
    if (Home* const home = home_of_coroutine(); home && deadline != never) {
      place.start(*this, *home, deadline);
    }
    spec.arm(place);
  }
  auto disarm(Place& place) noexcept { return spec.disarm(place); }
  bool retry(Place& place) noexcept {
    if (deadline > time()) return spec.retry(place);
    expire(place);
    return false;
  }
  Result result(Place& place) {
    place.stop();
    if (place.late) return Form::late();
    return Form::in_time([&]() -> typename Spec::Result { return spec.result(place); });
  }
  TimePoint wake_at() const noexcept {
    if constexpr (requires { spec.wake_at(); }) {
      return spec.wake_at() < deadline ? spec.wake_at() : deadline;
    } else {
      return deadline;
    }
  }
  auto driver() const noexcept requires requires(Spec& s) { s.driver(); }
  { return spec.driver(); }
  void sleep(Place& place, TimePoint until) noexcept requires requires(Spec& s, Place& p) {
    s.sleep(p, TimePoint{});
  }
  { spec.sleep(place, until); }

 private:
  // The time is up: decided, by a value.
  void expire(Place& place) noexcept {
    if (!place.wait().begin_leaving()) return;
    place.late = leave_line(spec, place) == Outcome::cancelled;
    place.wait().publish(Outcome::granted);
  }
  static Home* home_of_coroutine() noexcept {
    const Context* const context = current_context();
    return context && context->current ? context->home : nullptr;
  }
  static TimePoint time() noexcept {
    const Home* const home = home_of_coroutine();
    return home ? home->now() : Clock::now();
  }
};

template <class Spec>
inline constexpr bool is_timed = false;
template <class Spec>
inline constexpr bool is_timed<TimedSpec<Spec>> = true;

/// A blocked thread's operation.
template <class Spec>
class Blocking final : private ThreadWait {
 public:
  Blocking(Spec& spec, StopScope* scope) : spec_(spec), scope_(scope) { refuse_in_coroutine(); }

  typename Spec::Result run() {
    if (current_context() && current_context()->plain) {
      task_scope_ = &current_context()->plain->scope();  // of a plain function on a pool
    }
    if ((scope_ && scope_->stop_requested()) || (task_scope_ && task_scope_->stop_requested())) {
      throw Cancelled{};
    }
    bool ready = spec_.try_now(place_);
    for (int i = 0; i < 100 && !ready; ++i) {
      RealAtomics::pause();
      ready = spec_.try_now(place_);
    }
    if (!ready && !wait()) throw Cancelled{};
    return spec_.result(place_);
  }

 private:
  static void refuse_in_coroutine() {
    if (const Context* context = current_context(); context && context->current) {
      throw UsageError(
          "block() inside a coroutine would stop everything else on this thread: write "
          "`co_await operation;` instead of `operation.block();`");
    }
  }

  // Sleeps until it is decided; false if by a stop.
  bool wait() noexcept {
    const BlockedSection blocked(current_context());
    const bool armed = !scope_ || scope_->add(*this);
    const bool task_armed = armed && (!task_scope_ || task_scope_->add(task_stop_));
    if (task_armed) {
      spec_.arm(place_);
      while (leave()) {
        sleep_or_drive();
        attend_again();  // a nudge from here on is seen, or not made
        while (spec_.retry(place_) && outcome() == Outcome::waiting) RealAtomics::relax(63);
      }
      if (task_scope_) task_scope_->remove(task_stop_);
    }
    if (armed && scope_) scope_->remove(*this);
    return task_armed && outcome() != Outcome::cancelled;
  }

  // A Spec may want to be tried again at some time; and what it waits for may need this thread: a
  // future of an executor without threads.
  void sleep_or_drive() {
    TimePoint until = never;
    if constexpr (requires { spec_.wake_at(); }) until = spec_.wake_at();
    if constexpr (requires { spec_.driver(); }) {
      if (Home* const driver = spec_.driver()) {
        const TimePoint soon = Clock::now() + std::chrono::milliseconds(1);
        const auto decided = [](const void* self) noexcept {
          return static_cast<const Blocking*>(self)->outcome() != Outcome::waiting;
        };
        driver->run_until(decided, this, until < soon ? until : soon);
        return;
      }
    }
    if constexpr (requires { spec_.sleep(place_, until); }) {
      spec_.sleep(place_, until);
    } else {
      sleep(until);
    }
  }

  void on_stop() noexcept override {
    if (begin_leaving()) publish(leave_line(spec_, place_));
  }

  // The second scope that can end the wait.
  struct TaskStop final : StopHook {
    explicit TaskStop(Blocking& w) noexcept : waiting(w) {}
    void on_stop() noexcept override { waiting.on_stop(); }
    Blocking& waiting;
  };

  Spec& spec_;
  StopScope* scope_;
  StopScope* task_scope_ = nullptr;
  TaskStop task_stop_{*this};
  typename Spec::Place place_{*this};
};

struct OperationAccess;

}  // namespace detail

template <class Spec>
class [[nodiscard("a dropped operation does nothing: co_await it, or call block()")]] Operation;

/// A wait that has not begun. Single use: `co_await` it in a coroutine or `block()` on a thread.
///
///     co_await queue.get();                      // a coroutine suspends
///     queue.get().block();                       // a thread blocks
///     co_await queue.get().within(3s);           // optional; for a void operation, bool
template <class Spec>
class Operation {
 public:
  using result_type = typename Spec::Result;
  COHORT_HOT explicit Operation(Spec spec) : spec_(std::move(spec)) {}

  /// Blocks the calling thread for ever. Throws UsageError inside a coroutine.
  result_type block() && { return wait(nullptr); }
  /// The same until stop is requested: then throws Cancelled, and nothing was taken.
  result_type block(const StopToken& stop) && { return wait(stop.scope()); }

  /// Waits at most that long; zero or negative tries once. A time-out is a value.
  template <class Rep, class Period>
  requires(!detail::is_timed<Spec>) Operation<detail::TimedSpec<Spec>> within(
      std::chrono::duration<Rep, Period> d) && {
    return limited(detail::Limit::within(d));
  }
  template <class AnyClock, class Duration>
  requires(!detail::is_timed<Spec>) Operation<detail::TimedSpec<Spec>> until(
      std::chrono::time_point<AnyClock, Duration> t) && {
    return limited(detail::Limit::until(t));
  }

 private:
  friend detail::OperationAccess;
  result_type wait(detail::StopScope* scope) { return detail::Blocking<Spec>(spec_, scope).run(); }
  Operation<detail::TimedSpec<Spec>> limited(detail::Limit limit) {
    return Operation<detail::TimedSpec<Spec>>({std::move(spec_), limit});
  }

  Spec spec_;
};

namespace detail {

/// How a promise's await_transform turns an operation into an awaiter.
struct OperationAccess {
  template <class Spec>
  COHORT_HOT static Awaiting<Spec> await(Coroutine& self, Operation<Spec>&& operation) {
    return Awaiting<Spec>(self, std::move(operation.spec_));
  }
  template <class Spec>
  static Spec take(Operation<Spec>&& operation) {
    return std::move(operation.spec_);
  }
};

template <class T>
inline constexpr bool is_operation = false;
template <class Spec>
inline constexpr bool is_operation<Operation<Spec>> = true;

}  // namespace detail
}  // namespace cohort::inline v0
