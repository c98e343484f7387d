// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a ProcessPool says of a worker that died.

#include <exception>
#include <optional>
#include <string>

#include "cohort/error.hpp"                 // WorkerDied, BrokenPool
#include "cohort/ipc/process.hpp"           // Process
#include "cohort/pool/detail/pool_job.hpp"  // PoolJob

namespace cohort::inline v0::detail {

inline std::string how_it_ended(std::optional<int> code) {
  if (!code) return "nobody knows how";
  return *code < 0 ? "killed by signal " + std::to_string(-*code)
                   : "with exit code " + std::to_string(*code);
}
template <class = void>
std::exception_ptr worker_death(const Process& process, const PoolJob& job) {
  const auto code = process.exitcode();
  return std::make_exception_ptr(WorkerDied(
      "the worker process " + std::to_string(process.pid()) + " ended while it ran this task, " +
          how_it_ended(code),
      process.pid(), code, "task " + std::to_string(job.number) + " of " + process.name()));
}
template <class = void>
std::exception_ptr worker_storm(const Process& process) {
  return std::make_exception_ptr(
      BrokenPool("its workers end one after the other without finishing a task, the last one " +
                 how_it_ended(process.exitcode())));
}

}  // namespace cohort::inline v0::detail
