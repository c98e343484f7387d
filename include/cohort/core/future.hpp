// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Future<T>: the result of work that was started, and Promise<T>: its other end.
///
///     Future<int> f = pool.submit(work, 42);
///     int x = f.block();              // on a thread; or co_await f in a coroutine
///
/// A Future is a copyable handle. On an lvalue, waiting may be repeated and yields `const T&`; on
/// an rvalue it yields the T itself.

#include <atomic>
#include <exception>
#include <memory>
#include <new>
#include <utility>

#include "cohort/core/coroutine.hpp"             // Completion
#include "cohort/core/detail/basic_event.hpp"    // done
#include "cohort/core/detail/done_callback.hpp"  // add_done_callback
#include "cohort/core/detail/task_count.hpp"     // TaskCount
#include "cohort/core/operation.hpp"             // Operation
#include "cohort/core/task.hpp"                  // Slot
#include "cohort/error.hpp"                      // Cancelled, InvalidState

namespace cohort::inline v0 {

template <class T>
class Future;

namespace detail {

/// What a Future and the work behind it share; counted. Pending → running → done.
class FutureBase : public Completion {
 public:
  enum class Status : std::uint8_t { pending, running, done };

  /// Of a task on an executor; throws ShutDown if that takes no more.
  explicit FutureBase(Home* home)
      : home_(home ? &home->home_for_task() : nullptr),
        count_(home_ ? &home_->task_begins() : nullptr),
        driver_(home_ ? home_->driver() : nullptr),
        scope_(count_ ? &count_->scope() : nullptr) {}

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  bool shared() const noexcept { return references_.load(std::memory_order_acquire) > 1; }
  void release() noexcept {
    // Acquire and release: the last one destroys what all the others wrote.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }

  Status status() const noexcept { return status_.load(std::memory_order_acquire); }
  bool done() const noexcept { return event_.is_set(); }
  bool cancelled() const noexcept { return done() && is_cancelled(error_); }
  /// Done by an exception, which this does not fetch.
  bool failed() const noexcept { return done() && error_ && !is_cancelled(error_); }
  std::exception_ptr exception() noexcept {
    fetched_.store(true, std::memory_order_relaxed);
    return error_;
  }
  void rethrow_if_failed() {
    if (error_) [[unlikely]] {
      fetched_.store(true, std::memory_order_relaxed);
      std::rethrow_exception(error_);
    }
  }
  StopScope& scope() noexcept { return scope_; }
  /// Where the task runs.
  Home& home() const noexcept { return *home_; }
  /// The executor, if blocking on this future is what runs it.
  Home* driver() const noexcept { return driver_; }
  BasicEvent<Gate>& event() noexcept { return event_; }

  bool running() const noexcept {
    const auto now = status();
    return now == Status::running || (now == Status::pending && has_begun_elsewhere());
  }
  bool cancel() noexcept {
    if (done()) return false;
    if (!revoke_elsewhere()) begin();
    auto pending = Status::pending;
    if (status_.compare_exchange_strong(pending, Status::done, std::memory_order_acq_rel)) {
      fail(std::make_exception_ptr(Cancelled{}));
      complete();
      return true;
    }
    scope_.request_stop();
    return true;
  }

  /// Sets the event: everybody may look now.
  void complete() noexcept {
    status_.store(Status::done, std::memory_order_release);
    event_.set();
  }
  bool begin() noexcept {
    auto pending = Status::pending;
    return status_.compare_exchange_strong(pending, Status::running, std::memory_order_acq_rel);
  }
  void unbegin() noexcept { status_.store(Status::pending, std::memory_order_release); }
  void fail(std::exception_ptr error) noexcept override { error_ = std::move(error); }

 protected:
  // Of work in another process, which begins there: nobody tells.
  virtual bool has_begun_elsewhere() const noexcept { return false; }
  /// False: it has begun, and is asked to stop. True: it never will.
  virtual bool revoke_elsewhere() noexcept { return true; }
  virtual ~FutureBase() {
    if (error_ && !fetched_.load(std::memory_order_relaxed)) report_unobserved(error_);
  }
  virtual void destroy() noexcept = 0;

 private:
  // The coroutine's turn has come; unless it was cancelled before.
  bool on_resume(Coroutine& coroutine, Context&) noexcept override {
    return (!count_->drops_queued() && begin()) || !on_drop(coroutine);
  }
  // It never begins: cancelled by now at the latest.
  COHORT_NOINLINE bool on_drop(Coroutine& coroutine) noexcept override {
    cancel();
    coroutine.handle().destroy();
    leave_home();
    return true;
  }
  Coroutine* ended(Context&) noexcept override {
    complete();
    leave_home();
    return nullptr;
  }
  void leave_home() noexcept {
    Home* const home = home_;
    TaskCount& count = *count_;
    scope_.detach();  // before the executor may go
    release();
    home->task_ends(count);
  }

  std::atomic<std::uint32_t> references_{1};
  std::atomic<Status> status_{Status::pending};
  std::atomic<bool> fetched_{false};
  Home* const home_;
  TaskCount* const count_;
  Home* const driver_;
  StopScope scope_;
  BasicEvent<Gate> event_;
  std::exception_ptr error_;
};

template <class T>
class FutureState : public FutureBase {
 public:
  using FutureBase::FutureBase;
  Slot<T> slot;

  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_block(memory, size); }

