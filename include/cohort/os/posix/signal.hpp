// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What every POSIX layer shares: signal handlers, and time-outs in milliseconds.

#include <signal.h>

#include <climits>

#include "cohort/os/deadline.hpp"  // TimePoint, never

namespace cohort::inline v0::os::posix {

/// The `timeout` argument of poll and epoll_wait: rounded up, so that nobody wakes early and spins.
inline int poll_timeout(TimePoint deadline) noexcept {
  if (deadline == detail::never) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left < 0 ? 0 : left > INT_MAX ? INT_MAX : static_cast<int>(left);
}

/// Installs `handler` for SIGINT and SIGTERM, or with null the default again.
inline void catch_interrupts(void (*handler)(int)) noexcept {
  struct sigaction action {};
  if (handler) {
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
  } else {
    action.sa_handler = SIG_DFL;
  }
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace cohort::inline v0::os::posix
