// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ThreadPool: threads that really run in parallel, for functions and coroutines.
///
///     ThreadPool pool{4};
///     int x = pool.submit(work, 42).block();        // a function or a coroutine function
///     run(pool, pipeline());                        // a whole task
///
/// Work-stealing: see exec/detail/pool_core.hpp for how.

#include <concepts>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>

#include "cohort/exec/detail/drain_wait.hpp"  // drained
#include "cohort/exec/detail/pool_core.hpp"   // the pool itself
#include "cohort/exec/executor.hpp"           // SchedulerFace
#include "cohort/exec/run.hpp"                // block of a PoolTask

namespace cohort::inline v0 {

struct ThreadPoolOptions {
  std::size_t workers = 0;       ///< 0: as many as the process may use CPUs
  std::size_t spare_limit = 64;  ///< threads at most that make up for blocked workers
};

/// Any thread may use it at any time. A plain function that blocks on one of the pool's threads is
/// made up for by a spare thread, so `submit(f).block()` inside a function on a pool of one
/// finishes.
///
/// The destructor never throws and does not hang on a wait that nobody will satisfy: it takes no
/// more work, lets what is queued run, then cancels the tasks that are still suspended and awaits
/// them. It may run anywhere, also on one of the pool's own workers; the task it runs in is then
/// asked to stop like the others, and its worker ends with it.
template <class X = void>
class BasicThreadPool : public detail::SchedulerFace<BasicThreadPool<X>> {
 public:
  BasicThreadPool() : BasicThreadPool(ThreadPoolOptions{}) {}
  /// `workers`: 1 or more, else std::invalid_argument.
  template <std::integral Int>
  explicit BasicThreadPool(Int workers) : BasicThreadPool(checked(workers)) {}
  explicit BasicThreadPool(ThreadPoolOptions options)
      : core_(std::make_shared<detail::PoolCore>(
            options.workers ? options.workers : os::cpu_count(), options.spare_limit)) {
    core_->start();
  }
  BasicThreadPool(const BasicThreadPool&) = delete;
  BasicThreadPool& operator=(const BasicThreadPool&) = delete;
  ~BasicThreadPool() { core_->stop(); }

  /// Takes no more work; done when everything that was begun has ended.
  auto shutdown() {
    core_->close();
    return detail::drained(core_->drained(), nullptr);
  }

  /// Workers that run at the same time.
  std::size_t concurrency() const noexcept { return core_->workers(); }
  using detail::SchedulerFace<BasicThreadPool>::shutdown;
  detail::Home& home() noexcept { return *core_; }
  /// For the library: asks every task to stop.
  void stop_tasks() noexcept { core_->stop_tasks(); }
  /// For the library: what has not begun never will.
  void drop_queued() noexcept { core_->drop_queued(); }

 private:
  template <std::integral Int>
  static ThreadPoolOptions checked(Int workers) {
    if (std::cmp_less(workers, 1) || std::cmp_greater(workers, 4096)) {
      throw std::invalid_argument("ThreadPool: the number of workers is " +
                                  std::to_string(workers) + ", must be 1 to 4096");
    }
    ThreadPoolOptions options;
    options.workers = static_cast<std::size_t>(workers);
    return options;
  }

  std::shared_ptr<detail::PoolCore> core_;
};
using ThreadPool = BasicThreadPool<>;

}  // namespace cohort::inline v0
