// SPDX-License-Identifier: BSL-1.0
#pragma once

/// AsyncGenerator<T>: a coroutine that awaits and yields.
///
///     AsyncGenerator<Line> lines(Socket s) { while (…) co_yield co_await s.read_line(); }
///     while (auto line = co_await gen.next()) …            // in a coroutine
///     for (auto& line : lines(s).blocking()) …             // on a thread

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "cohort/core/detail/blocking_range.hpp"  // BlockingRange
#include "cohort/core/detail/task_count.hpp"      // TaskCount
#include "cohort/core/detail/task_extras.hpp"     // of a body that is a task of its own
#include "cohort/core/gate.hpp"                   // where the consumer waits
#include "cohort/core/operation.hpp"              // Operation
#include "cohort/core/task.hpp"                   // TaskPromiseBase
#include "cohort/exec/event_loop.hpp"             // for a consumer that is a plain thread

namespace cohort::inline v0 {

template <class T>
class [[nodiscard("a generator does nothing until next() is called")]] AsyncGenerator;

namespace detail {

/// The body, whatever it yields. Paused at its start or at a co_yield, it belongs to nobody and
/// runs nowhere. `co_await next()` runs it in place, as a part of the consumer's task: until it
/// pauses, both are one. A consumer that may leave earlier has it *posted*: it runs as a task of its
/// own until it pauses. Its state then changes under the gate only, so that whoever sees that it
/// has paused may destroy it.
template <class = void>
class BasicAsyncBody : public TaskPromiseBase {
 public:
  BasicAsyncBody() noexcept { set_completion(nobody()); }
  using Line = Gate::Line;
  enum class State : std::uint8_t { paused, running, full, ended };  // full: a value is there

  struct Ending {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    COHORT_NOINLINE void await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
      handle.promise().pause(State::ended);
    }
    void await_resume() const noexcept {}
  };
  Ending final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  void return_void() const noexcept {}

  State state() noexcept {
    State state{};
    gate_.with(*this, [&](Line&) { state = state_; });
    return state;
  }
  /// Body: the last touch. Who waits goes on.
  void pause(State state) noexcept {
    Context& context = this->context();
    if (Coroutine* const consumer = std::exchange(consumer_, nullptr)) {
      state_ = state;
      context.next = consumer->continue_from(context);
      return;
    }
    Home& home = *home_;
    TaskCount& count = *count_;
    scope_.detach();
    gate_.with(*this, [&](Line& line) {
      state_ = state;
      serve(line);
    });
    home.task_ends(count);
  }

  // The consumer, while the body is paused.
  void run_in_place(Coroutine& consumer) noexcept {
    Context& context = consumer.context();
    state_ = State::running;
    consumer_ = &consumer;
    consumer.suspend_on(*context.home);
    join_task_of(consumer);
    context.next = this;
  }
  void post_to_home() {
    const Context* const context = current_context();
    const bool awaits = context && context->current;
    if (!awaits && !loop_) loop_ = std::make_unique<EventLoop>();
    Home& home = awaits ? *context->home : loop_->home();
    count_ = &home.task_begins();
    home_ = &home;
    scope_.set_parent(&count_->scope());
    become_root(scope_);
    state_ = State::running;
    post_to(home);
  }
  /// After a value was taken, or the end was seen.
  void rethrow_if_failed() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }
  void taken() noexcept { state_ = State::paused; }

  // Whoever waits while it is posted.
  void arm(Waiter& waiter) noexcept { gate_.arm(*this, waiter); }
  void disarm(Waiter& waiter) noexcept { gate_.disarm(*this, waiter); }
  void request_stop() noexcept { scope_.request_stop(); }
  Home* driver() noexcept { return state() == State::running ? home_->driver_here() : nullptr; }
  void refuse_if_on_a_thread() const {
    const Context* const context = current_context();
    if (context && context->current && loop_ && home_ == &loop_->home()) {
      throw UsageError(
          "AsyncGenerator::next(): a next() on a plain thread timed out and its value is still "
          "under "
          "way there: take it with block() before a coroutine goes on");
    }
  }
  void destroy() noexcept;

