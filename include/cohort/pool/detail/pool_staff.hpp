// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The worker processes of a ProcessPool: how they start, how their end is heard of, and how one of
/// their tasks is stopped.

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "cohort/core/clock.hpp"               // sleep_for
#include "cohort/core/deadline_task.hpp"       // shield
#include "cohort/ipc/process.hpp"              // Process
#include "cohort/pool/detail/pool_books.hpp"   // PoolBooks
#include "cohort/pool/detail/pool_job.hpp"     // RemotePool
#include "cohort/pool/detail/pool_worker.hpp"  // pool_worker

namespace cohort::inline v0::detail {

/// A template, as what is made of it: see ProcessPoolCore.
template <class Options>
class PoolStaff : public RemotePool, protected PoolBooks {
 protected:
  // Which process it was, at which place.
  struct WorkerName {
    std::uint32_t place;
    std::uint32_t life;
  };

  PoolStaff(const Options& options, std::size_t workers)
      : PoolBooks(workers, options.max_tasks_per_child),
        options_(options),
        method_(options.start_method) {
    begin_shared_place<PoolBell>(bell_bytes_);
    here_ = std::make_unique<ThreadPool>(1);
  }

  Doorbell& bell() const noexcept { return shared_place<PoolBell>(bell_bytes_).bell; }

  // ---- with the lock

  void start_worker(std::uint32_t place) {
    Worker fresh;
    fresh.place = place;
    fresh.life = workers_[place].life + 1;
    fresh.lane_bytes = make_shared_place<Lane>();
    fresh.lane = &begin_shared_place<Lane>(fresh.lane_bytes);
    PoolInitializer initializer;
    if (options_.initializer) initializer.emplace(options_.initializer);
    ProcessOptions options;
    options.name = "PoolWorker-" + std::to_string(++started_);
    options.daemon = false;
    options.die_with_parent = true;
    options.start_method = method_;
    fresh.process =
        std::make_shared<Process>(std::move(options), pool_worker<LaneWorker>, fresh.lane_bytes,
                                  bell_bytes_, ipc::detail::self().bits, initializer);
    fresh.process->start();
    // Those that replace it are made beside our own threads: the same way.
    method_ = fresh.process->start_method();
    spawn(*here_, watch, this, fresh.process, WorkerName{place, fresh.life});
    workers_[place] = std::move(fresh);
  }
  static Task<> watch(PoolStaff* staff, std::shared_ptr<Process> process, WorkerName name) {
    co_await shield(process->join());
    staff->note_end(name);
  }
  void note_end(WorkerName name) {
    {
      const std::lock_guard lock(mutex_);
      ends_.push_back(name);
      has_ends_.store(true, std::memory_order_seq_cst);
    }
    bell().ring_again();
  }

  void ask_to_stop(Worker& worker, const PoolJob& job) noexcept {
    if (std::exchange(worker.asked_to_stop, job.number) == job.number) return;
    worker.lane->stop_wanted.store(job.number, std::memory_order_seq_cst);
    worker.lane->listener.ring();
    try {
      spawn(*here_, kill_later, this, WorkerName{worker.place, worker.life}, job.number);
    } catch (...) {  // no memory: then it is only asked
    }
  }
  static Task<> kill_later(PoolStaff* staff, WorkerName name, std::uint64_t number) {
    co_await sleep_for(staff->options_.stop_grace);
    staff->kill_if_running(name, number);
  }
  void kill_if_running(WorkerName name, std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    Worker& worker = workers_[name.place];
    if (worker.life != name.life || !worker.process || worker.jobs.empty()) return;
    const auto first = worker.given - worker.jobs.size() + 1;
    if (number < first || !worker.jobs[index_of(worker, number)]) return;
    if (worker.lane->tasks_taken.load(std::memory_order_acquire) >= number)
      return;  // it just ended
    worker.killed_for = number;
    worker.process->kill();
  }

  const Options options_;
  std::mutex mutex_;
  std::deque<WorkerName> ends_;  // that the receiver has yet to see to
  std::atomic<bool> has_ends_{false};

 private:
  std::optional<StartMethod> method_;
  std::uint64_t started_ = 0;
  const SharedBytes bell_bytes_ = make_shared_place<PoolBell>();
};

}  // namespace cohort::inline v0::detail
