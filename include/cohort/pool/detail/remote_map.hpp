// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The `map` of a ProcessPool under way: its pieces are jobs of the pool, with one account for all
/// of them instead of a future for each. What MapRun is in one process.

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/core/detail/basic_event.hpp"    // done
#include "cohort/error.hpp"                      // Cancelled
#include "cohort/exec/detail/chunk.hpp"          // Item
#include "cohort/exec/progress.hpp"              // ProgressLine
#include "cohort/pool/detail/pool_job.hpp"       // PoolJob
#include "cohort/pool/detail/shipped_chunk.hpp"  // ChunkCall

namespace cohort::inline v0::detail {

/// What a call yields, as it comes back from another process. Does not compile, with the cure, if
/// it cannot be made there.
template <class Fn, class... Args>
constexpr auto submitted() {
  require_remotely_callable<Fn, Args...>();
  if constexpr (RemotelyCallable<Fn, Args...>) {
    return std::type_identity<call_result_t<Fn, Args...>>{};
  } else {
    return std::type_identity<void>{};  // the compiler has said enough
  }
}
template <class Fn, class E>
using shipped_t = stored_t<typename decltype(submitted<Fn, E>())::type>;

template <class Fn, class Reference>
class RemoteMap final {
  using Element = std::remove_cvref_t<Reference>;
  using Call = ChunkCall<Fn, Element, false>;
  using Yielded = typename Call::Yielded;

 public:
  using Value = shipped_t<Fn, Element>;

  RemoteMap(const Fn& fn, std::vector<Item<Reference>>& items, ProgressLine& line)
      : fn_(fn), items_(items), line_(line), results_(items.size()) {}

  /// Hands the pieces out. Throws what encoding an element does; ShutDown if the pool takes no more.
  template <class Pool>
  void start(Pool& pool, std::size_t chunksize) {
    if (items_.empty()) {
      done_.set();
      return;
    }
    core_ = &pool.core();
    std::vector<std::size_t> ends;
    pieces_.reserve((items_.size() - 1) / chunksize + 1);
    out_.set_context(this);  // handles depart
    for (std::size_t from = 0; from < items_.size(); from += chunksize) {
      const std::size_t rest = items_.size() - from;
      const std::size_t n = chunksize < rest ? chunksize : rest;
      const auto element = [this, from](std::uint64_t i) -> const Element& {
        auto& item = items_[from + static_cast<std::size_t>(i)];
        if constexpr (std::is_reference_v<Reference>) {
          return *item.value;
        } else {
          return item.value;
        }
      };
      Call::encode(out_, fn_, element, n);
      ends.push_back(out_.size());
      pieces_.emplace_back(this, from, n);
    }
    std::size_t begin = 0;
    std::vector<PoolJob*> jobs;
    jobs.reserve(pieces_.size());
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      pieces_[i].set_call(out_.bytes().subspan(begin, ends[i] - begin));
      begin = ends[i];
      jobs.push_back(&pieces_[i]);
    }
    open_.store(pieces_.size() + 1, std::memory_order_relaxed);
    core_->submit(jobs, true);
    one_ended();
  }
  /// Set when all pieces have ended.
  BasicEvent<Gate>& done() noexcept { return done_; }
  /// What has not begun never will; what runs is asked to stop.
  void cancel() noexcept {
    stopped_.store(true, std::memory_order_release);
    if (!core_) return;
    for (Piece& piece : pieces_) core_->revoke(piece);
    core_->prune();
  }

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
  class Piece final : public PoolJob {
   public:
    Piece(RemoteMap* run, std::size_t from, std::size_t size) noexcept
        : run_(run), next_(from), size_(size) {}
    void set_call(std::span<const std::byte> call) noexcept { call_ = call; }

    std::span<const std::byte> call() const noexcept override { return call_; }
    void answer(InArchive& in, bool last) noexcept override {
      bool good = true;
      try {
        auto& result = run_->results_[next_++];
        if constexpr (std::is_void_v<Yielded>) {
          decode_answer<Yielded>(in);
          result.emplace();
        } else {
          result.emplace(decode_answer<Yielded>(in));
        }
      } catch (...) {
        good = false;
        run_->fail(std::current_exception());
      }
      if (!last) return;
      if (good) run_->line_.advance(size_);
      run_->one_ended();
    }
    void abandon(std::exception_ptr error) noexcept override {
      if (run_->stopped_.load(std::memory_order_acquire)) {
        run_->skipped_.store(true, std::memory_order_relaxed);
      } else {
        run_->fail(std::move(error));
      }
      run_->one_ended();
    }
    bool is_over() const noexcept override {
      return run_->stopped_.load(std::memory_order_acquire);
    }

   private:
    RemoteMap* run_;
    std::size_t next_;
    std::size_t size_;
    std::span<const std::byte> call_;
  };

  void one_ended() noexcept {
    if (open_.fetch_sub(1, std::memory_order_acq_rel) == 1) done_.set();
  }
  // By a piece that has not ended yet.
  void fail(std::exception_ptr error) noexcept {
    if (failed_.exchange(true, std::memory_order_acq_rel)) {
      if (!stopped_by_us(error)) report_unobserved(error);
      return;
    }
    error_ = std::move(error);
    cancel();
  }
  // What was asked to stop because of the first failure says so.
  static bool stopped_by_us(const std::exception_ptr& error) noexcept {
    try {
      std::rethrow_exception(error);
    } catch (const Cancelled&) {
      return true;
    } catch (...) {
      return false;
    }
  }

  const Fn& fn_;
  std::vector<Item<Reference>>& items_;
  ProgressLine& line_;
  std::vector<std::optional<Value>> results_;
  RemotePool* core_ = nullptr;
  OutArchive out_;  // all calls
  std::vector<Piece> pieces_;
  std::atomic<std::size_t> open_{0};  // pieces that have not ended, and start()
  std::atomic<bool> stopped_{false};
  std::atomic<bool> failed_{false};
  std::atomic<bool> skipped_{false};
  std::exception_ptr error_;
  BasicEvent<Gate> done_;
};

}  // namespace cohort::inline v0::detail
