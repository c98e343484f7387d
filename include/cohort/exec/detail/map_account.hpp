// SPDX-License-Identifier: BSL-1.0
#pragma once

/// One account for all the pieces of a pool's `map`, wherever they run: how many have not ended, the
/// results, and the first failure.

#include <atomic>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "cohort/core/detail/basic_event.hpp"  // done
#include "cohort/error.hpp"                    // Cancelled, report_unobserved
#include "cohort/exec/progress.hpp"            // ProgressLine

namespace cohort::inline v0::detail {

template <class T>
class MapAccount {
 public:
  using Value = T;

  /// Set when all pieces have ended.
  BasicEvent<Gate>& done() noexcept { return done_; }
  /// When done: all results, or the first failure.
  std::vector<Value> results() {
    if (error_) std::rethrow_exception(std::move(error_));
    if (skipped_.load(std::memory_order_relaxed)) throw Cancelled{};
    std::vector<Value> values;
    values.reserve(results_.size());
    for (auto& result : results_) values.push_back(*std::move(result));
    return values;
  }

 protected:
  MapAccount(ProgressLine& line, std::size_t elements) : line_(line), results_(elements) {}
  ~MapAccount() = default;

  /// So many pieces; and whoever starts them is one more.
  void open(std::size_t pieces) noexcept { open_.store(pieces + 1, std::memory_order_relaxed); }
  /// True: it was the last, and `done()` is to be set.
  bool was_last() noexcept { return open_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  /// Some elements never were begun.
  void skip() noexcept { skipped_.store(true, std::memory_order_relaxed); }
  /// By a piece that has not ended yet. True: it is the first failure, so the others are to stop.
  bool note_failure(std::exception_ptr error) noexcept {
    if (failed_.exchange(true, std::memory_order_acq_rel)) {
      report_unobserved(error);
      return false;
    }
    error_ = std::move(error);
    return true;
  }

  ProgressLine& line_;
  std::vector<std::optional<Value>> results_;
  BasicEvent<Gate> done_;

 private:
  std::atomic<std::size_t> open_{0};
  std::atomic<bool> failed_{false};
  std::atomic<bool> skipped_{false};
  std::exception_ptr error_;
};

}  // namespace cohort::inline v0::detail
