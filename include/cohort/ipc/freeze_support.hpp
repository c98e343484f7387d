// SPDX-License-Identifier: BSL-1.0
#pragma once

/// freeze_support: where a process that is this program, started anew, becomes what it is for.
///
///     int main() {
///       cohort::freeze_support();           // before anything else
///       …

#include "cohort/ipc/detail/second_life.hpp"  // what happens there

namespace cohort::inline v0 {

/// To be called first in main by programs that use StartMethod::spawn or forkserver. In an ordinary
/// process it returns at once; in one that Process::start() has made, it runs what that is for and
/// never returns. Until it is called, nothing of this program's main may have happened: start no
/// threads before.
template <class = void>
void freeze_support() {
  ipc::detail::ThisProcess::get().set_can_start_again();
  if (!os::inheritance().channel) return;
  if (os::inheritance().member == 0) {
    ipc::detail::serve_forks();
  } else {
    ipc::detail::live_second_life();
  }
}

}  // namespace cohort::inline v0
