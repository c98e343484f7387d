// SPDX-License-Identifier: BSL-1.0
#pragma once

/// This process and its relatives.
///
///     std::cout << current_process().name() << '\n';        // "MainProcess", "Process-1", …

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cohort/ipc/detail/this_process.hpp"  // who this is
#include "cohort/ipc/detail/warden.hpp"        // the children
#include "cohort/ipc/process_ref.hpp"          // ProcessRef

namespace cohort::inline v0 {

/// This process itself. In the first of a family its name is "MainProcess".
template <class = void>
ProcessRef current_process() {
  return ProcessRef(ipc::detail::ThisProcess::get().self());
}

/// The process that started this one; empty in the first. Its is_alive() turns false and join()
/// returns when it ends, in whatever way.
template <class Ref = ProcessRef>
std::optional<Ref> parent_process() {
  const auto& parent = ipc::detail::ThisProcess::get().parent();
  if (!parent) return std::nullopt;
  return Ref(parent);
}

/// The children that were started and have not ended, in that order. Those that have ended are
/// reaped by this, if they were not.
template <class Ref = ProcessRef>
std::vector<Ref> active_children() {
  std::vector<Ref> children;
  for (auto& record : ipc::detail::Warden::get().children()) {
    children.emplace_back(std::move(record));
  }
  return children;
}

/// The key of this process, which its children inherit: 32 random bytes unless it was set.
template <class = void>
std::string current_authkey() {
  return ipc::detail::ThisProcess::get().authkey();
}
template <class = void>
void set_current_authkey(std::string key) {
  ipc::detail::ThisProcess::get().set_authkey(std::move(key));
}

/// CPUs that this process may use, at least 1.
inline std::size_t cpu_count() noexcept { return os::cpu_count(); }

}  // namespace cohort::inline v0
