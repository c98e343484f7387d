// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a Thread and all references to it share, and the list of those that live.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cohort/config.hpp"                   // COHORT_NOINLINE
#include "cohort/core/task.hpp"                // Task, the target
#include "cohort/core/this_task.hpp"           // set_name
#include "cohort/error.hpp"                    // Cancelled
#include "cohort/exec/detail/worker_life.hpp"  // WorkerLife
#include "cohort/exec/launch.hpp"              // make_task
#include "cohort/exec/run.hpp"                 // run_privately
#include "cohort/os/select.hpp"                // around_fork

namespace cohort::inline v0 {

/// Thrown by `thread_exit()`.
struct ThreadExit {};

namespace detail {

class ThreadLife;

// The life of this thread, if it has one yet. A pointer, because it is asked for even by the
// destructors of static objects.
inline thread_local constinit ThreadLife* this_life_pointer = nullptr;
COHORT_NOINLINE inline ThreadLife** this_life() noexcept {
  ThreadLife** slot = &this_life_pointer;
#if COHORT_CACHES_TLS_ADDRESSES
  asm volatile("" : "+r"(slot) : : "memory");
#endif
  return slot;
}

class ThreadLife final : public WorkerLife, public std::enable_shared_from_this<ThreadLife> {
 public:
  static constexpr const char* kind = "Thread";

  /// Of a thread that runs already.
  explicit ThreadLife(std::string name) : WorkerLife(std::move(name), false) { (void)begin(); }
  /// `uncaught` is told of an exception that leaves the thread.
  using Uncaught = void (*)(std::exception_ptr, std::shared_ptr<ThreadLife>) noexcept;
  ThreadLife(std::string name, bool daemon, std::optional<Task<>> target, Uncaught uncaught)
      : WorkerLife(std::move(name), daemon), target_(std::move(target)), uncaught_(uncaught) {}
  ~ThreadLife() {
    // A thread that a fork has left behind: there is nothing to join or to detach.
    if (thread_.joinable()) ::new (static_cast<void*>(grave_)) std::thread(std::move(thread_));
  }

  bool has_target() const noexcept { return target_.has_value(); }
  void run_target() {
    if (target_) run_privately(take_target(), nullptr);
  }

  inline void launch(std::function<void()> run);
  /// A thread that runs already: the main one, or a foreign one.
  inline void adopt_this_thread();
  /// It has ended, as the last that it does.
  inline void finish() noexcept;

  bool has_ended() const noexcept { return end_is_set() || born_ != forks(); }
  bool is_current() const noexcept { return *this_life() == this; }
  void reap() noexcept {
    const std::lock_guard lock(thread_mutex_);
    if (born_ == forks() && thread_.joinable()) thread_.join();
  }
  void abandon() noexcept {
    const std::lock_guard lock(thread_mutex_);
    if (born_ == forks() && thread_.joinable()) thread_.detach();
  }
  StopScope& scope() noexcept { return scope_; }
  std::optional<std::thread::id> ident() const {
    const std::lock_guard lock(workers_mutex());
    return ident_;
  }
  /// In the child of a fork, for the thread that forked.
  void survive() noexcept { born_ = forks(); }
  /// How many forks there are between the first process and this one.
  static std::uint32_t& forks() noexcept {
    static constinit std::uint32_t count = 0;
    return count;
  }

 private:
  Task<> take_target() {
    Task<> target = *std::move(target_);
    target_.reset();
    return target;
  }
  static Task<> named(ThreadLife* life, Task<> body) {
    this_task::set_name(life->name());
    co_await std::move(body);
  }
  static void call(ThreadLife* life, std::function<void()> run) {
    life->begins();
    run();
  }
  void set_ident(std::thread::id id) {
    const std::lock_guard lock(workers_mutex());
    ident_ = id;
  }
  void begins() noexcept {
    begun_.store(1, std::memory_order_release);
    RealAtomics::wake_all(&begun_);
  }
  inline void live(std::function<void()> run) noexcept;

  std::optional<Task<>> target_;
  const Uncaught uncaught_ = nullptr;
  StopScope scope_;
  std::uint32_t born_ = forks();
  std::optional<std::thread::id> ident_;  // under workers_mutex()
  std::atomic<std::uint32_t> begun_{0};   // an object's run() is about to be called
  std::mutex thread_mutex_;
  std::thread thread_;
  alignas(std::thread) unsigned char grave_[sizeof(std::thread)];
};

/// Threads that were started and have not ended, the main one first.
class ThreadRegistry {
 public:
  /// How long the program's end waits for daemons, which were asked to stop.
  static constexpr auto grace = std::chrono::milliseconds(100);

  static ThreadRegistry& get() {
    static auto* const registry = new ThreadRegistry;  // never destroyed, as it is used to the end
    return *registry;
  }

  const std::shared_ptr<ThreadLife>& main() const noexcept { return main_; }
  void add(ThreadLife& life) {
    const std::lock_guard lock(workers_mutex());
    living_.push_back(&life);
  }
  void remove(ThreadLife& life) noexcept {
    const std::lock_guard lock(workers_mutex());
    std::erase(living_, &life);
  }
  std::vector<std::shared_ptr<ThreadLife>> living() const {
    const std::lock_guard lock(workers_mutex());
    std::vector<std::shared_ptr<ThreadLife>> lives;
    for (ThreadLife* const life : living_) lives.push_back(life->shared_from_this());
    return lives;
  }
  std::size_t size() const noexcept {
    const std::lock_guard lock(workers_mutex());
    return living_.size();
  }

