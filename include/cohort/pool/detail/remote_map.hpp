// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The `map` of a ProcessPool under way: its pieces are jobs of the pool, with one account for all
/// of them instead of a future for each. What MapRun is in one process.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/exec/detail/chunk.hpp"          // Item
#include "cohort/exec/detail/map_account.hpp"    // MapAccount
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
class RemoteMap final : public MapAccount<shipped_t<Fn, std::remove_cvref_t<Reference>>> {
  using Account = MapAccount<shipped_t<Fn, std::remove_cvref_t<Reference>>>;
  using Element = std::remove_cvref_t<Reference>;
  using Call = ChunkCall<Fn, Element, false>;
  using Yielded = typename Call::Yielded;

 public:
  RemoteMap(const Fn& fn, std::vector<Item<Reference>>& items, ProgressLine& line)
      : Account(line, items.size()), fn_(fn), items_(items) {}

  /// Hands the pieces out, as they are encoded. What goes wrong is a failure like others: the pool
  /// takes no more, or an element cannot be encoded.
  template <class Pool>
  void start(Pool& pool, std::size_t chunksize) {
    if (items_.empty()) {
      this->done_.set();
      return;
    }
    core_ = &pool.core();
    const std::size_t count = (items_.size() - 1) / chunksize + 1;
    this->open(count);
    std::size_t submitted = 0;
    try {
      pieces_.reserve(count);
      while (submitted != count && !stopped_.load(std::memory_order_acquire)) {
        encode_some(chunksize);
        std::vector<PoolJob*> jobs;
        for (auto i = submitted; i < pieces_.size(); ++i) jobs.push_back(&pieces_[i]);
        const std::size_t encoded = pieces_.size();
        out_there_.store(encoded, std::memory_order_release);
        core_->submit(jobs, true);
        submitted = encoded;
      }
    } catch (...) {
      fail(std::current_exception());
    }
    if (submitted != count) this->skip();
    for (auto i = submitted; i <= count; ++i) one_ended();
  }
  /// What has not begun never will; what runs is asked to stop.
  void cancel() noexcept {
    stopped_.store(true, std::memory_order_release);
    if (!core_) return;
    const std::size_t n = out_there_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < n; ++i) core_->revoke(pieces_.data()[i]);
    core_->prune();
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
        run_->skip();
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

  // Pieces of some kilobytes together, from where the last one ended.
  void encode_some(std::size_t chunksize) {
    OutArchive& out = calls_.emplace_back();
    out.set_context(this);  // handles depart
    std::vector<std::size_t> ends;
    const std::size_t first = pieces_.size();
    for (; next_ < items_.size() && out.size() < 32768; next_ += size_) {
      const std::size_t rest = items_.size() - next_;
      size_ = chunksize < rest ? chunksize : rest;
      const auto element = [this](std::uint64_t i) -> const Element& {
        auto& item = items_[next_ + static_cast<std::size_t>(i)];
        if constexpr (std::is_reference_v<Reference>) {
          return *item.value;
        } else {
          return item.value;
        }
      };
      Call::encode(out, fn_, element, size_);
      ends.push_back(out.size());
      pieces_.emplace_back(this, next_, size_);
    }
    std::size_t begin = 0;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      pieces_[first + i].set_call(out.bytes().subspan(begin, ends[i] - begin));
      begin = ends[i];
    }
  }

  void one_ended() noexcept {
    if (this->was_last()) this->done_.set();
  }
  void fail(std::exception_ptr error) noexcept {
    if (this->note_failure(std::move(error))) cancel();
  }

  const Fn& fn_;
  std::vector<Item<Reference>>& items_;
  RemotePool* core_ = nullptr;
  std::deque<OutArchive> calls_;
  std::vector<Piece> pieces_;              // reserved: they stay where they are
  std::atomic<std::size_t> out_there_{0};  // of them
  std::size_t next_ = 0;                   // the next element to be encoded
  std::size_t size_ = 0;                   // of the piece that is
  std::atomic<bool> stopped_{false};
};

}  // namespace cohort::inline v0::detail
