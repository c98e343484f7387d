// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What makes a ProcessPool run.
///
/// Each worker has a lane with many tasks ahead. It begins them in order and says so in shared
/// memory; so when it dies, the pool knows which one it had begun, and gives the others to somebody
/// else. What is queued behind a long task is taken back for a worker that has nothing to do. One
/// thread reads the answers of all lanes; it alone ends what was begun.

#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "cohort/core/detail/quiet_threads.hpp"  // QuietSection
#include "cohort/error.hpp"                      // WorkerDied, BrokenPool, ShutDown
#include "cohort/ipc/process.hpp"                // Process
#include "cohort/pool/detail/pool_job.hpp"       // PoolJob
#include "cohort/pool/detail/pool_staff.hpp"     // PoolStaff
#include "cohort/pool/detail/worker_death.hpp"   // worker_death
#include "cohort/pool/process_pool_options.hpp"  // ProcessPoolOptions

namespace cohort::inline v0::detail {

/// A template: what only a pool needs is made only where there is one.
template <class Options = ProcessPoolOptions>
class ProcessPoolCore final : public PoolStaff<Options> {
  using Staff = PoolStaff<Options>;

 public:
  ProcessPoolCore(const Options& options, std::size_t workers) : Staff(options, workers) {
    try {
      for (std::uint32_t i = 0; i < workers; ++i) this->start_worker(i);
      receiver_ = std::thread([this] { receive(); });
    } catch (...) {
      for (Worker& worker : workers_) {
        if (worker.process) worker.process->kill();
      }
      here_.reset();  // they have ended
      throw;
    }
  }

  void finish() noexcept override {
    close();
    if (std::this_thread::get_id() == receiver_.get_id()) {  // in a callback
      while (!drained_.is_set()) receive_once();
      keep_ = this->shared_from_this();
      stopped_.store(true, std::memory_order_seq_cst);
      receiver_.detach();
    } else {
      Context* const context = current_context();
      const BlockedSection blocked(context);
      const AsideSection aside(context);
      this->drained_operation().block();
      stopped_.store(true, std::memory_order_seq_cst);
      bell().ring();
      receiver_.join();
    }
    here_.reset();
  }

  std::size_t size() const noexcept override { return workers_.size(); }

  void submit(std::span<PoolJob* const> jobs, bool may_be_held) override {
    Ended ended;
    {
      const std::lock_guard lock(mutex_);
      if (broken_) std::rethrow_exception(broken_);
      const bool held = may_be_held && holds_ != 0;
      if (held && terminated_) throw Cancelled{};
      if (closed_ && !held) {
        throw ShutDown("this ProcessPool was shut down: it takes no more work");
      }
      waiting_.insert(waiting_.end(), jobs.begin(), jobs.end());
      this->feed(ended);
    }
    this->end(ended);
  }

  void close() noexcept override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    let_go_if_idle();
  }
  void hold() override {
    const std::lock_guard lock(mutex_);
    ++holds_;
  }
  void unhold() noexcept override {
    const std::lock_guard lock(mutex_);
    --holds_;
    let_go_if_idle();
  }

  void drop_queued() noexcept override {
    drop_queued(std::make_exception_ptr(Cancelled{}));
    const std::lock_guard lock(mutex_);
    let_go_if_idle();
  }
  void terminate() noexcept override {
    {
      const std::lock_guard lock(mutex_);
      closed_ = terminated_ = true;
    }
    drop_queued(std::make_exception_ptr(Cancelled{}));
    const std::lock_guard lock(mutex_);
    for (Worker& worker : workers_) {
      if (worker.process) worker.process->kill();
    }
    let_go_if_idle();
  }
  void prune() noexcept override {
    Ended ended;
    {
      const std::lock_guard lock(mutex_);
      std::erase_if(waiting_, [&](PoolJob* job) {
        const bool over = job->place == PoolJob::revoked || job->is_over();
        if (over) ended.jobs.push_back({job, nullptr});
        return over;
      });
      let_go_if_idle();
    }
    this->end(ended);
  }

