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
#include <cstddef>
#include <cstdint>

#include "cohort/comm/detail/basic_queue.hpp"  // the other verbs
#include "cohort/core/detail/basic_event.hpp"  // EventWait
#include "cohort/core/gate.hpp"                // where joiners stand
#include "cohort/core/operation.hpp"           // Operation
#include "cohort/error.hpp"                    // OverRelease

namespace cohort::inline v0 {

namespace detail {

/// How many items are not done, and those who wait until none is. The word is `one` × the count +
/// `waited`: somebody stands at the gate; `pulse`: the count was zero, whatever was put since.
class Unfinished {
 public:
  /// Only before the item can be seen by anybody.
  void add() noexcept { word_.fetch_add(one, std::memory_order_relaxed); }
  /// Takes off n, or as many as there are; yields how many.
  std::uint64_t subtract(std::uint64_t n) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    for (;;) {
      const auto taken = n < word / one ? n : word / one;
      if (taken == 0) return 0;
      const bool last = taken == word / one;
      const auto wanted = (word - taken * one) | (last && word & waited ? pulse : 0);
      // Release: the work that was done. Acquire: the last one passes on what all did.
      if (word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
        if (last && word & waited) gate_.serve(*this);
        return taken;
      }
    }
  }
  bool is_set() const noexcept { return word_.load(std::memory_order_acquire) < one; }
  void arm(Waiter& waiter) noexcept { gate_.arm(*this, waiter); }
  void disarm(Waiter& waiter) noexcept { gate_.disarm(*this, waiter); }

  void serve(Gate::Line& line) noexcept {
    auto word = word_.load(std::memory_order_acquire);
    for (;;) {
      if (word < one || word & pulse) {
        while (line.claim_front()) line.grant_front();
        word_.fetch_and(~(waited | pulse), std::memory_order_acq_rel);
        return;
      }
      const auto wanted = line.empty() ? word & ~waited : word | waited;
      if (word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
        return;
      }
    }
  }

 private:
  static constexpr std::uint64_t waited = 1;
  static constexpr std::uint64_t pulse = 2;
  static constexpr std::uint64_t one = 4;
  std::atomic<std::uint64_t> word_{0};
  Gate gate_;
};

/// Counts what is accepted, under the lock that makes it visible.
struct CountedFifo {
  static constexpr bool plain = false;
  using Sender = Failure;
  using Receiver = Failure;
  template <class T>
  struct Items : Fifo::Items<T> {
    void push(T& item) {
      Fifo::Items<T>::push(item);
      unfinished.add();
    }
    Unfinished unfinished;
  };
};

}  // namespace detail

/// First in, first out. An item is unfinished from the moment it is accepted until `task_done` was
/// called for it, or `shutdown(true)` dropped it. Otherwise as Queue.
template <class T>
class JoinableQueue : public detail::BasicQueue<T, detail::CountedFifo> {
  using Base = detail::BasicQueue<T, detail::CountedFifo>;

 public:
  using Base::Base;

  /// Once for every item got, by anybody, when the work on it is done. Throws OverRelease if that is
  /// more often than items were put.
  void task_done() {
    if (unfinished().subtract(1) == 0) {
      throw OverRelease("JoinableQueue::task_done() called too many times: once per item got");
    }
  }
  /// Waits until no item is unfinished. Whoever waits when the last one is done returns, whatever is
  /// put after it. Any number at once.
  auto join() { return Operation(detail::EventWait<detail::Unfinished>{&unfinished()}); }
  /// As Queue's; the dropped items count as done.
  void shutdown(bool immediate = false) {
    Base::shutdown();
    if (immediate) unfinished().subtract(this->conduit_.clear());
  }

 private:
  detail::Unfinished& unfinished() noexcept { return this->conduit_.items().unfinished; }
};

}  // namespace cohort::inline v0
