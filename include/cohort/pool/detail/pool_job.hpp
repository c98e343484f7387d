// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A task of a ProcessPool as the process sees it that gave it, and the pool as the task does.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/core/detail/basic_event.hpp"  // drained
#include "cohort/core/future.hpp"              // FutureState
#include "cohort/exec/detail/chunk.hpp"        // Fate
#include "cohort/exec/thread_pool.hpp"         // callbacks
#include "cohort/wire/remote_call.hpp"         // decode_answer

namespace cohort::inline v0::detail {

/// Ends once, by its last answer or by `abandon`, and is then nobody's business any more.
class PoolJob {
 public:
  /// The call as bytes.
  virtual std::span<const std::byte> call() const noexcept = 0;
  /// An answer has come: for the next element, if it is a chunk.
  virtual void answer(InArchive& in, bool last) noexcept = 0;
  virtual void abandon(std::exception_ptr error) noexcept = 0;
  /// The worker died with the next element: true if there are more, which others may do.
  virtual bool abandon_one(std::exception_ptr error) noexcept {
    abandon(std::move(error));
    return false;
  }
  /// Nobody waits for it any more.
  virtual bool is_over() const noexcept = 0;

  // The pool's, with its lock.
  std::uint64_t answered = 0;     // elements that are dealt with
  std::uint64_t number = 0;       // among its worker's tasks
  std::uint32_t place = nowhere;  // the worker that has it
  std::uint32_t deaths = 0;       // in a row, of workers that had begun this element
  static constexpr std::uint32_t nowhere = UINT32_MAX;
  static constexpr std::uint32_t revoked = UINT32_MAX - 2;    // to be let go when its turn comes
  static constexpr std::uint32_t answering = UINT32_MAX - 1;  // done there, not yet here

 protected:
  ~PoolJob() = default;
};

/// The pool without what makes it run, so that nothing of that is compiled where no pool is.
template <class Unused = void>
class BasicRemotePool : public std::enable_shared_from_this<BasicRemotePool<Unused>> {
 public:
  using Jobs = std::vector<PoolJob*>;

  virtual ~BasicRemotePool() = default;
  /// Throws ShutDown after close, unless it may be what there is a hold for; BrokenPool if the pool
  /// is broken. Then the jobs are still the caller's.
  virtual void submit(std::span<PoolJob* const> jobs, bool may_be_held) = 0;
  virtual void close() noexcept = 0;
  /// What has not begun is Cancelled.
  virtual void drop_queued() noexcept = 0;
  /// And what has is killed.
  virtual void terminate() noexcept = 0;
  /// Lets go of what waits and is over.
  virtual void prune() noexcept = 0;
  /// Waits for the end of everything.
  virtual void finish() noexcept = 0;
  virtual std::size_t size() const noexcept = 0;

  virtual bool has_begun(const PoolJob& job) noexcept = 0;
  /// True: it will never begin. False: it is asked to stop, and its worker killed if it does not.
  virtual bool revoke(PoolJob& job) noexcept = 0;

  /// As long as there is a hold, the pool does not end: what was begun before it was closed may have
  /// to submit more.
  virtual void hold() = 0;
  virtual void unhold() noexcept = 0;

  ThreadPool& here() noexcept { return *here_; }
  auto drained_operation() { return Operation(EventWait<BasicEvent<Gate>>{&drained_}); }

 protected:
  BasicEvent<Gate> drained_;
  std::unique_ptr<ThreadPool> here_;
};
using RemotePool = BasicRemotePool<>;

/// A job whose outcome is a Future's: they are one object.
template <class T>
class FutureJob : public FutureState<T>, public PoolJob {
 public:
  FutureJob(std::shared_ptr<RemotePool> core, std::vector<std::byte> call)
      : FutureState<T>(nullptr), core_(std::move(core)), call_(std::move(call)) {}

  std::span<const std::byte> call() const noexcept override { return call_; }
  void abandon(std::exception_ptr error) noexcept override {
    if (claim()) {
      FutureState<T>::fail(std::move(error));
      this->complete();
    }
    this->release();
  }
  bool is_over() const noexcept override { return this->done(); }

 protected:
  // Unless it was cancelled. Nobody but the pool ends what has begun.
  bool claim() noexcept { return this->begin() || this->status() == FutureBase::Status::running; }
  template <class Set>
  void finish(Set set) noexcept {
    if (claim()) {
      try {
        set(this->slot);
      } catch (...) {
        FutureState<T>::fail(std::current_exception());
      }
      this->complete();
    }
    this->release();
  }

 private:
  bool has_begun_elsewhere() const noexcept override { return core_->has_begun(*this); }
  bool revoke_elsewhere() noexcept override { return core_->revoke(*this); }

  const std::shared_ptr<RemotePool> core_;
  const std::vector<std::byte> call_;
};

/// Of `submit`.
template <class R>
class CallJob final : public FutureJob<R> {
 public:
  using FutureJob<R>::FutureJob;
  void answer(InArchive& in, bool) noexcept override {
    this->finish([&in](auto& result) {
      if constexpr (std::is_void_v<R>) {
        decode_answer<R>(in);
        result.emplace();
      } else {
        result.emplace(decode_answer<R>(in));
      }
    });
  }
};

/// Of `imap`: what became of each element.
template <class T, class Yielded>
class ChunkJob final : public FutureJob<std::vector<Fate<T>>> {
 public:
  ChunkJob(std::shared_ptr<RemotePool> core, std::vector<std::byte> call, std::size_t elements)
      : FutureJob<std::vector<Fate<T>>>(std::move(core), std::move(call)), elements_(elements) {
    fates_.reserve(elements);
  }
  void answer(InArchive& in, bool last) noexcept override {
    std::exception_ptr error;
    try {
      if constexpr (std::is_void_v<Yielded>) {
        decode_answer<Yielded>(in);
        fates_.push_back({T{}, nullptr});
      } else {
        fates_.push_back({decode_answer<Yielded>(in), nullptr});
      }
    } catch (...) {
      error = std::current_exception();
      fates_.push_back({std::nullopt, error});
    }
    if (last) end(std::move(error));
  }
  bool abandon_one(std::exception_ptr error) noexcept override {
    fates_.push_back({std::nullopt, error});
    if (fates_.size() < elements_) return true;
    end(std::move(error));
    return false;
  }

 private:
  // What is left, if anything, has the same fate.
  void end(std::exception_ptr error) noexcept {
    while (fates_.size() < elements_) fates_.push_back({std::nullopt, error});
    error = nullptr;  // before others have it
    this->finish([this](auto& result) { result.emplace(std::move(fates_)); });
  }
  const std::size_t elements_;
  std::vector<Fate<T>> fates_;
};

}  // namespace cohort::inline v0::detail
