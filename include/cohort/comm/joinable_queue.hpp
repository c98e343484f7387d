// SPDX-License-Identifier: BSL-1.0
#pragma once

/// JoinableQueue<T>: a Queue that knows when all that was put has also been dealt with.
///
///     JoinableQueue<Job> jobs;
///     co_await jobs.put(job);                    // one side; later
///     co_await jobs.join();                      // … until every job is done
///     Job job = co_await jobs.get();             // the other side
///     work(job), jobs.task_done();

#include <atomic>
#include <cstdint>

#include "cohort/comm/detail/basic_queue.hpp"  // the other verbs
#include "cohort/config.hpp"                   // COHORT_HOT
#include "cohort/core/detail/basic_event.hpp"  // EventWait
#include "cohort/core/gate.hpp"                // Gate
#include "cohort/core/operation.hpp"           // Operation
#include "cohort/error.hpp"                    // OverRelease

namespace cohort::inline v0 {

namespace detail {

/// An event that is set while all that a queue has accepted is done. The queue counts the one, and
/// this the other, so that a put pays nothing for it. The word: how often something was done, and
/// the bits of BasicEvent.
template <class Conduit>
class AllDone {
 public:
  using Line = Gate::Line;

  explicit AllDone(const Conduit& conduit) noexcept : conduit_(conduit) {}

  bool is_set() const noexcept { return is_all(word_.load(std::memory_order_acquire)); }

  /// n more are done. False: so many were not accepted.
  COHORT_HOT bool add(std::uint64_t n) noexcept {
    auto word = word_.load(std::memory_order_acquire);
    do {
      if (conduit_.accepted() - word / one < n) return false;
      // Release: whoever waits sees what was done. Acquire: see his arrival.
    } while (!word_.compare_exchange_weak(word, word + n * one, std::memory_order_acq_rel,
                                          std::memory_order_acquire));
    if (word & waited && is_all(word + n * one)) tell();
    return true;
  }

  void arm(Waiter& waiter) noexcept { gate_.arm(*this, waiter); }
  void disarm(Waiter& waiter) noexcept { gate_.disarm(*this, waiter); }

 private:
  friend Gate;
  static constexpr std::uint64_t waited = 1;
  static constexpr std::uint64_t pulse = 2;
  static constexpr std::uint64_t one = 4;

  // Of a word that is not older than what was accepted.
  bool is_all(std::uint64_t word) const noexcept { return conduit_.accepted() == word / one; }

  COHORT_NOINLINE void tell() noexcept {
    word_.fetch_or(pulse, std::memory_order_acq_rel);
    gate_.serve(*this);
  }
  void serve(Line& line) noexcept {
    auto word = word_.load(std::memory_order_acquire);
    for (;;) {
      if (word & pulse || is_all(word)) {
        while (line.claim_front()) line.grant_front();
        word_.fetch_and(~(waited | pulse), std::memory_order_acq_rel);
        return;
      }
      const auto wanted = line.empty() ? word & ~waited : word | waited;
      if (wanted == word) return;
      if (word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
        return;
      }
    }
  }

  const Conduit& conduit_;
  std::atomic<std::uint64_t> word_{0};
  Gate gate_;
};

}  // namespace detail

/// First in, first out. An item is unfinished from the moment it is accepted until `task_done` was
/// called for it, or `shutdown(true)` dropped it. Otherwise as Queue.
template <class T>
class JoinableQueue : public detail::BasicQueue<T, detail::Fifo> {
  using Base = detail::BasicQueue<T, detail::Fifo>;
  using AllDone = detail::AllDone<typename Base::Conduit>;

 public:
  using Base::Base;

  /// Once for every item got, by anybody, when the work on it is done. Throws OverRelease if that is
  /// more often than items were put.
  COHORT_HOT void task_done() {
    if (!all_done_.add(1)) {
      throw OverRelease("JoinableQueue::task_done() called too many times: once per item got");
    }
  }
  /// Waits until no item is unfinished. Whoever waits when the last one is done returns, whatever is
  /// put after it. Any number at once.
  auto join() { return Operation(detail::EventWait<AllDone>{&all_done_}); }
  /// As Queue's; the dropped items count as done.
  void shutdown(bool immediate = false) {
    Base::shutdown();
    if (immediate) all_done_.add(this->conduit_.clear());
  }

 private:
  AllDone all_done_{this->conduit_};
};

}  // namespace cohort::inline v0