 private:
  friend Gate;
  static Completion& nobody() noexcept {
    static NobodyTold nobody;
    return nobody;
  }
  void serve(Line& line) noexcept {
    if (state_ == State::running) return;
    while (line.claim_front()) line.grant_front();
  }

  Gate gate_;
  Coroutine* consumer_ = nullptr;  // runs in place, for this one; null: posted
  Home* home_ = nullptr;           // and this, where it was posted last
  TaskCount* count_ = nullptr;
  StopScope scope_;
  State state_ = State::paused;
  std::exception_ptr error_;
  std::unique_ptr<EventLoop> loop_;
};
using AsyncBody = BasicAsyncBody<>;

/// Waiting until a posted body has paused.
template <class Body = AsyncBody>
struct BodyPause {
  using Result = void;
  struct Place : Waiter {
    using Waiter::Waiter;
  };
  Body* body;
  bool try_now(Place&) { return body->state() != Body::State::running; }
  void arm(Place& place) noexcept { body->arm(place); }
  void disarm(Place& place) noexcept { body->disarm(place); }
  bool retry(Place&) noexcept { return false; }
  Home* driver() const noexcept { return body->driver(); }
  void result(Place&) const noexcept {}
};

template <class X>
void BasicAsyncBody<X>::destroy() noexcept {
  if (state() == State::running) {
    const AsideSection aside(current_context());
    scope_.request_stop();
    Operation(BodyPause<>{this}).block();
  }
  if (error_) report_unobserved(error_);
  TaskExtras::drop(*this);
  handle().destroy();
}

template <class T>
class AsyncGeneratorPromise final : public AsyncBody {
 public:
  /// Keeps the value while the body is paused.
  class Yield {
   public:
    template <class U>
    Yield(AsyncGeneratorPromise& body, U&& value) : body_(body), value_(std::forward<U>(value)) {}
    bool await_ready() const noexcept { return false; }
    COHORT_NOINLINE void await_suspend(std::coroutine_handle<>) noexcept {
      body_.value_ = &value_;
      body_.pause(State::full);
    }
    void await_resume() const noexcept {}

   private:
    AsyncGeneratorPromise& body_;
    stored_t<T> value_;
  };

  AsyncGenerator<T> get_return_object() noexcept;
  template <class U = T>
  requires std::is_constructible_v<stored_t<T>, U &&> Yield yield_value(U&& value) {
    return Yield(*this, std::forward<U>(value));
  }
  std::optional<stored_t<T>> take() {
    if (!value_) {
      rethrow_if_failed();
      return std::nullopt;
    }
    std::optional<stored_t<T>> value(std::move(*value_));
    value_ = nullptr;
    taken();
    return value;
  }

 private:
  stored_t<T>* value_ = nullptr;  // the one that is there
};

template <class T>
struct NextYield : BodyPause<> {
  using Result = std::optional<stored_t<T>>;
  bool try_now(Place&) {
    const auto state = body->state();
    if (state == AsyncBody::State::paused) body->post_to_home();
    if (state == AsyncBody::State::running) body->refuse_if_on_a_thread();
    return state == AsyncBody::State::full || state == AsyncBody::State::ended;
  }
  Result result(Place&) const { return static_cast<AsyncGeneratorPromise<T>*>(body)->take(); }
};

/// `co_await next()`: in place if the body is paused, else as any operation.
template <class T>
class NextAwaiter final : private Awaiting<NextYield<T>> {
  using Base = Awaiting<NextYield<T>>;

 public:
  NextAwaiter(Coroutine& self, AsyncBody& body)
      : Base(self, NextYield<T>{{&body}}),
        body_(body),
        in_place_(!self.scope().stop_requested() && body.state() == AsyncBody::State::paused) {}

