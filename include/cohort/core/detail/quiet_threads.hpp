// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Threads of the library that run nobody's code at the moment. A process may be forked while they
/// are there: they hold no lock that the child would want.

#include <atomic>
#include <cstdint>

namespace cohort::inline v0::detail {

inline std::atomic<std::uint32_t> quiet_threads{0};

/// While it lives, the calling thread, one of the library's, is such a one.
class QuietSection {
 public:
  QuietSection() noexcept { quiet_threads.fetch_add(1, std::memory_order_relaxed); }
  ~QuietSection() { quiet_threads.fetch_sub(1, std::memory_order_relaxed); }
  QuietSection(const QuietSection&) = delete;
  QuietSection& operator=(const QuietSection&) = delete;
};

}  // namespace cohort::inline v0::detail
