// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The life of a worker of a ProcessPool, in its own process.

#include <atomic>
#include <csignal>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

#include "cohort/core/detail/quiet_threads.hpp"  // QuietSection
#include "cohort/exec/run.hpp"                   // run
#include "cohort/pool/detail/lane.hpp"           // Lane
#include "cohort/pool/detail/shipped_chunk.hpp"  // ChunkRunner
#include "cohort/wire/remote_call.hpp"           // answer_call

namespace cohort::inline v0::detail {

using PoolInitializer = std::optional<ShippedFunction<void (*)()>>;

/// Does the tasks of a lane. Never destroyed: a thread listens for what shall stop.
template <class = void>
class BasicLaneWorker final : public ChunkRunner {
 public:
  BasicLaneWorker(SharedBytes lane, SharedBytes bell, std::uint64_t pool)
      : lane_bytes_(std::move(lane)),
        bell_bytes_(std::move(bell)),
        pool_{pool},
        lane_(shared_place<Lane>(lane_bytes_)),
        bell_(shared_place<PoolBell>(bell_bytes_).bell) {
    out_.set_context(&out_);  // handles in results depart
    os::start_library_thread(
        [](void* self) -> void* {
          static_cast<BasicLaneWorker*>(self)->listen();
          return nullptr;
        },
        this);
  }

  /// The initializer has thrown.
  void break_pool(const std::exception_ptr& error) {
    out_.truncate(0);
    out_(error);
    answer(0, true);
    bell_.ring();
  }

  /// Does tasks in the order in which they come. True: one of them was asked to stop, so the scope
  /// cannot be used for another; false: no more will come.
  bool serve(StopScope& scope) {
    scope_ = &scope;
    while (wait_for_task()) {
      const std::uint64_t number = taken_ + 1;
      LanePlace& task = lane_.task(taken_);
      auto word = Lane::given;
      bool stopped = false;
      if (task.word.compare_exchange_strong(word, Lane::begun, std::memory_order_acq_rel)) {
        running_.store(number << 2, std::memory_order_seq_cst);
        stop_if_wanted(number);  // the listener may have heard of it too early
        do_task(task, number);
        stopped = end_running(number);
      }
      lane_.tasks_taken.store(++taken_, std::memory_order_release);
      if (stopped) return true;
    }
    return false;
  }

  // As a ChunkRunner. What stops the task stops its coroutines, too.
  void run(Task<> work) override { cohort::run(std::move(work)); }
  std::uint64_t first() const noexcept override { return first_; }
  bool stopped() const noexcept override { return scope_->stop_requested(); }
  void next_follows() override {
    answer(running_.load(std::memory_order_relaxed) >> 2, false);
    out_.truncate(0);
  }

 private:
  // With the number of the running task, what becomes of a request to stop it.
  static constexpr std::uint64_t stopping = 1;
  static constexpr std::uint64_t was_stopped = 2;

  bool wait_for_task() noexcept {
    const auto ready = [this] {
      return lane_.tasks_given.load(std::memory_order_seq_cst) != taken_ ||
             lane_.closed.load(std::memory_order_seq_cst);
    };
    for (unsigned round = 0; !ready() && round < spins; ++round) RealAtomics::relax(round);
    while (!ready()) {
      bell_.ring();
      lane_.worker.sleep(Doorbell::asleep, never, ready);
    }
    return lane_.tasks_given.load(std::memory_order_acquire) != taken_;
  }

  void do_task(LanePlace& task, std::uint64_t number) {
    InArchive in(task.bytes());
    in.set_context(&in);
    first_ = task.first;
    out_.truncate(0);
    answer_call(in, out_, *this);
    answer(number, true);
  }

