// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A pool's `map` under way in this process: its pieces are coroutines of the pool, with one
/// account for all of them instead of a future for each.

#include <cstddef>
#include <exception>
#include <functional>
#include <utility>
#include <vector>

#include "cohort/core/detail/task_count.hpp"   // the map is one task of the pool
#include "cohort/exec/detail/chunk.hpp"        // Item
#include "cohort/exec/detail/map_account.hpp"  // MapAccount
#include "cohort/exec/launch.hpp"              // Self

namespace cohort::inline v0::detail {

template <class Fn, class E>
class MapRun final : public MapAccount<mapped_t<Fn, E>>, private Completion {
  using Account = MapAccount<mapped_t<Fn, E>>;
  using Called = std::invoke_result_t<Fn&, E&&>;

 public:
  MapRun(const Fn& fn, std::vector<Item<E>>& items, ProgressLine& line)
      : Account(line, items.size()), fn_(fn), items_(items) {}

  /// Posts the pieces. Throws ShutDown if the pool takes no more.
  void start(Home& pool, std::size_t chunksize) {
    if (items_.empty()) {
      this->done_.set();
      return;
    }
    home_ = &pool.home_for_task();
    count_ = &home_->task_begins();
    scope_.set_parent(&count_->scope());
    this->open((items_.size() - 1) / chunksize + 1);
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
  /// What has not begun never will; what runs is asked to stop.
  void cancel() noexcept { scope_.request_stop(); }

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
        self->skip();
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
    if (!this->was_last()) return;
    Home& home = *home_;
    TaskCount& count = *count_;
    scope_.detach();
    this->done_.set();  // the map may go
    home.task_ends(count);
  }
  void fail(std::exception_ptr error) noexcept override {
    if (this->note_failure(std::move(error))) scope_.request_stop();
  }

  const Fn& fn_;  // copied into each piece
  std::vector<Item<E>>& items_;
  Home* home_ = nullptr;
  TaskCount* count_ = nullptr;
  StopScope scope_;
};

}  // namespace cohort::inline v0::detail
