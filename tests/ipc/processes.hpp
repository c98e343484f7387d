// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What several tests of processes do.

#include <sys/types.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "cohort/ipc/process.hpp"

namespace cohort::test {

/// Starts it and waits for its end.
inline int exit_code_after(Process& p) {
  p.start();
  p.join().block();
  return p.exitcode().value_or(-1000);
}

/// Whether the system has put that thread to sleep: it does not run, and is not stopped.
inline bool sleeps(::pid_t thread) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/stat", thread);
  std::FILE* const file = std::fopen(path, "r");
  if (!file) return false;
  char line[512] = "";
  if (!std::fgets(line, sizeof line, file)) line[0] = '\0';
  std::fclose(file);
  const char* const end = std::strrchr(line, ')');
  return end && std::strncmp(end, ") S", 3) == 0;
}

inline int die() { return std::raise(SIGKILL); }

}  // namespace cohort::test