  bool has_begun(const PoolJob& job) noexcept override {
    const std::lock_guard lock(mutex_);
    return job.place == PoolJob::answering || this->is_begun(job);
  }
  bool revoke(PoolJob& job) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      if (job.place == PoolJob::answering) return false;
      if (job.place >= workers_.size()) {
        job.place = PoolJob::revoked;
        return true;
      }
      Worker& worker = workers_[job.place];
      if (!this->take_back(worker, job)) {
        this->ask_to_stop(worker, job);
        return false;
      }
      let_go_if_idle();
    }
    job.abandon(std::make_exception_ptr(Cancelled{}));
    return true;
  }

 private:
  using Ended = PoolBooks::Ended;
  using Worker = PoolBooks::Worker;
  using WorkerName = typename Staff::WorkerName;
  using Staff::bell;
  using Staff::drained_;
  using Staff::ends_;
  using Staff::has_ends_;
  using Staff::here_;
  using Staff::mutex_;
  using Staff::options_;
  using Staff::waiting_;
  using Staff::workers_;

  struct Answer {
    PoolJob* job;
    LanePlace* place;
    std::uint64_t number;
    Worker* worker;
  };

  static constexpr unsigned storm = 3;  // deaths in a row, for each worker, without an answer

  // ---- with the lock

  bool idle() const noexcept { return holds_ == 0 && !this->has_work(); }
  void let_go_if_idle() noexcept {
    if (!closed_ || !idle()) return;
    bool gone = true;
    for (Worker& worker : workers_) {
      if (!worker.process) continue;
      gone = false;
      this->let_go(worker);
    }
    if (gone) drained_.set();
  }

  void drop_queued(const std::exception_ptr& error) noexcept {
    Ended ended;
    {
      const std::lock_guard lock(mutex_);
      this->take_all_back(ended, error);
    }
    this->end(ended);
  }

  // ---- the receiver's thread

  void receive() noexcept {
    const QuietSection quiet;
    while (!stopped_.load(std::memory_order_seq_cst)) receive_once();
    const auto last = std::move(keep_);
  }
  // Reads what there is, or sleeps. While answers come in numbers the workers need not wake it for
  // each.
  void receive_once() noexcept {
    deliver();
    std::size_t answers = 0;
    for (Worker& worker : workers_) answers += read(worker);
    const bool ends = has_ends_.load(std::memory_order_seq_cst);
    if (ends) on_ends();
    if (answers != 0 || ends) {
      many_ = answers >= 8;
      return;
    }
    const auto ready = [this] {
      if (has_ends_.load(std::memory_order_seq_cst)) return true;
      for (const Worker& worker : workers_) {
        if (worker.lane &&
            worker.lane->answers_given.load(std::memory_order_seq_cst) != worker.read) {
          return true;
        }
      }
      return stopped_.load(std::memory_order_seq_cst);
    };
    if (std::exchange(many_, false)) {
      bell().sleep(Doorbell::napping, Clock::now() + std::chrono::microseconds(50), ready);
    } else {
      bell().sleep(Doorbell::asleep, never, ready);
    }
  }

  std::size_t read(Worker& worker) noexcept {
    if (!worker.lane) return 0;
    const auto given = worker.lane->answers_given.load(std::memory_order_acquire);
    const std::size_t count = static_cast<std::size_t>(given - worker.read);
    if (count == 0) return 0;
    const SharedBytes keep = worker.lane_bytes;
    Ended ended;
    {
      const std::lock_guard lock(mutex_);
      deaths_in_a_row_ = 0;
      for (; worker.read != given; ++worker.read) {
        LanePlace& place = worker.lane->answer(worker.read);
        answers_.push_back({this->take(worker, place), &place, worker.read, &worker});
      }
      this->feed(ended);
    }
    this->end(ended);
    deliver();
    const std::lock_guard lock(mutex_);
    let_go_if_idle();
    return count;
  }
  // A callback may end the pool, which then goes on within it.
  void deliver() noexcept {
    while (!answers_.empty()) {
      const Answer answer = answers_.front();
      answers_.pop_front();
      deliver(answer);
    }
  }
  void deliver(const Answer& answer) noexcept {
    Lane& lane = *answer.worker->lane;
    InArchive in(answer.place->bytes());
    in.set_context(&in);
    if (answer.job) {
      answer.job->answer(in, answer.place->last != 0);
    } else {
      std::exception_ptr error;
      try {
        error = in.read<std::exception_ptr>();
      } catch (...) {
        error = std::current_exception();
      }
      break_pool(error);
    }
    answer.place->free();
    const auto before = lane.answers_read.exchange(answer.number + 1, std::memory_order_seq_cst);
    const auto given = lane.answers_given.load(std::memory_order_relaxed);
    if (given - before >= Lane::places) lane.worker.ring();
  }

  void on_ends() noexcept {
    for (;;) {
      WorkerName name{};
      {
        const std::lock_guard lock(mutex_);
        if (ends_.empty()) {
          has_ends_.store(false, std::memory_order_seq_cst);
          return;
        }
        name = ends_.front();
        ends_.pop_front();
      }
      on_end(name);
    }
  }
  void on_end(WorkerName name) noexcept {
    Worker& worker = workers_[name.place];
    if (worker.life != name.life || !worker.process) return;
    read(worker);  // its last words
    PoolJob* begun = nullptr;
    std::exception_ptr error;
    bool retry = false;
    bool stopped = false;
    bool died = false;
    {
      const std::lock_guard lock(mutex_);
      ++holds_;
      died = worker.open != 0;
      for (PoolJob* const job : worker.jobs) {
        if (!job || !this->is_begun(*job)) continue;
        begun = job;
        stopped = terminated_ || worker.killed_for == job->number;
        error =
            stopped ? std::make_exception_ptr(Cancelled{}) : worker_death(*worker.process, *job);
        retry = !stopped && options_.on_worker_death == OnWorkerDeath::retry && ++job->deaths < 3;
        job->place = PoolJob::answering;  // until it waits again, if it does
        break;
      }
    }
    // One that was stopped is over; of a chunk that died the next elements are still to be done.
    bool again = retry;
    if (begun && !retry) {
      if (stopped) {
        begun->abandon(std::move(error));
      } else if (begun->abandon_one(std::move(error))) {
        begun->answered += 1;
        begun->deaths = 0;
        again = true;
      }
    }
    std::exception_ptr broken;
    Ended ended;
    {
      const std::lock_guard lock(mutex_);
      // What it had not begun comes first.
      for (auto job = worker.jobs.rbegin(); job != worker.jobs.rend(); ++job) {
        if (!*job || (*job == begun && !again)) continue;
        (*job)->place = PoolJob::nowhere;
        waiting_.push_front(*job);
      }
      if ((!worker.leaving || died) && worker.killed_for == 0) {
        if (++deaths_in_a_row_ > storm * workers_.size()) broken = worker_storm(*worker.process);
      }
      this->forget(worker);
      --holds_;
      if ((!closed_ || !idle()) && !broken_ && !broken && !terminated_) {
        try {
          this->start_worker(name.place);
        } catch (...) {
          broken = std::current_exception();
        }
      }
      if (!broken) this->feed(ended);
    }
    this->end(ended);
    if (broken) break_pool(broken);
    const std::lock_guard lock(mutex_);
    let_go_if_idle();
  }
  void break_pool(std::exception_ptr error) noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (!broken_) {
        broken_ =
            std::make_exception_ptr(BrokenPool("this ProcessPool is broken: " + describe(error)));
      }
      error = broken_;
      closed_ = true;
    }
    drop_queued(error);
    const std::lock_guard lock(mutex_);
    let_go_if_idle();
  }

  bool closed_ = false;
  bool terminated_ = false;
  std::size_t holds_ = 0;
  std::exception_ptr broken_;
  std::size_t deaths_in_a_row_ = 0;
  // The receiver's.
  std::deque<Answer> answers_;
  bool many_ = false;
  std::shared_ptr<RemotePool> keep_;
  std::atomic<bool> stopped_{false};
  std::thread receiver_;
};

}  // namespace cohort::inline v0::detail
