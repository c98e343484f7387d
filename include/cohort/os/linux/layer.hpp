// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Linux: futex words, epoll with an eventfd, membarrier, the scheduler's affinity mask.

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <ctime>
#include <system_error>

#include "cohort/config.hpp"             // COHORT_TSAN
#include "cohort/os/deadline.hpp"        // TimePoint, never
#include "cohort/os/posix/fork.hpp"      // around_fork
#include "cohort/os/posix/signal.hpp"    // catch_interrupts
#include "cohort/os/posix/terminal.hpp"  // stderr_is_terminal

namespace cohort::inline v0::os {

inline void wait_word(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                      TimePoint deadline) noexcept {
  const auto since_epoch = deadline.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch);
  timespec until{};
  until.tv_sec = static_cast<std::time_t>(seconds.count());
  until.tv_nsec = static_cast<long>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch - seconds).count());
  // FUTEX_WAIT_BITSET takes an absolute time on CLOCK_MONOTONIC, which is steady_clock here.
  ::syscall(SYS_futex, static_cast<const void*>(&word), FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
            expected, deadline == detail::never ? nullptr : &until, nullptr,
            FUTEX_BITSET_MATCH_ANY);
}

inline void wake_word(const void* word, int how_many) noexcept {
  const int saved = errno;  // a signal handler may be the caller
  ::syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, how_many, nullptr, nullptr, 0);
  errno = saved;
}
inline void wake_word_one(const void* word) noexcept { wake_word(word, 1); }
inline void wake_word_all(const void* word) noexcept { wake_word(word, INT_MAX); }

inline bool asymmetric_barrier() noexcept {
#if COHORT_TSAN
  return false;  // ThreadSanitizer sees no barrier made by a system call
#else
  static const bool works =
      ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
  return works;
#endif
}

/// The same without the guard of a static local, for hot paths; false until static initialisation.
inline const bool asymmetric_barrier_known = asymmetric_barrier();

inline void heavy_barrier() noexcept {
  if (asymmetric_barrier()) ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

inline unsigned cpu_count() noexcept {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  const int n = CPU_COUNT(&set);
  return n > 0 ? static_cast<unsigned>(n) : 1;
}

/// Sleeps until woken or until the deadline. One thread waits at a time; anybody may wake.
class Poller {
 public:
  Poller()
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)), bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (epoll_ < 0 || bell_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, bell_, &event) != 0) {
      const int error = errno;
      close();
      throw std::system_error(error, std::generic_category(), "epoll_create1, eventfd");
    }
  }
  ~Poller() { close(); }
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void wait(TimePoint deadline) noexcept {
    epoll_event event{};
    if (::epoll_wait(epoll_, &event, 1, posix::poll_timeout(deadline)) > 0) {
      std::uint64_t rings = 0;
      [[maybe_unused]] const auto n = ::read(bell_, &rings, sizeof rings);
    }
  }

  void wake() noexcept {
    const int saved = errno;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(bell_, &one, sizeof one);
    errno = saved;
  }

 private:
  void close() noexcept {
    if (epoll_ >= 0) ::close(epoll_);
    if (bell_ >= 0) ::close(bell_);
  }

  int epoll_;
  int bell_;
};

using posix::catch_interrupts;

}  // namespace cohort::inline v0::os
