// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a ThreadPool's threads share.
///
/// Each worker has a deque for fork-join children (newest first for itself, oldest first for
/// thieves) and a list for everything woken or started on it (oldest first, anybody may take it
/// whole); what comes from outside goes to a list of the pool. A worker without work searches for a
/// while, then sleeps: one of the sleepers in the poller, which also keeps the deadlines, the
/// others on their beds.

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "cohort/core/coroutine.hpp"             // Home, Context
#include "cohort/core/detail/basic_event.hpp"    // drained
#include "cohort/core/detail/quiet_threads.hpp"  // asleep
#include "cohort/core/detail/task_count.hpp"     // live tasks
#include "cohort/core/detail/timer_queue.hpp"    // deadlines
#include "cohort/error.hpp"                      // ShutDown
#include "cohort/exec/detail/injector.hpp"       // ways in
#include "cohort/exec/detail/parking.hpp"        // who sleeps
#include "cohort/exec/detail/pool_worker.hpp"    // PoolWorker
#include "cohort/os/select.hpp"                  // Poller

namespace cohort::inline v0::detail {

template <class X = void>
class BasicPoolCore final : public Home, public std::enable_shared_from_this<BasicPoolCore<X>> {
 public:
  BasicPoolCore(std::size_t workers, std::size_t spare_limit)
      : wanted_(workers), parking_(workers + spare_limit), workers_(workers + spare_limit) {
    for (std::size_t i = 0; i < workers; ++i) workers_[i] = std::make_unique<Worker>(*this, i);
    used_.store(workers, std::memory_order_release);
  }

  void start() {
    try {
      for (std::size_t i = 0; i < wanted_; ++i) start_thread(*workers_[i]);
    } catch (...) {
      stop();
      throw;
    }
  }

  std::size_t workers() const noexcept { return wanted_; }
  BasicEvent<Gate>& drained() noexcept { return drained_; }

  /// Takes no more work.
  void close() noexcept {
    closed_.store(true, std::memory_order_seq_cst);
    note_if_drained();
  }

  /// The pool's end; see ThreadPool's destructor.
  void stop() noexcept {
    close();
    // The pool may be destroyed by one of its own tasks, however deep in the stack.
    Worker* self = nullptr;
    for (const Context* c = current_context(); c && !self; c = c->outer) {
      if (c->home == this) self = static_cast<Worker*>(c->worker);
    }
    drain(self);
    if (self) stop_tasks();
    exiting_.store(true, std::memory_order_seq_cst);
    wake_all();
    for (auto& worker : threads_to_join(self)) worker.join();
    if (self) {
      self->last = true;
      self->thread.detach();
    }
  }

  /// Asks every task to stop.
  void stop_tasks() noexcept {
    tasks_from_outside_.scope().request_stop();
    const std::size_t used = used_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < used; ++i) workers_[i]->tasks.scope().request_stop();
  }

