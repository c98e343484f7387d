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
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "cohort/core/future.hpp"                    // Future
#include "cohort/exec/executor.hpp"                  // Executor
#include "cohort/exec/pool_face.hpp"                 // map, imap, close
#include "cohort/pool/detail/process_pool_core.hpp"  // the pool itself
#include "cohort/pool/process_pool_options.hpp"      // ProcessPoolOptions
#include "cohort/wire/remote_call.hpp"               // encode_call

namespace cohort::inline v0 {

/// Any thread may use it at any time; the child processes of its own process may not.
///
/// The function is a function, a lambda without captures, or an empty or serialisable functor;
/// arguments and result are Serializable; else it does not compile, and the compiler names the
/// argument. A coroutine function runs on the worker's own event loop. A standard exception comes
/// back as itself, another as RemoteError. A worker that dies fails only the task it had begun, with
/// WorkerDied; the others run elsewhere, and the worker is replaced, unless they keep dying: then the
/// pool is broken, and says so. Callbacks run in this process.
///
/// The destructor takes no more work and waits until all is done.
class ProcessPool : public detail::PoolFace<ProcessPool> {
 public:
  ProcessPool() : ProcessPool(ProcessPoolOptions{}) {}
  /// `workers`: 1 or more, else std::invalid_argument. Throws what starting a Process does.
  template <std::integral Int>
  explicit ProcessPool(Int workers) : ProcessPool(with_workers(workers)) {}
  explicit ProcessPool(const ProcessPoolOptions& options)
      : core_(std::make_unique<detail::ProcessPoolCore>(options, checked(options))) {}

  /// Calls `fn(args…)` in a worker. Throws ShutDown after close, BrokenPool if the pool is broken, and
  /// what encoding the arguments does.
  template <class Fn, class... Args>
  auto submit(const Fn& fn, const Args&... args) {
    require_remotely_callable<Fn, Args...>();
    using R = typename Result<RemotelyCallable<Fn, Args...>, Fn, Args...>::type;
    auto job = std::make_unique<Job<R>>();
    OutArchive out;
    out.set_context(job.get());  // handles depart
    encode_call(out, fn, args...);
    job->call.assign(out.bytes().begin(), out.bytes().end());
    Future<R> future(job->state);
    core_->submit(std::move(job));
    return future;
  }

  /// Takes no more work; done when everything that was begun has ended and the workers are gone.
  auto shutdown() {
    core_->close();
    return core_->drained_operation();
  }
  /// Workers that run at the same time.
  std::size_t concurrency() const noexcept { return core_->size(); }

  /// For the library: where what belongs to this process runs, callbacks for one.
  detail::Home& home() noexcept { return core_->here().home(); }
  /// For the library: the end of all work.
  void stop_tasks() noexcept { core_->terminate(); }

 private:
  template <bool callable, class Fn, class... Args>
  struct Result {
    using type = void;
  };
  template <class Fn, class... Args>
  struct Result<true, Fn, Args...> {
    using type = call_result_t<Fn, Args...>;
  };

  template <class R>
  struct Job final : detail::PoolJob {
    void answer(InArchive& in) noexcept override {
      std::exception_ptr error;
      try {
        if constexpr (std::is_void_v<R>) {
          decode_answer<R>(in);
          finish([](auto&) {});
        } else {
          R value = decode_answer<R>(in);
          finish([&](auto& slot) { slot.emplace(std::move(value)); });
        }
        return;
      } catch (...) {
        error = std::current_exception();
      }
      fail(error);
    }
    void fail(std::exception_ptr error) noexcept override {
      if (!state->begin()) return;
      state->fail(std::move(error));
      state->complete();
    }
    bool is_over() const noexcept override { return state->done(); }

    detail::StateRef<R> state{new detail::FutureState<R>(nullptr)};

   private:
    template <class Set>
    void finish(Set set) {
      if (!state->begin()) return;  // cancelled meanwhile
      try {
        set(state->slot);
      } catch (...) {
        state->fail(std::current_exception());
      }
      state->complete();
    }
  };

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

  std::unique_ptr<detail::ProcessPoolCore> core_;
};

static_assert(Executor<ProcessPool>);

}  // namespace cohort::inline v0