 private:
  void destroy() noexcept override { delete this; }
};

/// A counted reference to the state.
template <class T>
class StateRef {
 public:
  StateRef() = default;
  explicit StateRef(FutureState<T>* adopted) noexcept : state_(adopted) {}
  StateRef(const StateRef& other) noexcept : state_(other.state_) {
    if (state_) state_->retain();
  }
  StateRef(StateRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  StateRef& operator=(StateRef other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~StateRef() {
    if (state_) state_->release();
  }
  FutureState<T>* operator->() const noexcept { return state_; }
  FutureState<T>& operator*() const noexcept { return *state_; }
  explicit operator bool() const noexcept { return state_ != nullptr; }
  friend bool operator==(const StateRef&, const StateRef&) = default;

 private:
  FutureState<T>* state_ = nullptr;
};

/// Waiting for a future. `R` is what it yields: `const T&` of a named one, `T` of a temporary.
template <class T, class R>
struct FutureWait {
  using Result = R;
  struct Place : Waiter {
    using Waiter::Waiter;
  };
  struct AtOnce {};
  StateRef<T> state;

  bool try_now(auto&) noexcept { return state->done(); }
  void arm(Place& place) noexcept { state->event().arm(place); }
  void disarm(Place& place) noexcept { state->event().disarm(place); }
  bool retry(Place&) noexcept { return false; }
  Home* driver() const noexcept { return state->driver(); }
  Result result(auto&) {
    state->rethrow_if_failed();
    if constexpr (std::is_void_v<R>) {
      return;
    } else if constexpr (std::is_reference_v<R>) {
      return *state->slot;
    } else {
      return take<T>(state->slot);
    }
  }
};

/// What a named future yields.
template <class T>
struct SharedResult {
  using type = const T&;
};
template <class T>
struct SharedResult<T&> {
  using type = T&;
};
template <>
struct SharedResult<void> {
  using type = void;
};

template <class X>
inline constexpr bool is_future = false;
template <class T>
inline constexpr bool is_future<Future<T>> = true;

}  // namespace detail

/// A copyable handle to a result that will be there. Any thread may use any copy at any time.
/// Dropping the last one leaves the work running; its exception then goes to the unobserved hook.
template <class T>
class Future {
  using Shared = detail::FutureWait<T, typename detail::SharedResult<T>::type>;
  using Sole = detail::FutureWait<T, T>;

 public:
  using result_type = T;

  Future() = default;
  explicit Future(detail::StateRef<T> state) noexcept : state_(std::move(state)) {}

