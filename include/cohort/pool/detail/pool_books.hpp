// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A ProcessPool's books: what waits, and which worker has what. Whoever uses them has the pool's
/// lock, and tells the jobs in `Ended` what became of them when he has it no more.

#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cohort/error.hpp"                 // Cancelled
#include "cohort/ipc/process.hpp"           // Process
#include "cohort/pool/detail/lane.hpp"      // Lane
#include "cohort/pool/detail/pool_job.hpp"  // PoolJob

namespace cohort::inline v0::detail {

template <class = void>
class BasicPoolBooks {
 public:
  struct Worker {
    std::shared_ptr<Process> process;
    SharedBytes lane_bytes{SharedBytes::ByName{}};
    Lane* lane = nullptr;
    std::uint32_t place = 0;
    std::uint32_t life = 0;           // the how manieth process it is
    std::uint64_t given = 0;          // tasks of this life
    std::uint64_t read = 0;           // answers
    std::int64_t tasks = 0;           // given and not taken back
    std::size_t open = 0;             // and not answered
    std::deque<PoolJob*> jobs;        // those numbered up to `given`; null: taken back
    std::uint64_t asked_to_stop = 0;  // the number of a task
    std::uint64_t killed_for = 0;     // of that task, because it did not
    bool leaving = false;             // gets no more: it ends when it has done what it has

    bool has_room() const noexcept {
      return given - lane->tasks_taken.load(std::memory_order_acquire) < Lane::places;
    }
  };
  // What is over; null: no news. Told to the jobs without the lock.
  struct Ended {
    struct One {
      PoolJob* job;
      std::exception_ptr error;
    };
    std::vector<One> jobs;
  };

  BasicPoolBooks(std::size_t workers, std::optional<std::int64_t> max_tasks)
      : workers_(workers), max_tasks_(max_tasks) {}

  static void end(Ended& ended) noexcept {
    for (auto& [job, error] : ended.jobs) {
      job->abandon(error ? std::move(error) : std::make_exception_ptr(Cancelled{}));
    }
    ended.jobs.clear();
  }

  bool may_take(const Worker& worker) const noexcept {
    if (!worker.process || worker.leaving || !worker.has_room()) return false;
    return !max_tasks_ || std::cmp_less(worker.tasks, *max_tasks_);
  }
  // Gives what waits to the workers that have least, and to those that have nothing what others
  // have not begun.
  void feed(Ended& ended) {
    while (!waiting_.empty()) {
      PoolJob* const job = waiting_.front();
      if (job->place == PoolJob::revoked || job->is_over()) {
        waiting_.pop_front();
        ended.jobs.push_back({job, nullptr});
        continue;
      }
      Worker* best = nullptr;
      for (Worker& worker : workers_) {
        if ((!best || worker.open < best->open) && may_take(worker)) best = &worker;
      }
      if (!best) break;
      waiting_.pop_front();
      give(*best, *job, ended);
    }
    if (waiting_.empty()) {
      for (Worker& worker : workers_) {
        if (worker.open == 0 && may_take(worker)) help(worker, ended);
      }
    }
    for (Worker& worker : workers_) {
      if (worker.lane) worker.lane->worker.ring();
    }
  }
  void give(Worker& worker, PoolJob& job, Ended& ended) {
    while (!worker.jobs.empty() && !worker.jobs.front()) worker.jobs.pop_front();  // taken back
    LanePlace& place = worker.lane->task(worker.given);
    try {
      place.put(job.call());
      worker.jobs.push_back(&job);
    } catch (...) {
      place.free();
      ended.jobs.push_back({&job, std::current_exception()});
      return;
    }
    place.first = job.answered;
    place.word.store(Lane::given, std::memory_order_relaxed);
    job.place = worker.place;
    job.number = ++worker.given;
    worker.open += 1;
    worker.tasks += 1;
    worker.lane->tasks_given.store(worker.given, std::memory_order_seq_cst);
    if (max_tasks_ && std::cmp_greater_equal(worker.tasks, *max_tasks_)) {
      let_go(worker);
    }
  }
  // Half of what the busiest has not begun.
  void help(Worker& idle, Ended& ended) {
    Worker* busiest = nullptr;
    for (Worker& worker : workers_) {
      if (worker.open > 1 && (!busiest || worker.open > busiest->open)) busiest = &worker;
    }
    if (!busiest) return;
    std::vector<PoolJob*> jobs;
    for (auto n = busiest->jobs.size(), wanted = busiest->open / 2; n > 0 && wanted > 0; --n) {
      PoolJob* const job = busiest->jobs[n - 1];
      if (!job) continue;
      if (!take_back(*busiest, *job)) break;
      jobs.push_back(job);
      --wanted;
    }
    for (; !jobs.empty(); jobs.pop_back()) {
      if (may_take(idle)) {
        give(idle, *jobs.back(), ended);
      } else {
        waiting_.push_back(jobs.back());
      }
    }
  }

