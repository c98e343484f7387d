// SPDX-License-Identifier: BSL-1.0
#pragma once

/// this_task: what the current task knows of itself. `this_task::executor()` is in
/// exec/executor_ref.hpp.
///
///     this_task::set_name("reader");
///     if (this_task::stop_token().stop_requested()) …

#include <string>
#include <utility>

#include "cohort/core/coroutine.hpp"           // this_coroutine
#include "cohort/core/detail/task_extras.hpp"  // where a task keeps its name
#include "cohort/core/stop.hpp"                // StopToken
#include "cohort/error.hpp"                    // UsageError

namespace cohort::inline v0::this_task {

/// The token of the task that runs this, valid as long as the task; outside one it never stops.
inline StopToken stop_token() {
  detail::Coroutine* const coroutine = detail::this_coroutine();
  return coroutine ? StopToken(coroutine->scope()) : StopToken();
}

/// The name of the task that runs this; empty outside one. A task that nobody has named gets its
/// name, `Task-N`, when it is first asked for. Directly awaited tasks have their awaiter's.
inline std::string name() {
  detail::Coroutine* const coroutine = detail::this_coroutine();
  if (!coroutine) return {};
  auto& extras = detail::TaskExtras::of(detail::task_root(*coroutine));
  if (extras.name.empty()) extras.name = detail::TaskExtras::default_name();
  return extras.name;
}

/// Names the task that runs this. Throws UsageError outside one.
inline void set_name(std::string name) {
  detail::Coroutine* const coroutine = detail::this_coroutine();
  if (!coroutine) {
    throw UsageError(
        "this_task::set_name(): no task runs here; to name a thread write "
        "`current_thread().set_name(name)`");
  }
  detail::TaskExtras::of(detail::task_root(*coroutine)).name = std::move(name);
}

}  // namespace cohort::inline v0::this_task
