// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A pool's `map` under way in this process: its pieces are coroutines of the pool, with one
/// account for all of them instead of a future for each.

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "cohort/core/detail/basic_event.hpp"  // done
#include "cohort/core/detail/task_count.hpp"   // the map is one task of the pool
#include "cohort/error.hpp"                    // Cancelled
#include "cohort/exec/detail/chunk.hpp"        // Item
#include "cohort/exec/launch.hpp"              // Self
#include "cohort/exec/progress.hpp"            // ProgressLine

namespace cohort::inline v0::detail {

template <class Fn, class E>
class MapRun final : private Completion {
  using Called = std::invoke_result_t<Fn&, E&&>;

 public:
  using Value = mapped_t<Fn, E>;

  MapRun(const Fn& fn, std::vector<Item<E>>& items, ProgressLine& line)
      : fn_(fn), items_(items), line_(line), results_(items.size()) {}

  /// Posts the pieces. Throws ShutDown if the pool takes no more.
  void start(Home& pool, std::size_t chunksize) {
    if (items_.empty()) {
      done_.set();
      return;
    }
    home_ = &pool.home_for_task();
    count_ = &home_->task_begins();
    scope_.set_parent(&count_->scope());
    open_.store((items_.size() - 1) / chunksize + 2, std::memory_order_relaxed);
    for (std::size_t from = 0; from < items_.size(); from += chunksize) {
      const std::size_t rest = items_.size() - from;
      try {
        post_piece(from, from + (chunksize < rest ? chunksize : rest));
      } catch (...) {
        fail(std::current_exception());
        one_ended();
      }
    }
    one_ended();
  }
  /// Set when all pieces have ended.
  BasicEvent<Gate>& done() noexcept { return done_; }
  /// What has not begun never will; what runs is asked to stop.
  void cancel() noexcept { scope_.request_stop(); }

  /// When done: all results, or the first failure.
  std::vector<Value> results() {
    if (error_) std::rethrow_exception(std::move(error_));
    if (skipped_.load(std::memory_order_relaxed)) throw Cancelled{};
    std::vector<Value> values;
    values.reserve(results_.size());
    for (auto& result : results_) values.push_back(*std::move(result));
    return values;
  }

 private:
  void post_piece(std::size_t from, std::size_t to) {
    auto& piece = run_piece(this, fn_, from, to).release();
    piece.set_completion(*this);
    piece.become_root(scope_);
    piece.post_to(*home_);
  }

  static Task<> run_piece(MapRun* self, Fn fn, std::size_t from, std::size_t to) {
    Coroutine& me = co_await Self{};
    for (std::size_t i = from; i < to; ++i) {
      if (me.scope().stop_requested()) {
        self->skipped_.store(true, std::memory_order_relaxed);
        co_return;
      }
      auto& item = self->items_[i];
      auto& result = self->results_[i];
      if constexpr (is_task<Called>) {
        if constexpr (std::is_void_v<typename Unwrapped<Called>::type>) {
          co_await std::invoke(fn, item.get());
          result.emplace();
        } else {
          result.emplace(co_await std::invoke(fn, item.get()));
        }
      } else {
        const PlainSection plain(me);
        if constexpr (std::is_void_v<Called>) {
          std::invoke(fn, item.get());
          result.emplace();
        } else {
          result.emplace(std::invoke(fn, item.get()));
        }
      }
    }
    self->line_.advance(to - from);
  }

  Coroutine* ended(Context&) noexcept override {
    one_ended();
    return nullptr;
  }
  void one_ended() noexcept {
    if (open_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    Home& home = *home_;
    TaskCount& count = *count_;
    scope_.detach();
    done_.set();  // the map may go
    home.task_ends(count);
  }
  void fail(std::exception_ptr error) noexcept override {
    if (failed_.exchange(true, std::memory_order_acq_rel)) {
      report_unobserved(error);
      return;
    }
    error_ = std::move(error);
    scope_.request_stop();
  }

  const Fn& fn_;  // copied into each piece
  std::vector<Item<E>>& items_;
  ProgressLine& line_;
  std::vector<std::optional<Value>> results_;
  Home* home_ = nullptr;
  TaskCount* count_ = nullptr;
  StopScope scope_;
  std::atomic<std::size_t> open_{0};  // pieces that have not ended, and start()
  std::atomic<bool> failed_{false};
  std::atomic<bool> skipped_{false};
  std::exception_ptr error_;
  BasicEvent<Gate> done_;
};

}  // namespace cohort::inline v0::detail