  bool await_ready() { return !in_place_ && Base::await_ready(); }
  bool await_suspend(std::coroutine_handle<> handle) {
    if (!in_place_) return Base::await_suspend(handle);
    body_.run_in_place(*this->coroutine_);
    return true;
  }
  std::optional<stored_t<T>> await_resume() {
    return in_place_ ? static_cast<AsyncGeneratorPromise<T>&>(body_).take() : Base::await_resume();
  }

 private:
  AsyncBody& body_;
  const bool in_place_;
};

/// What next() returns. Used once, like every operation.
template <class T>
class [[nodiscard("co_await it, or call block()")]] Next {
 public:
  explicit Next(AsyncBody & body) noexcept : body_(&body) {}
  std::optional<stored_t<T>> block()&& { return operation().block(); }
  std::optional<stored_t<T>> block(const StopToken& stop)&& { return operation().block(stop); }
  template <class Rep, class Period>
  auto within(std::chrono::duration<Rep, Period> d)&& {
    return operation().within(d);
  }
  template <class AnyClock, class Duration>
  auto until(std::chrono::time_point<AnyClock, Duration> t)&& {
    return operation().until(t);
  }
  NextAwaiter<T> as_awaiter(Coroutine & self)&& { return NextAwaiter<T>(self, *body_); }
  Operation<NextYield<T>> operation() const { return Operation(NextYield<T>{{body_}}); }

 private:
  AsyncBody* body_;
};

}  // namespace detail

/// A lazy coroutine that may co_await and co_yield. Move-only. One next() at a time; which task or
/// thread calls it may change. However many values it yields, the stack does not grow.
///
/// Destroyed before it began, at a co_yield or at its end, its frame just goes. Destroyed while its
/// body waits (a next() has timed out), it cancels the body and blocks until that has ended. An
/// executor makes up for the blocked thread; a Strand and a loop run other tasks of theirs inside
/// the destructor. `co_await gen.close()` first waits as anything else does.
template <class T>
class AsyncGenerator {
 public:
  using promise_type = detail::AsyncGeneratorPromise<T>;
  using value_type = detail::stored_t<T>;

  AsyncGenerator(AsyncGenerator&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  AsyncGenerator& operator=(AsyncGenerator&& other) noexcept {
    AsyncGenerator(std::move(other)).swap(*this);
    return *this;
  }
  ~AsyncGenerator() {
    if (body_) body_->destroy();
  }
  void swap(AsyncGenerator& other) noexcept { std::swap(body_, other.body_); }

  /// Runs the body to its next co_yield; empty after its end. What the body throws is thrown here,
  /// once, and ends it. Awaited, the body is a part of the consumer's task: stopped with it, owner
  /// of the same RLocks. With a limit or in a select the body is a task of its own: it goes on when
  /// the time is up, and the next next() joins it, so that no value is lost. On a plain thread it
  /// runs while somebody blocks. Cancelled before the body went on, nothing was lost either.
  detail::Next<T> next() { return detail::Next<T>(body()); }
  /// A range for a plain thread; throws Cancelled when stop is requested.
  auto blocking(StopToken stop = {}) & {
    return detail::BlockingRange<AsyncGenerator&>(*this, std::move(stop));
  }
  auto blocking(StopToken stop = {}) && {
    return detail::BlockingRange<AsyncGenerator>(std::move(*this), std::move(stop));
  }
  /// Cancels a body that waits and waits until it has paused. Then only to be destroyed.
  auto close() {
    if (body().state() == detail::AsyncBody::State::running) body().request_stop();
    return Operation(detail::BodyPause<>{&body()});
  }

 private:
  friend promise_type;
  explicit AsyncGenerator(promise_type& body) noexcept : body_(&body) {}
  promise_type& body() const {
    if (!body_) throw UsageError("this AsyncGenerator was moved from: make a new one");
    return *body_;
  }
  promise_type* body_;
};

namespace detail {
template <class T>
AsyncGenerator<T> AsyncGeneratorPromise<T>::get_return_object() noexcept {
  return AsyncGenerator<T>(*this);
}
}  // namespace detail

}  // namespace cohort::inline v0
