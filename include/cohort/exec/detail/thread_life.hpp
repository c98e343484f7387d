// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a Thread and all references to it share, and the list of those that live. Templates, so
/// that a program that starts no thread does not compile them.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
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
#include "cohort/core/detail/atomics.hpp"      // the policy
#include "cohort/core/task.hpp"                // Task, the target
#include "cohort/core/this_task.hpp"           // set_name
#include "cohort/error.hpp"                    // Cancelled
#include "cohort/exec/detail/thread_end.hpp"   // ThreadEnd
#include "cohort/exec/detail/worker_life.hpp"  // WorkerLife
#include "cohort/exec/run.hpp"                 // run_privately

namespace cohort::inline v0 {

/// Thrown by `thread_exit()`.
struct ThreadExit {};

namespace detail {

template <class A>
class BasicThreadRegistry;

template <class A>
class BasicThreadLife final : public WorkerLife,
                              public std::enable_shared_from_this<BasicThreadLife<A>> {
  using Registry = BasicThreadRegistry<A>;

 public:
  static constexpr const char* kind = "Thread";

  /// Of a thread that runs already.
  explicit BasicThreadLife(std::string name) : WorkerLife(std::move(name), false) { (void)begin(); }
  /// `uncaught` is told of an exception that leaves the thread.
  using Uncaught = void (*)(std::exception_ptr, std::shared_ptr<BasicThreadLife>) noexcept;
  BasicThreadLife(std::string name, bool daemon, std::optional<Task<>> target, Uncaught uncaught)
      : WorkerLife(std::move(name), daemon), target_(std::move(target)), uncaught_(uncaught) {}
  ~BasicThreadLife() {
    // A thread that a fork has left behind: there is nothing to join or to detach.
    if (thread_.joinable()) ::new (static_cast<void*>(grave_)) std::thread(std::move(thread_));
  }

  /// Of the calling thread, if it has one yet; the main thread always has.
  static BasicThreadLife* here() noexcept {
    if (WorkerLife* const life = *this_thread_life()) return static_cast<BasicThreadLife*>(life);
    if (std::this_thread::get_id() != main_thread_id) return nullptr;
    BasicThreadLife* const main = Registry::get().main().get();
    *this_thread_life() = main;
    return main;
  }

  bool has_target() const noexcept { return target_.has_value(); }
  void run_target() {
    if (target_) run_privately(take_target(), nullptr);
  }
  void launch(std::optional<Task<>> object_run);
  /// The calling thread's, which was started by nobody we know.
  void adopt_this_thread() {
    thread_end()->ends.store(end_here, std::memory_order_release);
    keep_ = this->shared_from_this();
    *this_thread_life() = this;
    set_ident(std::this_thread::get_id());
  }
  /// The main thread's. Under workers_mutex(), or before anybody knows it.
  void become_main() {
    main_thread_end->ends.store(end_here, std::memory_order_release);
    ident_ = main_thread_id;
    born_ = fork_count;
    set_daemon(false);
  }
  /// An object's run() is about to be called, or will never be.
  void note_begun() noexcept {
    begun_.store(1, std::memory_order_release);
    A::wake_all(&begun_);
  }

  bool has_ended() const noexcept { return end_is_set() || born_ != fork_count; }
  bool is_current() const noexcept { return here() == this; }
  void reap() noexcept {
    const std::lock_guard lock(thread_mutex_);
    if (born_ == fork_count && thread_.joinable()) thread_.join();
  }
  void abandon() noexcept {
    const std::lock_guard lock(thread_mutex_);
    if (born_ == fork_count && thread_.joinable()) thread_.detach();
  }
  bool request_stop() noexcept { return scope_.request_stop(); }
  std::optional<std::thread::id> ident() const {
    const std::lock_guard lock(workers_mutex());
    return ident_;
  }

 private:
  static void end_here() noexcept { here()->finish(); }
  void finish() noexcept {
    const auto keep = std::move(keep_);
    Registry& registry = Registry::get();
    registry.remove(*this);
    const bool is_main = this == registry.main().get();
    if (!is_main) *this_thread_life() = nullptr;
    end().set();
    if (is_main) registry.program_ends();
  }

  void live(std::optional<Task<>> object_run) noexcept {
    try {
      Task<> body = object_run ? *std::move(object_run) : take_target();
      run_privately(named(this, std::move(body)), &scope_);
    } catch (const Cancelled&) {
    } catch (const ThreadExit&) {
    } catch (...) {
      uncaught_(std::current_exception(), this->shared_from_this());
    }
    note_begun();
  }
  static Task<> named(BasicThreadLife* life, Task<> body) {
    this_task::set_name(life->name());
    co_await std::move(body);
  }
  Task<> take_target() {
    Task<> target = *std::move(target_);
    target_.reset();
    return target;
  }
  void set_ident(std::thread::id id) {
    const std::lock_guard lock(workers_mutex());
    ident_ = id;
  }

  std::optional<Task<>> target_;
  const Uncaught uncaught_ = nullptr;
  std::shared_ptr<BasicThreadLife> keep_;  // as long as the thread lives
  StopScope scope_;
  std::uint32_t born_ = fork_count;
  std::optional<std::thread::id> ident_;  // under workers_mutex()
  typename A::template atomic<std::uint32_t> begun_{0};
  std::mutex thread_mutex_;
  std::thread thread_;
  alignas(std::thread) unsigned char grave_[sizeof(std::thread)];
};

/// Threads that were started and have not ended, the main one first.
template <class A>
class BasicThreadRegistry {
  using Life = BasicThreadLife<A>;

