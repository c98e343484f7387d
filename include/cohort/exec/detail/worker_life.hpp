// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The life that a Thread and a Process have in common: fresh → started → ended, with a name and a
/// daemon flag; and the face with its verbs.
///
/// A Life is counted. Its handles share it: the one that owns it (`Worker`: Thread) and those that
/// only refer to it (`WorkerHandle`: ThreadRef). What a Life offers beside this base:
///
///     static constexpr const char* kind                  // "Thread", for messages
///     void launch(std::optional<Task<>> run)             // starts `run`, if empty the target
///     void note_begun() noexcept                         // called by `run` before all else
///     void run_target()                                  // here
///     bool has_ended() const noexcept
///     bool is_current() const noexcept                   // whether it is what runs here
///     bool has_target() const noexcept
///     bool request_stop() noexcept
///     auto ident() const
///     void reap() noexcept                               // blocks until nothing of it is left
///     void abandon() noexcept                            // nobody will; it may still live

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <typeinfo>
#include <utility>

#include "cohort/core/coroutine.hpp"           // BlockedSection
#include "cohort/core/detail/basic_event.hpp"  // ended
#include "cohort/core/operation.hpp"           // join
#include "cohort/core/task.hpp"                // Task
#include "cohort/error.hpp"                    // UsageError
#include "cohort/exec/launch.hpp"              // make_task

namespace cohort::inline v0::detail {

/// One lock for what is seldom looked at: names, and who lives. A fork waits for it, so that the
/// child finds it free. Never destroyed, because daemons may outlive every static object.
inline std::mutex& workers_mutex() noexcept {
  static auto* const mutex = new std::mutex;
  return *mutex;
}

class WorkerLife {
 public:
  WorkerLife(std::string name, bool daemon) : name_(std::move(name)), daemon_(daemon) {}
  WorkerLife(const WorkerLife&) = delete;
  WorkerLife& operator=(const WorkerLife&) = delete;

  std::string name() const {
    const std::lock_guard lock(workers_mutex());
    return name_;
  }
  void set_name(std::string name) {
    const std::lock_guard lock(workers_mutex());
    name_.swap(name);
  }
  bool daemon() const noexcept { return daemon_.load(std::memory_order_relaxed); }
  void set_daemon(bool daemon) noexcept { daemon_.store(daemon, std::memory_order_relaxed); }

  /// Fresh → started; false if it is not fresh.
  bool begin() noexcept { return !started_.exchange(true, std::memory_order_acq_rel); }
  /// It could not be started.
  void unbegin() noexcept { started_.store(false, std::memory_order_release); }
  bool started() const noexcept { return started_.load(std::memory_order_acquire); }

  /// Set when it has ended.
  BasicEvent<Gate>& end() noexcept { return end_; }
  bool end_is_set() const noexcept { return end_.is_set(); }

  // What the owner needs to know.
  bool may_be_object = true;          // false: the owner is no subclass, whatever its type is
  bool is_object = false;             // a subclass's run() runs, on the owner itself
  std::atomic<bool> detached{false};  // the owner's destructor does not join
  std::atomic<bool> end_seen{false};  // somebody has waited for the end, or looked

 protected:
  ~WorkerLife() = default;

 private:
  std::string name_;  // under workers_mutex()
  std::atomic<bool> daemon_;
  std::atomic<bool> started_{false};
  BasicEvent<Gate> end_;
};

/// Waiting until it has ended, as an operation's Spec.
template <class Life>
struct JoinWait {
  using Result = void;
  struct Place : Waiter {
    using Waiter::Waiter;
  };
  std::shared_ptr<Life> life;

  bool try_now(Place&) noexcept { return life->has_ended(); }
  void arm(Place& place) noexcept { life->end().arm(place); }
  void disarm(Place& place) noexcept { life->end().disarm(place); }
  bool retry(Place&) noexcept { return false; }
  void result(Place&) noexcept {
    life->reap();
    life->end_seen.store(true, std::memory_order_relaxed);
  }
};

/// Refers to a worker. The verbs may be called by any thread at any time.
template <class Life>
class WorkerHandle {
 public:
  std::string name() const { return life().name(); }
  void set_name(std::string name) const { life().set_name(std::move(name)); }
  bool daemon() const { return life().daemon(); }
  /// Empty before it was started.
  auto ident() const { return life().ident(); }
  /// Started and not ended.
  bool is_alive() const {
    if (!life().started()) return false;
    if (!life().has_ended()) return true;
    life().end_seen.store(true, std::memory_order_relaxed);
    return false;
  }
  /// Waits until it has ended; never throws what it threw. Throws UsageError, at once, before
  /// start() and if it would wait for itself. Any number may wait, again and again.
  auto join() const {
    if (!life().started()) {
      throw UsageError(std::string(Life::kind) +
                       "::join(): it was not started; call start() first");
    }
    if (life().is_current()) {
      throw UsageError(std::string(Life::kind) + "::join(): it would wait for its own end");
    }
    return Operation(JoinWait<Life>{life_});
  }
  friend bool operator==(const WorkerHandle&, const WorkerHandle&) = default;

