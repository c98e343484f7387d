// SPDX-License-Identifier: BSL-1.0
#pragma once

/// JoinableQueue<T>: a Queue that knows when all that was put has also been dealt with.
///
///     JoinableQueue<Job> jobs;
///     co_await jobs.put(job);                    // one side; later
///     co_await jobs.join();                      // … until every job is done
///     Job job = co_await jobs.get();             // the other side
///     work(job), jobs.task_done();

#include <cstdint>

#include "cohort/comm/detail/basic_queue.hpp"  // the other verbs
#include "cohort/config.hpp"                   // COHORT_HOT
#include "cohort/core/detail/basic_event.hpp"  // BasicEvent
#include "cohort/core/gate.hpp"                // Gate
#include "cohort/core/operation.hpp"           // Operation
#include "cohort/error.hpp"                    // OverRelease

namespace cohort::inline v0 {

namespace detail {

/// The event's word counts what is done. The queue counts what it has accepted, so that a put pays
/// nothing for it: read after the word, it is never less.
template <class Conduit>
struct CountsDone {
  static constexpr unsigned arrival_bits = 16;
  const Conduit* conduit;
  std::uint64_t missing(std::uint64_t done) const noexcept {
    return (conduit->accepted() - done) & (~std::uint64_t{0} >> (arrival_bits + 3));
  }
  static std::uint64_t less(std::uint64_t word, std::uint64_t n) noexcept { return word + n; }
};

}  // namespace detail

/// First in, first out. An item is unfinished from the moment it is accepted until `task_done` was
/// called for it, or `shutdown(true)` dropped it. Otherwise as Queue.
template <class T>
class JoinableQueue : public detail::BasicQueue<T, detail::Fifo> {
  using Base = detail::BasicQueue<T, detail::Fifo>;
  using CountsDone = detail::CountsDone<typename Base::Conduit>;
  /// Set while no item is unfinished.
  using Unfinished = detail::BasicEvent<detail::Gate, std::uint64_t, CountsDone>;

 public:
  using Base::Base;

  /// Once for every item got, by anybody, when the work on it is done. Throws OverRelease if that is
  /// more often than items were put.
  COHORT_HOT void task_done() {
    if (unfinished_.subtract(1) == 0) {
      throw OverRelease("JoinableQueue::task_done() called too many times: once per item got");
    }
  }
  /// Waits until no item is unfinished. Whoever waits when the last one is done returns, whatever is
  /// put after it. Any number at once.
  auto join() { return Operation(detail::EventWait<Unfinished>{&unfinished_}); }
  /// As Queue's; the dropped items count as done.
  void shutdown(bool immediate = false) {
    Base::shutdown();
    if (immediate) unfinished_.subtract(this->conduit_.clear());
  }

 private:
  Unfinished unfinished_{CountsDone{&this->conduit_}};
};

}  // namespace cohort::inline v0
