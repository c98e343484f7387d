// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What stands behind a ProcessPool.
///
/// Each worker has a channel of its own with a few tasks ahead, all share one for their reports. A
/// worker begins its tasks in the order in which it got them and says how many it has begun in its
/// channel's mark; so when it dies, the pool knows which task it had begun, and gives the others to
/// somebody else. That a worker has ended is one more report, sent by the pool itself when the
/// process is gone: behind all that the worker had sent.

#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cohort/core/detail/basic_event.hpp"    // drained
#include "cohort/core/detail/quiet_threads.hpp"  // QuietSection
#include "cohort/error.hpp"                      // WorkerDied, BrokenPool, ShutDown
#include "cohort/exec/thread_pool.hpp"           // callbacks
#include "cohort/ipc/process.hpp"                // Process
#include "cohort/pool/detail/pool_worker.hpp"    // pool_worker, Report
#include "cohort/pool/process_pool_options.hpp"  // ProcessPoolOptions

namespace cohort::inline v0::detail {

/// A task as the pool sees it: bytes, and what becomes of it.
class PoolJob {
 public:
  virtual ~PoolJob() = default;
  /// An answer has come.
  virtual void answer(InArchive& in) noexcept = 0;
  virtual void fail(std::exception_ptr error) noexcept = 0;
  /// Nobody waits for it any more: it was cancelled.
  virtual bool is_over() const noexcept = 0;

  std::vector<std::byte> call;
  unsigned begun = 0;  // how often a worker died with it
};

class ProcessPoolCore {
 public:
  ProcessPoolCore(const ProcessPoolOptions& options, std::size_t workers)
      : options_(options), method_(options.start_method), workers_(workers) {
    auto channel = ipc::channel<std::uint8_t>(std::uint64_t{1} << 40);
    reports_in_ = std::move(channel.tx);
    reports_ = std::move(channel.rx);
    try {
      for (std::uint32_t i = 0; i < workers; ++i) start_worker(i);
    } catch (...) {
      for (Worker& worker : workers_) {
        if (worker.process) worker.process->kill();
      }
      throw;
    }
    receiver_ = std::thread([this] { receive(); });
  }
  auto drained_operation() { return Operation(EventWait<BasicEvent<Gate>>{&drained_}); }
  ~ProcessPoolCore() {
    close();
    drained_operation().block();
    OutArchive out;
    send_raw(reports_in_, begin_report(out, Report::stop, {}));
    receiver_.join();
    for (Worker& worker : workers_) {
      if (worker.process) worker.process->join().block();
    }
  }

  std::size_t size() const noexcept { return workers_.size(); }
  ThreadPool& here() noexcept { return here_; }

  /// Throws ShutDown after close, BrokenPool if the pool is broken.
  void submit(std::unique_ptr<PoolJob> job) {
    const std::lock_guard lock(mutex_);
    if (broken_) std::rethrow_exception(broken_);
    if (closed_) throw ShutDown("this ProcessPool was shut down: it takes no more work");
    waiting_.push_back(std::move(job));
    feed();
  }

  void close() noexcept {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    let_go_if_idle();
  }

  /// Fails all that waits and all that runs, and kills the workers.
  void terminate() noexcept {
    std::vector<std::unique_ptr<PoolJob>> jobs;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      take_all(jobs);
      for (Worker& worker : workers_) {
        if (worker.process) worker.process->kill();
      }
      let_go_if_idle();
    }
    for (auto& job : jobs) job->fail(std::make_exception_ptr(Cancelled{}));
  }

 private:
  struct Worker {
    std::shared_ptr<Process> process;
    RawSender tasks{RawSender::ByName{}};
    std::uint32_t life = 0;
    std::uint64_t given = 0;                    // tasks of this life
    std::uint64_t answered = 0;                 // of these
    std::deque<std::unique_ptr<PoolJob>> jobs;  // given and not answered
    bool leaving = false;  // gets no more: it ends when it has done what it has
  };

  static constexpr std::size_t ahead = 2;  // tasks that a worker has beside the one it runs
  static constexpr unsigned storm = 3;     // deaths in a row, for each worker, without an answer

