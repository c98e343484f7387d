// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What several tests of processes do.

#include <csignal>

#include "cohort/ipc/process.hpp"

namespace cohort::test {

/// Starts it and waits for its end.
inline int exit_code_after(Process& p) {
  p.start();
  p.join().block();
  return p.exitcode().value_or(-1000);
}

inline int die() { return std::raise(SIGKILL); }

}  // namespace cohort::test
