// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ProcessPool: worker processes, for functions whose arguments and results can travel.
///
///     ProcessPool pool{4};
///     int x = pool.submit(work, 42).block();
///     std::vector<int> squares = pool.map(square, numbers).block();      // the face of Python's Pool

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/core/future.hpp"                    // Future
#include "cohort/exec/pool_face.hpp"                 // map, imap, close
#include "cohort/pool/detail/pool_job.hpp"           // RemotePool, CallJob
#include "cohort/pool/detail/process_pool_core.hpp"  // the pool itself
#include "cohort/pool/detail/remote_map.hpp"         // RemoteMap
#include "cohort/pool/process_pool_options.hpp"      // ProcessPoolOptions
#include "cohort/wire/remote_call.hpp"               // encode_call

namespace cohort::inline v0 {

/// Any thread may use it at any time; the child processes of its own process may not.
///
/// The function is a function, a lambda without captures, or an empty or serialisable functor;
/// arguments and result are Serializable; else it does not compile, and the compiler names the
/// argument. A coroutine function runs on the worker's own event loop. A standard exception comes
/// back as itself, another as RemoteError. Callbacks run in this process.
///
/// A worker that dies fails only the task it had begun, with WorkerDied, or, of a chunk, the one
/// element; the others run elsewhere, and the worker is replaced, unless they keep dying: then the
/// pool is broken, and says so. What is queued behind a long task moves to a worker that is idle.
///
/// `Future::running()` is true once a worker has begun; cancelled before that, it never does. A
/// running task that is cancelled is asked to stop, as a task of a thread pool would be: what it
/// awaits or blocks on throws Cancelled there. If it does not end within `stop_grace`, its worker is
/// killed. The future is then Cancelled.
///
/// The destructor takes no more work and waits until all is done. It may run anywhere but in a
/// callback of `apply_async` or `map_async`.
class ProcessPool : public detail::PoolFace<ProcessPool> {
  using Core = detail::RemotePool;

 public:
  // Templates, so that nothing of a pool is compiled where none is made.
  template <class Options = ProcessPoolOptions>
  ProcessPool() : ProcessPool(Options{}) {}
  /// `workers`: 1 or more, else std::invalid_argument. Throws what starting a Process does.
  template <std::integral Int>
  explicit ProcessPool(Int workers) : ProcessPool(with_workers(workers)) {}
  template <std::same_as<ProcessPoolOptions> Options = ProcessPoolOptions>
  explicit ProcessPool(const Options& options)
      : core_(std::make_shared<detail::ProcessPoolCore<Options>>(options, checked(options))) {}
  ~ProcessPool() { core_->finish(); }

  /// Calls `fn(args…)` in a worker. Throws ShutDown after close, BrokenPool if the pool is broken, and
  /// what encoding the arguments does.
  template <class Fn, class... Args>
  auto submit(const Fn& fn, const Args&... args) {
    require_remotely_callable<Fn, Args...>();
    using R = SubmitValue<Fn, Args...>;
    OutArchive out;
    out.set_context(this);  // handles depart
    encode_call(out, fn, args...);
    return submit_job<R>(new detail::CallJob<R>(core_, bytes_of(out)));
  }

  /// Takes no more work; done when everything that was begun has ended and the workers are gone.
  auto shutdown() {
    core_->close();
    return core_->drained_operation();
  }
  using PoolFace::shutdown;
  /// Workers that run at the same time.
  std::size_t concurrency() const noexcept { return core_->size(); }

  // For the library from here on.
  /// What the face asks: this pool's work goes elsewhere.
  struct Shipped {};
  template <class Fn, class E>
  using Map = detail::RemoteMap<Fn, E>;
  template <class Fn, class E>
  using MapValue = detail::shipped_t<Fn, std::remove_cvref_t<E>>;
  template <class Fn, class... Args>
  using SubmitValue =
      typename decltype(detail::submitted<std::decay_t<Fn>, std::decay_t<Args>...>())::type;
  detail::RemotePool& core() noexcept { return *core_; }
  /// Where what belongs to this process runs, callbacks for one.
  detail::Home& home() noexcept { return core_->here().home(); }
  void drop_queued() noexcept { core_->drop_queued(); }
  void stop_tasks() noexcept { core_->terminate(); }

  template <class T>
  Future<T> launch_here(Task<T>&& task) {
    core_->hold();
    Future<T> future;
    try {
      future = detail::launch(home(), std::move(task));
      future.add_done_callback([core = core_](const Future<T>&) { core->unhold(); });
    } catch (...) {
      core_->unhold();
      throw;
    }
    return future;
  }
  template <class Fn, class E>
  auto submit_chunk(const Fn& fn, const std::vector<detail::Item<E>>& items) {
    using Call = detail::ChunkCall<Fn, E, true>;
    using T = MapValue<Fn, E>;
    OutArchive out;
    out.set_context(this);
    const auto element = [&items](std::uint64_t i) -> const E& {
      return items[static_cast<std::size_t>(i)].value;
    };
    Call::encode(out, fn, element, items.size());
    using Chunk = detail::ChunkJob<T, typename Call::Yielded>;
    return submit_job<std::vector<detail::Fate<T>>>(new Chunk(core_, bytes_of(out), items.size()));
  }

 private:
  static std::vector<std::byte> bytes_of(const OutArchive& out) {
    return {out.bytes().begin(), out.bytes().end()};
  }
  template <class R, class Job>
  Future<R> submit_job(Job* job) {
    Future<R> future{detail::StateRef<R>(job)};
    job->retain();  // the pool's own
    detail::PoolJob* const jobs[] = {job};
    try {
      core_->submit(jobs, false);
    } catch (...) {
      job->release();
      throw;
    }
    return future;
  }

  template <std::integral Int>
  static ProcessPoolOptions with_workers(Int workers) {
    ProcessPoolOptions options;
    options.workers = std::cmp_greater(workers, ipc::detail::max_members) ? -1
                      : std::cmp_less(workers, 1)                         ? 0
                                                  : static_cast<std::int64_t>(workers);
    return options;
  }
  static std::size_t checked(const ProcessPoolOptions& options) {
    if (options.max_tasks_per_child && *options.max_tasks_per_child < 1) {
      throw std::invalid_argument("ProcessPool: max_tasks_per_child must be at least 1");
    }
    if (!options.workers) return os::cpu_count();
    if (*options.workers < 1 || *options.workers >= ipc::detail::max_members - 1) {
      throw std::invalid_argument("ProcessPool: the number of workers must be 1 to " +
                                  std::to_string(ipc::detail::max_members - 2));
    }
    return static_cast<std::size_t>(*options.workers);
  }

  const std::shared_ptr<Core> core_;
};

}  // namespace cohort::inline v0