  // ---- with the lock

  void start_worker(std::uint32_t place) {
    Worker& worker = workers_[place];
    auto [tasks, receiver] = ipc::channel<std::uint8_t>(ahead + 2);
    worker.life += 1;
    worker.given = worker.answered = 0;
    worker.leaving = false;
    PoolInitializer initializer;
    if (options_.initializer) initializer.emplace(options_.initializer);
    ProcessOptions options;
    options.name = "PoolWorker-" + std::to_string(++started_);
    options.daemon = false;
    options.die_with_parent = true;
    options.start_method = method_;
    auto process = std::make_shared<Process>(std::move(options), pool_worker, std::move(receiver),
                                             reports_in_, place, worker.life, initializer);
    process->start();
    // Those that replace it are made beside our own threads: the same way.
    method_ = process->start_method();
    worker.process = std::move(process);
    worker.tasks = std::move(tasks);
    spawn(here_, watch, this, worker.process, WorkerName{place, worker.life});
  }

  static Task<> watch(ProcessPoolCore* core, std::shared_ptr<Process> process, WorkerName name) {
    co_await shield(process->join());
    OutArchive out;
    co_await shield(raw_sending(core->reports_in_, begin_report(out, Report::ended, name)));
  }

  bool may_take(const Worker& worker) const noexcept {
    if (!worker.process || worker.leaving || worker.jobs.size() > ahead) return false;
    return !options_.max_tasks_per_child ||
           std::cmp_less(worker.given, *options_.max_tasks_per_child);
  }
  // Gives what waits to the workers that have least.
  void feed() {
    while (!waiting_.empty()) {
      if (waiting_.front()->is_over()) {
        waiting_.pop_front();
        continue;
      }
      Worker* best = nullptr;
      for (Worker& worker : workers_) {
        if (may_take(worker) && (!best || worker.jobs.size() < best->jobs.size())) best = &worker;
      }
      if (!best) return;
      auto& call = waiting_.front()->call;
      auto message = ipc::detail::Message::of_bytes(call, best->tasks.name());
      if (best->tasks.queue().try_push(message.offset()) !=
          ipc::detail::QueueObject::Result::done) {
        best->leaving = true;  // it has ended, and that is about to be reported
        continue;
      }
      message.release();
      best->given += 1;
      best->jobs.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
      if (options_.max_tasks_per_child &&
          std::cmp_greater_equal(best->given, *options_.max_tasks_per_child)) {
        let_go(*best);
      }
    }
  }
  static void let_go(Worker& worker) noexcept {
    worker.leaving = true;
    if (worker.tasks) worker.tasks.close();
  }
  bool idle() const noexcept {
    if (!waiting_.empty()) return false;
    for (const Worker& worker : workers_) {
      if (!worker.jobs.empty()) return false;
    }
    return true;
  }
  void let_go_if_idle() noexcept {
    if (!closed_ || !idle()) return;
    bool gone = true;
    for (Worker& worker : workers_) {
      if (!worker.process) continue;
      gone = false;
      let_go(worker);
    }
    if (gone) drained_.set();
  }
  void take_all(std::vector<std::unique_ptr<PoolJob>>& jobs) noexcept {
    for (auto& job : waiting_) jobs.push_back(std::move(job));
    waiting_.clear();
    for (Worker& worker : workers_) {
      for (auto& job : worker.jobs) jobs.push_back(std::move(job));
      worker.jobs.clear();
    }
  }

  // ---- the receiver's thread

  void receive() noexcept {
    const QuietSection quiet;
    for (;;) {
      const auto message = receive_raw(reports_);
      InArchive in(message.bytes());
      in.set_context(&in);
      const auto report = in.read<Report>();
      const auto place = in.read<std::uint32_t>();
      const WorkerName name{place, in.read<std::uint32_t>()};
      switch (report) {
        case Report::answer: on_answer(name, in); break;
        case Report::broken: break_pool(in.read<std::exception_ptr>()); break;
        case Report::ended: on_end(name); break;
        case Report::stop: return;
      }
    }
  }