 public:
  /// How long the program's end waits for daemons, which were asked to stop.
  static constexpr auto grace = std::chrono::milliseconds(100);

  static BasicThreadRegistry& get() {
    static auto* const registry = new BasicThreadRegistry;  // used to the end: never destroyed
    return *registry;
  }

  const std::shared_ptr<Life>& main() const noexcept { return main_; }
  void add(Life& life) {
    const std::lock_guard lock(workers_mutex());
    living_.push_back(&life);
  }
  void remove(Life& life) noexcept {
    const std::lock_guard lock(workers_mutex());
    std::erase(living_, &life);
  }
  /// The living as `Ref`s.
  template <class Ref>
  std::vector<Ref> living() const {
    const std::lock_guard lock(workers_mutex());
    std::vector<Ref> lives;
    for (Life* const life : living_) lives.emplace_back(life->shared_from_this());
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
      const auto daemons = living<std::shared_ptr<Life>>();
      for (const auto& life : daemons) life->request_stop();
      const TimePoint deadline = A::now() + grace;
      for (const auto& life : daemons) wait_for(life, deadline);
    } catch (...) {  // no memory: they are not waited for
    }
  }
  /// `program_ends` for a program that ends on another thread than the main one; to be called when
  /// the first thread is started, so that it runs before static objects go.
  static void at_exit() {
    static const int registered = std::atexit([] { get().program_ends(); });
    (void)registered;
  }

 private:
  BasicThreadRegistry() : main_(std::make_shared<Life>("MainThread")) {
    main_->become_main();
    living_.push_back(main_.get());
    os::around_fork([] { workers_mutex().lock(); }, [] { workers_mutex().unlock(); }, in_child);
  }

  // A fork's child has one thread, the one that forked: its main one.
  static void in_child() {
    BasicThreadRegistry& self = get();
    self.has_ended_.store(false);
    auto* const life = static_cast<Life*>(*this_thread_life());
    self.main_ = life ? life->shared_from_this() : std::make_shared<Life>("MainThread");
    self.main_->become_main();
    self.living_.assign(1, self.main_.get());
    workers_mutex().unlock();
  }

  std::shared_ptr<Life> find_to_join() const {
    const std::lock_guard lock(workers_mutex());
    for (Life* const life : living_) {
      if (!life->daemon() && life != main_.get()) return life->shared_from_this();
    }
    return nullptr;
  }
  static void wait_for(const std::shared_ptr<Life>& life, TimePoint deadline) {
    (void)Operation(JoinWait<Life>{life}).until(deadline).block();
  }

  std::shared_ptr<Life> main_;
  std::vector<Life*> living_;  // under workers_mutex()
  std::atomic<bool> has_ended_{false};
};

template <class A>
void BasicThreadLife<A>::launch(std::optional<Task<>> object_run) {
  if (!object_run && !target_) {
    throw UsageError(
        "Thread::start(): there is nothing to run: it has no target any more, or was moved out of "
        "a subclass");
  }
  const bool is_object_run = object_run.has_value();
  Registry& registry = Registry::get();
  registry.at_exit();
  registry.add(*this);
  try {
    const std::lock_guard lock(thread_mutex_);
    thread_ = std::thread([self = this->shared_from_this(), run = std::move(object_run)]() mutable {
      BasicThreadLife& life = *self;
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
  // Until the thread calls run(), the object must not go; see Worker.
  while (is_object_run && begun_.load(std::memory_order_acquire) == 0) A::wait(begun_, 0);
}

using ThreadLife = BasicThreadLife<RealAtomics>;
using ThreadRegistry = BasicThreadRegistry<RealAtomics>;

}  // namespace detail
}  // namespace cohort::inline v0