 protected:
  WorkerHandle() = default;
  explicit WorkerHandle(std::shared_ptr<Life> life) noexcept : life_(std::move(life)) {}
  Life& life() const {
    if (!life_) {
      throw UsageError(std::string(Life::kind) +
                       ": this handle is empty: it was moved from, or "
                       "never referred to one");
    }
    return *life_;
  }

  std::shared_ptr<Life> life_;
};

/// Owns a worker; `Self` is the class to derive from.
template <class Self, class Life>
class Worker : public WorkerHandle<Life> {
 public:
  Worker(Worker&& other) : WorkerHandle<Life>(other.give_up()) {}
  Worker& operator=(Worker&& other) {
    if (this == &other) return *this;
    auto life = other.give_up();
    finish();
    this->life_ = std::move(life);
    return *this;
  }
  virtual ~Worker() {
    if (finish()) return;
    report_unobserved(std::make_exception_ptr(
        UsageError(std::string(Life::kind) +
                   ": an object with a run() of its own was destroyed before it was "
                   "joined, so that its members went while run() could use them: declare it as "
                   "Joined<Class>, or call join() in its destructor")));
  }

  /// Starts it. Throws UsageError the second time, also after the end; std::system_error if there
  /// is no room for it, and then it can be tried again.
  void start() {
    Life& life = this->life();
    if (!life.begin()) {
      throw UsageError(std::string(Life::kind) +
                       "::start(): it was started already; make a new "
                       "one to run it again");
    }
    try {
      life.is_object = overrides_run();
      std::optional<Task<>> object_run;
      if (life.is_object) object_run.emplace(make_task(run_object, this));
      life.launch(std::move(object_run));
    } catch (...) {
      life.is_object = false;
      life.unbegin();
      throw;
    }
  }
  /// Throws UsageError once it was started.
  void set_daemon(bool daemon) {
    if (this->life().started()) {
      throw UsageError(std::string(Life::kind) +
                       "::set_daemon(): it was started already; say it "
                       "before start(), or in the options");
    }
    this->life().set_daemon(daemon);
  }
  /// The destructor will not join: it is joined at the program's end, unless it is a daemon. Throws
  /// UsageError before start(), and for a subclass object, which run() needs.
  void detach() {
    Life& life = this->life();
    if (!life.started() || life.is_object) {
      throw UsageError(std::string(Life::kind) +
                       (life.is_object
                            ? "::detach(): its run() runs on this very object; keep it, and join"
                            : "::detach(): it was not started; call start() first"));
    }
    if (!life.detached.exchange(true)) life.abandon();
  }
  /// Asks what it runs to stop: its waits throw Cancelled. True for the first request.
  bool request_stop() { return this->life().request_stop(); }
  /// What it does; by default it calls the target, here and once. To be overridden.
  virtual void run() { this->life().run_target(); }

 protected:
  explicit Worker(std::shared_ptr<Life> life) noexcept : WorkerHandle<Life>(std::move(life)) {}

  /// What the destructor does: joins, unless it is a daemon or detached. False if that came too
  /// late for a subclass object. May be called in a coroutine, where it blocks.
  bool finish() noexcept {
    Life* const life = this->life_.get();
    if (!life || !life->started() || life->detached.load()) return true;
    const bool in_time = life->end_seen.exchange(true) || !life->is_object;
    if (life->is_current() || (life->daemon() && !life->is_object)) {
      life->abandon();
    } else {
      const BlockedSection blocked(current_context());
      life->reap();
    }
    return in_time;
  }

 private:
  static void run_object(Worker* self) {
    self->life().note_begun();
    self->run();
  }
  bool overrides_run() const noexcept {
#if defined(__cpp_rtti)
    return this->life_->may_be_object && typeid(*this) != typeid(Self);
#else
    return this->life_->may_be_object && !this->life_->has_target();
#endif
  }
  std::shared_ptr<Life> give_up() {
    if (this->life_ && this->life_->is_object) {
      throw UsageError(std::string(Life::kind) +
                       ": a started object with a run() of its own cannot "
                       "be moved");
    }
    return std::move(this->life_);
  }
};

}  // namespace cohort::inline v0::detail
