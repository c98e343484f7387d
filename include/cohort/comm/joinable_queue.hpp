// SPDX-License-Identifier: BSL-1.0
#pragma once

/// JoinableQueue<T>: a Queue that knows when all that was put has also been dealt with.
///
///     JoinableQueue<Job> jobs;
///     co_await jobs.put(job);                    // one side; later
///     co_await jobs.join();                      // … until every job is done
///     Job job = co_await jobs.get();             // the other side
///     work(job), jobs.task_done();

#include <cstddef>
#include <cstdint>

#include "cohort/comm/detail/basic_queue.hpp"  // the other verbs
#include "cohort/core/detail/basic_event.hpp"  // BasicEvent
#include "cohort/core/gate.hpp"                // Gate
#include "cohort/core/operation.hpp"           // Operation
#include "cohort/error.hpp"                    // OverRelease

namespace cohort::inline v0 {

namespace detail {

/// Set while no item is unfinished.
using Unfinished = BasicEvent<Gate, std::uint64_t>;

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
    Unfinished unfinished{true};
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