  /// What has not begun never will; drops what lies around, and the rest when its turn comes.
  void drop_queued() noexcept {
    const auto keep = this->shared_from_this();
    const auto drop = [this](Coroutine* list) {
      detail::drop_queued(list, [this](Coroutine& c) { post(c); });
    };
    tasks_from_outside_.drop_queued();
    const std::size_t used = used_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < used; ++i) workers_[i]->tasks.drop_queued();
    drop(injector_.take_all_in_order());
    for (std::size_t i = 0; i < used; ++i) workers_[i]->take_lists(drop);
  }
  // ---- Home
  void post(Coroutine& c) noexcept override {
    if (Worker* const self = this_worker()) {
      self->inbox.push(c);
      wake_one();
    } else {
      // From here on the coroutine may run, and the pool be destroyed.
      const auto keep = this->shared_from_this();
      injector_.push(c);
      wake_one();
    }
  }
  void post_quietly(Coroutine& c) noexcept override { this_worker()->inbox.push(c); }
  void push(Context& context, Coroutine& c) noexcept override {
    if (!static_cast<Worker*>(context.worker)->deque.try_push(c)) return push_slowly(context, c);
    wake_one();
  }
  bool take_back(Context& context, Coroutine& c) noexcept override {
    return static_cast<Worker*>(context.worker)->deque.take_back(c);
  }
  void add_timer(TimerNode& node, TimePoint when) noexcept override {
    if (!timers_.add(node, when)) return;
    if (poller_taken_.load(std::memory_order_seq_cst)) {
      poller_.wake();  // it sleeps until a later deadline
    } else {
      wake_one();  // who finds nothing to do will take the poller
    }
  }
  void remove_timer(TimerNode& node) noexcept override { timers_.remove(node); }
  void keep_time() noexcept override {
    if (timers_.next() != never) timers_.expire(now());
  }
  TaskCount& task_begins() override {
    Worker* const self = this_worker();
    TaskCount& tasks = self ? self->tasks : tasks_from_outside_;
    tasks.begin();
    if (closed_.load(std::memory_order_seq_cst)) {
      task_ends(tasks);
      throw ShutDown("this ThreadPool was shut down: it takes no more work");
    }
    return tasks;
  }
  void task_ends(TaskCount& tasks) noexcept override {
    const auto keep = this->shared_from_this();  // a task may end on another executor's thread
    tasks.end();
    if (closed_.load(std::memory_order_seq_cst)) note_if_drained();
  }
  void worker_blocks() noexcept override {
    const std::size_t blocked = blocked_.fetch_add(1, std::memory_order_seq_cst) + 1;
    if (threads_.load(std::memory_order_seq_cst) - blocked < wanted_) start_spare();
    wake_one();  // what this worker has in store is for others now
  }
  void worker_unblocks() noexcept override { blocked_.fetch_sub(1, std::memory_order_seq_cst); }

 private:
  using Worker = PoolWorker;

  // The worker of this pool whose thread calls, if any.
  Worker* this_worker() const noexcept {
    const Context* const context = current_context();
    return context && context->home == this ? static_cast<Worker*>(context->worker) : nullptr;
  }

  COHORT_NOINLINE void push_slowly(Context& context, Coroutine& c) noexcept {
    static_cast<Worker*>(context.worker)->deque.push(c);
    wake_one();
  }

  void start_thread(Worker& worker) {
    worker.running.store(true, std::memory_order_relaxed);
    threads_.fetch_add(1, std::memory_order_seq_cst);
    try {
      worker.thread =
          std::thread([self = this->shared_from_this(), &worker] { self->work(worker); });
    } catch (...) {
      worker.running.store(false, std::memory_order_relaxed);
      threads_.fetch_sub(1, std::memory_order_seq_cst);
      throw;
    }
  }

  // A thread that makes up for a blocked one, if the limit and the system allow.
  void start_spare() noexcept {
    try {
      const std::lock_guard lock(spares_);
      if (exiting_.load(std::memory_order_relaxed)) return;
      for (std::size_t i = wanted_; i < workers_.size(); ++i) {
        if (!workers_[i]) {
          workers_[i] = std::make_unique<Worker>(*this, i);
          used_.store(i + 1, std::memory_order_release);
        }
        Worker& worker = *workers_[i];
        if (worker.running.load(std::memory_order_acquire)) continue;
        if (worker.thread.joinable()) worker.thread.join();
        start_thread(worker);
        return;
      }
    } catch (...) {  // no thread to be had: the work waits for the blocked one
    }
  }

  std::vector<std::thread> threads_to_join(const Worker* self) {
    const std::lock_guard lock(spares_);
    std::vector<std::thread> threads;
    for (auto& worker : workers_) {
      if (worker && worker.get() != self && worker->thread.joinable()) {
        threads.push_back(std::move(worker->thread));
      }
    }
    return threads;
  }

  // ---- the life of a worker
  void work(Worker& self) noexcept {
    const ActivationGuard active(self.context);
    for (;;) {
      Coroutine* c = next(self);
      if (!c) c = search(self);
      if (!c) break;
      drive(self.context, c);
    }
    self.running.store(false, std::memory_order_release);
  }

  // What this worker has, newest child first; now and then the others' turn comes first.
  Coroutine* next(Worker& self) noexcept {
    if (++self.tick % 64 == 0) {
      timers_.expire(now());
      if (Coroutine* c = take(self, injector_)) return c;
      if (Coroutine* c = take(self, self.inbox)) return c;
    }
    if (Coroutine* c = self.deque.pop()) return c;
    if (Coroutine* c = take(self, self.inbox)) return c;
    return take(self, injector_);
  }

  // A whole list: its oldest to run now, the rest where thieves find it.
  Coroutine* take(Worker& self, BasicInjector<RealAtomics, Coroutine>& list) noexcept {
    Coroutine* c = list.take_all();
    if (!c || !c->link) return c;
    while (Coroutine* const older = c->link) {
      self.deque.push(*c);  // from here on it may run elsewhere
      c = older;
    }
    wake_one();
    return c;
  }

  Coroutine* steal(Worker& self) noexcept {
    const std::size_t used = used_.load(std::memory_order_acquire);
    self.random = self.random * 1664525 + 1013904223;
    const std::size_t first = (self.random >> 16) % used;
    for (std::size_t k = 0; k < used; ++k) {
      Worker& victim = *workers_[(first + k) % used];
      if (&victim == &self) continue;
      if (Coroutine* c = victim.deque.steal()) return c;
      if (Coroutine* c = take(self, victim.inbox)) return c;
    }
    return nullptr;
  }

  // Looks everywhere for a while, then sleeps, until there is something. Null: the thread may end.
  Coroutine* search(Worker& self) noexcept {
    parking_.search();
    for (unsigned round = 0;; ++round) {
      Coroutine* c = steal(self);
      if (!c) c = next(self);
      if (!c && round % 128 < 127) {
        for (int i = 0; i < 20; ++i) RealAtomics::pause();
      } else if (c || may_exit(self) || (!sleep(self) && retire())) {
        // The last one to stop searching sees to it that somebody does: for the rest of the work,
        // and for the deadlines while this worker is busy.
        if (parking_.found() && (work_in_sight() || timers_.next() != never)) wake_one();
        return c;
      }
    }
  }

  bool may_exit(const Worker& self) const noexcept {
    return exiting_.load(std::memory_order_seq_cst) && (!self.last || live() == 0);
  }

  // A spare thread may end, unless it is needed by now.
  bool retire() noexcept {
    const std::size_t threads = threads_.fetch_sub(1, std::memory_order_seq_cst) - 1;
    if (threads >= wanted_ + blocked_.load(std::memory_order_seq_cst)) return true;
    threads_.fetch_add(1, std::memory_order_seq_cst);
    return false;
  }

  // False: a spare thread was idle for long enough.
  bool sleep(Worker& self) noexcept {
    using Parking = BasicParking<RealAtomics>;
    const bool polls = !poller_taken_.exchange(true, std::memory_order_seq_cst);
    const TimePoint retire = self.index >= wanted_ ? Clock::now() + std::chrono::seconds(1) : never;
    parking_.lie_down(self.index, polls ? Parking::polling : Parking::asleep);
    const bool ends = exiting_.load(std::memory_order_seq_cst) && !self.last;
    // Somebody must keep the deadlines: if the poller is free by now, try for it again.
    const bool kept = polls || poller_taken_.load(std::memory_order_seq_cst);
    if (!work_in_sight() && !ends && kept) {
      const QuietSection quiet;
      if (polls) {
        if (const TimePoint next = timers_.next(); next > now()) poller_.wait(next);
      } else {
        RealAtomics::wait(parking_.bed(self.index), Parking::asleep, retire);
      }
    }
    parking_.get_up(self.index);
    if (polls) {
      poller_taken_.store(false, std::memory_order_seq_cst);
      timers_.expire(now());
    }
    return polls || retire == never || Clock::now() < retire;
  }

  bool work_in_sight() const noexcept {
    if (!injector_.empty()) return true;
    const std::size_t used = used_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < used; ++i) {
      if (!workers_[i]->idle()) return true;
    }
    return false;
  }

  struct Rouse {
    BasicPoolCore& core;
    void operator()(BasicParking<RealAtomics>::Word& word, std::uint32_t how) const noexcept {
      if (how == BasicParking<RealAtomics>::polling) return core.poller_.wake();
      RealAtomics::wake_one(&word);
    }
  };
  void wake_one() noexcept { parking_.wake_one(Rouse{*this}); }
  void wake_all() noexcept { parking_.wake_all(Rouse{*this}); }

  // ---- the end
  std::size_t live() const noexcept {
    std::size_t sum = tasks_from_outside_.live();
    const std::size_t used = used_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < used; ++i) sum += workers_[i]->tasks.live();
    return sum;
  }
  void note_if_drained() noexcept {
    if (live() == 0) drained_.set();
  }

  // Nothing runs and nothing is ready: whoever is left waits for something.
  bool quiescent(bool one_runs_this) const noexcept {
    const std::size_t busy = one_runs_this ? 1 : 0;
    return parking_.sleeping() + blocked_.load(std::memory_order_seq_cst) + busy >=
               threads_.load(std::memory_order_seq_cst) &&
           !work_in_sight();
  }

  void drain(Worker* self) noexcept {
    // The tasks on this thread's own stack cannot end before this call does.
    std::size_t mine = 0;
    for (const Context* c = current_context(); self && c; c = c->outer) mine += c->home == this;
    Context context{this};
    context.worker = self;
    bool stopped = false;
    while (live() > mine) {
      if (self) {
        const ActivationGuard active(context);
        Coroutine* c = next(*self);
        if (!c) c = steal(*self);
        if (c) {
          drive(context, c);
          continue;
        }
      }
      // Twice, because a worker may have been between two of the words that it looks at.
      if (!stopped && quiescent(self != nullptr) && rest() && quiescent(self != nullptr)) {
        stopped = true;
        stop_tasks();
        continue;
      }
      rest();
    }
  }
  static bool rest() noexcept {
    const std::atomic<std::uint32_t> nobody{0};
    RealAtomics::wait(nobody, 0, Clock::now() + std::chrono::microseconds(200));
    return true;
  }

  const std::size_t wanted_;
  BasicInjector<RealAtomics, Coroutine> injector_;
  TaskCount tasks_from_outside_;
  BasicParking<RealAtomics> parking_;
  TimerQueue timers_;
  os::Poller poller_;
  std::atomic<bool> poller_taken_{false};
  std::atomic<bool> closed_{false};
  std::atomic<bool> exiting_{false};
  std::atomic<std::size_t> threads_{0};
  std::atomic<std::size_t> blocked_{0};
  BasicEvent<Gate> drained_;
  std::mutex spares_;
  std::atomic<std::size_t> used_{0};  // workers that exist: slots [0, used)
  std::vector<std::unique_ptr<Worker>> workers_;
};
using PoolCore = BasicPoolCore<>;

}  // namespace cohort::inline v0::detail
