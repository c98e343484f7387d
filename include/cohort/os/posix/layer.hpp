// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Any POSIX system: poll with a self-pipe; the standard library's condition variables to park on.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "cohort/os/deadline.hpp"            // TimePoint
#include "cohort/os/posix/fork.hpp"          // around_fork
#include "cohort/os/posix/signal.hpp"        // catch_interrupts, poll_timeout
#include "cohort/os/posix/terminal.hpp"      // stderr_is_terminal
#include "cohort/os/standard/wait_word.hpp"  // wait_word, cpu_count, heavy_barrier

namespace cohort::inline v0::os {

/// Sleeps until woken or until the deadline. One thread waits at a time; anybody may wake.
class Poller {
 public:
  Poller() {
    if (::pipe(pipe_) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    for (const int fd : pipe_) {
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
      ::fcntl(fd, F_SETFL, O_NONBLOCK);
    }
  }
  ~Poller() {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void wait(TimePoint deadline) noexcept {
    pollfd bell{};
    bell.fd = pipe_[0];
    bell.events = POLLIN;
    if (::poll(&bell, 1, posix::poll_timeout(deadline)) > 0) {
      char rings[64];
      while (::read(pipe_[0], rings, sizeof rings) > 0) {}
    }
  }

  void wake() noexcept {
    const int saved = errno;  // a signal handler may be the caller
    const char ring = 0;
    [[maybe_unused]] const auto n = ::write(pipe_[1], &ring, 1);
    errno = saved;
  }

 private:
  int pipe_[2];
};

using posix::catch_interrupts;

}  // namespace cohort::inline v0::os
