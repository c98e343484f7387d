// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What can be said of a ProcessPool.
///
///     ProcessPool pool{ProcessPoolOptions{.workers = 4, .max_tasks_per_child = 100}};

#include <cstdint>
#include <optional>

#include "cohort/ipc/start_method.hpp"  // StartMethod
#include "cohort/os/deadline.hpp"       // Clock

namespace cohort::inline v0 {

/// What becomes of a task whose worker died with it.
enum class OnWorkerDeath : bool {
  fail,   ///< its future throws WorkerDied
  retry,  ///< another worker begins it again, at most twice more
};

struct ProcessPoolOptions {
  /// As many processes; absent: as many as this one may use CPUs. Below 1: std::invalid_argument.
  std::optional<std::int64_t> workers = {};
  /// Called once in each worker, before its first task. If it throws, the pool is broken.
  void (*initializer)() = nullptr;
  /// After so many tasks a worker is replaced by a fresh one. Below 1: std::invalid_argument.
  std::optional<std::int64_t> max_tasks_per_child = {};
  /// Default: see set_start_method().
  std::optional<StartMethod> start_method = {};
  OnWorkerDeath on_worker_death = OnWorkerDeath::fail;
  /// How long a running task that was cancelled may take to stop before its worker is killed.
  Clock::duration stop_grace = std::chrono::seconds(5);
};

}  // namespace cohort::inline v0