  std::size_t index_of(const Worker& worker, std::uint64_t number) const noexcept {
    return static_cast<std::size_t>(number - (worker.given - worker.jobs.size()) - 1);
  }
  bool is_begun(const PoolJob& job) const noexcept {
    return job.place < workers_.size() &&
           workers_[job.place].lane->task(job.number - 1).word.load(std::memory_order_acquire) ==
               Lane::begun;
  }
  // Unless it has begun.
  bool take_back(Worker& worker, PoolJob& job) noexcept {
    LanePlace& place = worker.lane->task(job.number - 1);
    auto word = Lane::given;
    if (!place.word.compare_exchange_strong(word, Lane::revoked, std::memory_order_acq_rel)) {
      return false;
    }
    place.free();
    worker.jobs[index_of(worker, job.number)] = nullptr;
    worker.open -= 1;
    worker.tasks -= 1;
    job.place = PoolJob::nowhere;
    return true;
  }
  // Whose answer it is. With the lock.
  PoolJob* take(Worker& worker, const LanePlace& answer) noexcept {
    if (answer.task == 0) return nullptr;
    PoolJob* const job = worker.jobs[index_of(worker, answer.task)];
    job->answered += 1;
    job->deaths = 0;
    if (!answer.last) return job;
    worker.lane->task(answer.task - 1).free();
    job->place = PoolJob::answering;
    worker.open -= 1;
    while (worker.given - worker.jobs.size() < answer.task) worker.jobs.pop_front();
    return job;
  }
  // It has ended, and what it had is somebody else's.
  static void forget(Worker& worker) noexcept {
    Lane& lane = *worker.lane;
    for (auto number = worker.given - worker.jobs.size(); number < worker.given; ++number) {
      lane.task(number).free();
    }
    // A block that it had made ours, and did not come to say so.
    if (const auto departing = lane.departing.load(std::memory_order_acquire)) {
      const auto& block = ipc::detail::Heap::block_of(departing);
      if (block.generation.load() == lane.departing_generation.load() &&
          block.owner.load() == ipc::detail::self().bits) {
        ipc::detail::Heap::free(departing);
      }
    }
    worker.jobs.clear();
    worker.open = 0;
    worker.lane = nullptr;
    worker.lane_bytes = SharedBytes(SharedBytes::ByName{});
    worker.process.reset();
  }

  static void let_go(Worker& worker) noexcept {
    worker.leaving = true;
    worker.lane->closed.store(true, std::memory_order_seq_cst);
    worker.lane->worker.ring();
  }

  // All that has not begun.
  void take_all_back(Ended& ended, const std::exception_ptr& error) {
    for (PoolJob* const job : waiting_) ended.jobs.push_back({job, error});
    waiting_.clear();
    for (Worker& worker : workers_) {
      for (PoolJob* const job : worker.jobs) {
        if (job && take_back(worker, *job)) ended.jobs.push_back({job, error});
      }
    }
  }
  bool has_work() const noexcept {
    if (!waiting_.empty()) return true;
    for (const Worker& worker : workers_) {
      if (worker.open != 0) return true;
    }
    return false;
  }

  std::vector<Worker> workers_;
  std::deque<PoolJob*> waiting_;

 private:
  const std::optional<std::int64_t> max_tasks_;
};
using PoolBooks = BasicPoolBooks<>;

}  // namespace cohort::inline v0::detail
