// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The tasks of an executor that have begun and not ended, and the scope that stops them.

#include <atomic>
#include <cstddef>

#include "cohort/core/detail/stop_scope.hpp"  // StopScope

namespace cohort::inline v0::detail {

/// An executor has one, or one for each worker so that they do not contend.
class TaskCount {
 public:
  explicit TaskCount(StopScope* parent = nullptr) noexcept : scope_(parent) {}
  StopScope& scope() noexcept { return scope_; }
  void begin() noexcept { live_.fetch_add(1, std::memory_order_seq_cst); }
  void end() noexcept { live_.fetch_sub(1, std::memory_order_seq_cst); }
  std::size_t live() const noexcept { return live_.load(std::memory_order_seq_cst); }
  /// From now on, what has not begun never will: its future is cancelled when its turn comes.
  void drop_queued() noexcept { drops_queued_.store(true, std::memory_order_relaxed); }
  bool drops_queued() const noexcept { return drops_queued_.load(std::memory_order_relaxed); }

 private:
  StopScope scope_;
  std::atomic<bool> drops_queued_{false};
  std::atomic<std::size_t> live_{0};
};

}  // namespace cohort::inline v0::detail