  void on_answer(WorkerName name, InArchive& in) {
    std::unique_ptr<PoolJob> job;
    {
      const std::lock_guard lock(mutex_);
      Worker& worker = workers_[name.place];
      if (worker.life != name.life || worker.jobs.empty()) return;  // failed meanwhile
      job = std::move(worker.jobs.front());
      worker.jobs.pop_front();
      worker.answered += 1;
      deaths_in_a_row_ = 0;
      feed();
    }
    job->answer(in);
    const std::lock_guard lock(mutex_);
    let_go_if_idle();
  }

  void on_end(WorkerName name) {
    std::vector<std::unique_ptr<PoolJob>> failed;
    std::exception_ptr error;
    std::exception_ptr broken;
    {
      const std::lock_guard lock(mutex_);
      Worker& worker = workers_[name.place];
      if (worker.life != name.life || !worker.process) return;
      const auto begun = worker.tasks.queue().mark.load(std::memory_order_acquire);
      const bool died = !worker.jobs.empty();
      if (begun > worker.answered && died) {
        auto job = std::move(worker.jobs.front());
        worker.jobs.pop_front();
        error = death_of(*worker.process, begun);
        if (options_.on_worker_death == OnWorkerDeath::retry && ++job->begun < 3) {
          worker.jobs.push_front(std::move(job));
        } else {
          failed.push_back(std::move(job));
        }
      }
      // What it had not begun comes first.
      while (!worker.jobs.empty()) {
        waiting_.push_front(std::move(worker.jobs.back()));
        worker.jobs.pop_back();
      }
      if (!worker.leaving || died) {
        if (++deaths_in_a_row_ > storm * workers_.size()) broken = storm_of(*worker.process);
      }
      worker.process.reset();
      worker.tasks = RawSender(RawSender::ByName{});
      if (!closed_ || !waiting_.empty()) {
        try {
          if (!broken_ && !broken) start_worker(name.place);
        } catch (...) {
          broken = std::current_exception();
        }
      }
      if (!broken) feed();
    }
    for (auto& job : failed) job->fail(error);
    if (broken) break_pool(broken);
    const std::lock_guard lock(mutex_);
    let_go_if_idle();
  }

  static std::exception_ptr death_of(const Process& process, std::uint64_t number) {
    const auto code = process.exitcode();
    return std::make_exception_ptr(WorkerDied(
        "the worker process " + std::to_string(process.pid()) + " ended while it ran this task, " +
            how(code),
        process.pid(), code, "task " + std::to_string(number) + " of " + process.name()));
  }
  static std::exception_ptr storm_of(const Process& process) {
    return std::make_exception_ptr(
        BrokenPool("this ProcessPool is broken: its workers end one after the other without "
                   "finishing a task, the last one " +
                   how(process.exitcode())));
  }
  static std::string how(std::optional<int> code) {
    if (!code) return "nobody knows how";
    return *code < 0 ? "killed by signal " + std::to_string(-*code)
                     : "with exit code " + std::to_string(*code);
  }

  void break_pool(std::exception_ptr error) {
    std::vector<std::unique_ptr<PoolJob>> jobs;
    {
      const std::lock_guard lock(mutex_);
      if (!broken_) {
        broken_ =
            std::make_exception_ptr(BrokenPool("this ProcessPool is broken: " + describe(error)));
      }
      error = broken_;
      closed_ = true;
      take_all(jobs);
      let_go_if_idle();
    }
    for (auto& job : jobs) job->fail(error);
  }

  const ProcessPoolOptions options_;
  std::optional<StartMethod> method_;
  std::mutex mutex_;
  std::deque<std::unique_ptr<PoolJob>> waiting_;
  std::vector<Worker> workers_;
  bool closed_ = false;
  std::exception_ptr broken_;
  std::size_t deaths_in_a_row_ = 0;
  std::uint64_t started_ = 0;
  BasicEvent<Gate> drained_;
  RawSender reports_in_{RawSender::ByName{}};
  RawReceiver reports_{RawReceiver::ByName{}};
  std::thread receiver_;
  ThreadPool here_{1};  // the last to be made, the first to go
};

}  // namespace cohort::inline v0::detail