  void answer(std::uint64_t task, bool last) {
    const auto room = [this] {
      return answers_ - lane_.answers_read.load(std::memory_order_seq_cst) < Lane::places;
    };
    while (!room()) {
      bell_.ring();
      lane_.worker.sleep(Doorbell::asleep, never, room);
    }
    LanePlace& place = lane_.answer(answers_);
    put(place, task);
    place.task = task;
    place.last = last;
    lane_.answers_given.store(++answers_, std::memory_order_seq_cst);
    lane_.departing.store(0, std::memory_order_release);
    const bool many =
        answers_ - lane_.answers_read.load(std::memory_order_relaxed) == Lane::places / 2;
    bell_.ring(many);
  }
  void put(LanePlace& place, std::uint64_t task) {
    try {
      place.put(out_.bytes());
    } catch (...) {  // the result is too large for the memory that is left
      const auto error = std::current_exception();
      out_.truncate(0);
      if (task != 0) {
        put_error(out_, 0, error);
      } else {
        out_(error);
      }
      place.put(out_.bytes().first(out_.size() < LanePlace::room ? out_.size() : 0));
    }
    if (!place.far) return;
    const auto& block = ipc::detail::Heap::block_of(place.far);
    lane_.departing_generation.store(block.generation.load(std::memory_order_relaxed),
                                     std::memory_order_relaxed);
    lane_.departing.store(place.far, std::memory_order_release);
    ipc::detail::Heap::make_private(place.far, pool_);
  }

  // ---- stopping

  [[noreturn]] void listen() noexcept {
    const QuietSection harmless;
    std::uint64_t seen = 0;
    for (;;) {
      const auto ready = [&] { return lane_.stop_wanted.load(std::memory_order_seq_cst) != seen; };
      while (!ready()) lane_.listener.sleep(Doorbell::asleep, never, ready);
      seen = lane_.stop_wanted.load(std::memory_order_seq_cst);
      stop_if_wanted(seen);
    }
  }
  void stop_if_wanted(std::uint64_t number) noexcept {
    if (lane_.stop_wanted.load(std::memory_order_seq_cst) != number) return;
    auto running = number << 2;
    if (!running_.compare_exchange_strong(running, running | stopping)) return;
    scope_->request_stop();
    running_.store(number << 2 | was_stopped, std::memory_order_release);
  }
  /// Whether it was asked to stop. Then the asking is over.
  bool end_running(std::uint64_t number) noexcept {
    auto running = number << 2;
    for (unsigned round = 0; !running_.compare_exchange_strong(running, 0); ++round) {
      if (running & was_stopped) {
        running_.store(0, std::memory_order_relaxed);
        return true;
      }
      running = number << 2;
      RealAtomics::relax(round);
    }
    return false;
  }

  static constexpr unsigned spins = 256;

  const SharedBytes lane_bytes_;
  const SharedBytes bell_bytes_;
  const ipc::detail::Member pool_;
  Lane& lane_;
  Doorbell& bell_;
  OutArchive out_;
  std::uint64_t taken_ = 0;
  std::uint64_t answers_ = 0;
  std::uint64_t first_ = 0;
  std::atomic<std::uint64_t> running_{0};
  StopScope* scope_ = nullptr;
};
using LaneWorker = BasicLaneWorker<>;

// Plain functions are called inside this coroutine, as in a pool of threads.
template <class Worker>
Task<bool> serve_tasks(Worker* worker) {
  Coroutine& self = co_await Self{};
  const PlainSection plain(self);
  co_return worker->serve(self.scope());
}

/// A template: what only a pool needs is made only where there is one.
template <class Worker>
void pool_worker(SharedBytes lane, SharedBytes bell, std::uint64_t pool,
                 PoolInitializer initializer) {
  std::signal(SIGINT, SIG_IGN);  // the pool's owner decides what Ctrl-C means
  auto* const worker = new Worker(std::move(lane), std::move(bell), pool);
  if (initializer) {
    try {
      (*initializer)();
    } catch (...) {
      return worker->break_pool(std::current_exception());
    }
  }
  while (cohort::run(serve_tasks(worker))) {}
}

}  // namespace cohort::inline v0::detail