  /// False for a default-constructed or moved-from one.
  bool valid() const noexcept { return static_cast<bool>(state_); }
  bool done() const { return state().done(); }
  bool running() const { return state().running(); }
  /// Done by cancellation.
  bool cancelled() const { return state().cancelled(); }
  /// What the work threw, null if it did not. Throws InvalidState if it is not done.
  std::exception_ptr exception() const {
    if (!done()) throw InvalidState("exception() of a Future that is not done: wait for it first");
    return state().exception();
  }
  /// Pending: done at once, by Cancelled. Running: asked to stop. False if it was done already.
  bool cancel() const { return state().cancel(); }

  /// Waits on the calling thread. Rethrows what the work threw.
  decltype(auto) block() const& { return shared().block(); }
  decltype(auto) block(const StopToken& stop) const& { return shared().block(stop); }
  T block() && { return sole().block(); }
  T block(const StopToken& stop) && { return sole().block(stop); }
  /// Waits at most that long. A Future is never cancelled by this.
  template <class Rep, class Period>
  auto within(std::chrono::duration<Rep, Period> d) const& {
    return shared().within(d);
  }
  template <class Rep, class Period>
  auto within(std::chrono::duration<Rep, Period> d) && {
    return sole().within(d);
  }
  template <class AnyClock, class Duration>
  auto until(std::chrono::time_point<AnyClock, Duration> t) const& {
    return shared().until(t);
  }
  template <class AnyClock, class Duration>
  auto until(std::chrono::time_point<AnyClock, Duration> t) && {
    return sole().until(t);
  }

  /// Calls `fn(future)` when done, on the thread that completes it, or at once. What it throws goes
  /// to the unobserved hook.
  template <class Fn>
  void add_done_callback(Fn fn) const {
    static_assert(std::is_invocable_v<Fn&, Future>, "a done callback is called with the Future");
    detail::DoneCallback<T, Fn>::add((state(), state_), std::move(fn));
  }

  /// For the library.
  auto as_awaiter(detail::Coroutine& self) const& {
    return detail::OperationAccess::await(self, shared());
  }
  auto as_awaiter(detail::Coroutine& self) && {
    return detail::OperationAccess::await(self, sole());
  }
  Operation<Shared> operation() const& { return shared(); }
  Operation<Sole> operation() && { return sole(); }
  detail::FutureState<T>& shared_state() const { return state(); }

  friend bool operator==(const Future&, const Future&) = default;

 private:
  detail::FutureState<T>& state() const {
    if (!state_) throw InvalidState("this Future is empty: use one that submit() or spawn() gave");
    return *state_;
  }
  Operation<Shared> shared() const { return Operation<Shared>((state(), Shared{state_})); }
  Operation<Sole> sole() {
    state();
    return Operation<Sole>(Sole{std::move(state_)});
  }

  detail::StateRef<T> state_;
};

/// The writing end of a Future. Move-only. Destroyed unset, it fails the future with InvalidState.
template <class T>
class Promise {
 public:
  Promise() : state_(new detail::FutureState<T>(nullptr)) {}
  Promise(Promise&&) noexcept = default;
  Promise& operator=(Promise&& other) noexcept {
    abandon();
    state_ = std::move(other.state_);
    return *this;
  }
  ~Promise() { abandon(); }

  Future<T> future() const { return Future<T>(state_); }

  /// Completes the future. Throws InvalidState if it is done already.
  template <class... U>
  void set_value(U&&... value) {
    begin();
    try {
      state_->slot.emplace(std::forward<U>(value)...);
    } catch (...) {
      state_->unbegin();  // nothing has happened: it can be set again
      throw;
    }
    state_->complete();
  }
  void set_exception(std::exception_ptr error) {
    begin();
    state_->fail(std::move(error));
    state_->complete();
  }

 private:
  void begin() {
    if (!state_ || !state_->begin()) {
      throw InvalidState("this Promise's future is done already: set it once");
    }
  }
  void abandon() noexcept {
    if (!state_ || !state_->shared() || !state_->begin()) return;
    state_->fail(std::make_exception_ptr(InvalidState("the Promise was destroyed unset")));
    state_->complete();
  }

  detail::StateRef<T> state_;
};

}  // namespace cohort::inline v0
