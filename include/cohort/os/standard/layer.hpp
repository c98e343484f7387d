// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Nothing but the standard library: what a new platform runs on until it has a layer of its own.

#include <condition_variable>
#include <csignal>
#include <mutex>

#include "cohort/os/deadline.hpp"            // TimePoint, never
#include "cohort/os/standard/wait_word.hpp"  // wait_word, cpu_count, heavy_barrier

namespace cohort::inline v0::os {

/// Sleeps until woken or until the deadline. One thread waits at a time; anybody may wake.
class Poller {
 public:
  void wait(TimePoint deadline) noexcept {
    std::unique_lock lock(mutex_);
    const auto rung = [this] { return rung_; };
    if (deadline == detail::never) {
      condition_.wait(lock, rung);
    } else {
      condition_.wait_until(lock, deadline, rung);
    }
    rung_ = false;
  }

  void wake() noexcept {
    {
      const std::lock_guard lock(mutex_);
      rung_ = true;
    }
    condition_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool rung_ = false;
};

inline bool around_fork(void (*)(), void (*)(), void (*)()) noexcept { return false; }
/// Not to be known without the system.
inline bool stderr_is_terminal() noexcept { return false; }

inline void catch_interrupts(void (*handler)(int)) noexcept {
  std::signal(SIGINT, handler ? handler : SIG_DFL);
  std::signal(SIGTERM, handler ? handler : SIG_DFL);
}

}  // namespace cohort::inline v0::os