  /// Waits for all that are no daemons, then asks the daemons to stop and gives them a moment.
  void program_ends() noexcept {
    if (has_ended_.exchange(true)) return;
    try {
      const AsideSection aside(current_context());
      while (const auto life = find_to_join()) wait_for(life, never);
      const auto daemons = living();
      for (const auto& life : daemons) life->scope().request_stop();
      const TimePoint deadline = Clock::now() + grace;
      for (const auto& life : daemons) wait_for(life, deadline);
    } catch (...) {  // no memory: they are not waited for
    }
  }
  /// `program_ends` for a program that ends on another thread than the main one; to be called when
  /// the first thread is started, so that it runs before static objects go.
  void at_exit() {
    static const int registered = std::atexit([] { get().program_ends(); });
    (void)registered;
  }

 private:
  ThreadRegistry() : main_(std::make_shared<ThreadLife>("MainThread")) {
    living_.push_back(main_.get());
    main_->adopt_this_thread();
    os::around_fork([] { workers_mutex().lock(); }, [] { workers_mutex().unlock(); }, in_child);
  }
  ~ThreadRegistry() = default;

  // A fork's child has one thread, the one that forked: its main one.
  static void in_child() {
    ThreadRegistry& self = get();
    self.has_ended_ = false;
    ++ThreadLife::forks();
    self.living_.clear();
    if (ThreadLife* const life = *this_life()) {
      self.main_ = life->shared_from_this();
      life->survive();
      life->set_daemon(false);
      self.living_.push_back(life);
      workers_mutex().unlock();
    } else {
      workers_mutex().unlock();
      self.main_ = std::make_shared<ThreadLife>("MainThread");
      self.add(*self.main_);
      self.main_->adopt_this_thread();
    }
  }

  std::shared_ptr<ThreadLife> find_to_join() const {
    const std::lock_guard lock(workers_mutex());
    for (ThreadLife* const life : living_) {
      if (!life->daemon() && life != main_.get()) return life->shared_from_this();
    }
    return nullptr;
  }
  static void wait_for(const std::shared_ptr<ThreadLife>& life, TimePoint deadline) {
    (void)Operation(JoinWait<ThreadLife>{life}).until(deadline).block();
  }

  std::shared_ptr<ThreadLife> main_;
  std::vector<ThreadLife*> living_;  // under workers_mutex()
  std::atomic<bool> has_ended_{false};
};

// A thread's first object with a destructor, so the last to go: after it nothing of the thread's
// own code runs any more. On the main thread it goes before all static objects, whose destructors
// must not find threads that still use them.
struct ThreadEnd {
  ~ThreadEnd() {
    if (life) life->finish();
  }
  std::shared_ptr<ThreadLife> life;
};
inline ThreadEnd& thread_end() {
  static thread_local ThreadEnd end;
  return end;
}

inline void ThreadLife::adopt_this_thread() {
  thread_end().life = shared_from_this();
  *this_life() = this;
  set_ident(std::this_thread::get_id());
}

inline void ThreadLife::finish() noexcept {
  ThreadRegistry& registry = ThreadRegistry::get();
  registry.remove(*this);
  const bool is_main = this == registry.main().get();
  if (!is_main) *this_life() = nullptr;
  end().set();
  if (is_main) registry.program_ends();
}

inline void ThreadLife::launch(std::function<void()> run) {
  if (!run && !target_) {
    throw UsageError(
        "Thread::start(): there is nothing to run: it has no target any more, or was "
        "moved out of a subclass");
  }
  ThreadRegistry& registry = ThreadRegistry::get();
  registry.at_exit();
  registry.add(*this);
  const bool is_object_run = static_cast<bool>(run);
  try {
    const std::lock_guard lock(thread_mutex_);
    thread_ = std::thread([self = shared_from_this(), run = std::move(run)]() mutable {
      ThreadLife& life = *self;
      life.adopt_this_thread();
      self.reset();
      life.live(std::move(run));
    });
    set_ident(thread_.get_id());
    if (detached.load()) thread_.detach();
  } catch (const std::system_error& error) {
    registry.remove(*this);
    throw std::system_error(error.code(), "Thread::start(): std::thread");
  } catch (...) {
    registry.remove(*this);
    throw;
  }
  // Until the thread has it, the object must not go; see Worker.
  while (is_object_run && begun_.load(std::memory_order_acquire) == 0) {
    RealAtomics::wait(begun_, 0);
  }
}

inline void ThreadLife::live(std::function<void()> run) noexcept {
  try {
    Task<> body = run ? make_task(call, this, std::move(run)) : take_target();
    run_privately(named(this, std::move(body)), &scope_);
  } catch (const Cancelled&) {
  } catch (const ThreadExit&) {
  } catch (...) {
    uncaught_(std::current_exception(), shared_from_this());
  }
  begins();  // if it came to nothing
}

// The main thread is the one that initialises static objects.
inline const bool main_thread_is_known = (ThreadRegistry::get(), true);

}  // namespace detail
}  // namespace cohort::inline v0
