// SPDX-License-Identifier: BSL-1.0
#pragma once

/// StartMethod: how a Process comes to life.
///
///     Process p{ProcessOptions{.start_method = StartMethod::spawn}, worker, 42};
///     set_start_method("forkserver");          // for all that do not say

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "cohort/error.hpp"                    // UsageError
#include "cohort/ipc/detail/this_process.hpp"  // what was chosen

namespace cohort::inline v0 {

/// Chooses for every Process of this one and its children that does not say itself. Throws
/// UsageError the second time, unless `force`. Where nothing is chosen, it depends on what is
/// started: what can be sent goes to the fork server, if main has called freeze_support(), and
/// everything else is forked.
template <class = void>
void set_start_method(StartMethod method, bool force = false) {
  if (static_cast<unsigned>(method) > 2) {
    throw std::invalid_argument("set_start_method(): no such StartMethod");
  }
  ipc::detail::ThisProcess::get().choose(method, force);
}
/// The same by name: "fork", "spawn" or "forkserver"; throws std::invalid_argument for others.
template <class = void>
void set_start_method(std::string_view name, bool force = false) {
  for (const auto method : {StartMethod::fork, StartMethod::spawn, StartMethod::forkserver}) {
    if (to_string(method) == name) return set_start_method(method, force);
  }
  throw std::invalid_argument("set_start_method(): there is no \"" + std::string(name) +
                              "\"; there are fork, spawn and forkserver");
}
template <class = void>
void set_start_method(const char* name, bool force = false) {
  set_start_method(std::string_view(name), force);
}
/// Back to where nothing is chosen.
template <class = void>
void set_start_method(std::nullopt_t, bool = true) {
  ipc::detail::ThisProcess::get().choose_nothing();
}

/// What was chosen; else how this process itself was started; else fork.
template <class = void>
StartMethod get_start_method() {
  return ipc::detail::ThisProcess::get().start_method();
}

}  // namespace cohort::inline v0
