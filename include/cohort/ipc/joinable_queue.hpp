// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::JoinableQueue<T>: a queue between processes that knows when all that was put has also been
/// dealt with.
///
///     ipc::JoinableQueue<Job> jobs;
///     co_await jobs.put(job);                    // one process; later
///     co_await jobs.join();                      // … until every job is done
///     work(co_await jobs.get()), jobs.task_done();        // the others

#include <cstdint>

#include "cohort/ipc/detail/queue_face.hpp"  // the other verbs

namespace cohort::inline v0::ipc {

/// An item is unfinished from the moment it is accepted until `task_done` was called for it, by
/// anybody, or `shutdown(true)` dropped it. A consumer that dies between the two leaves it unfinished:
/// `join().within(…)` can give up, and `unfinished()` says how many are. Otherwise as ipc::Queue.
template <class T>
class JoinableQueue : public detail::QueueFace<T, true> {
  using Base = detail::QueueFace<T, true>;

 public:
  using Base::Base;

  /// Once for every item got, when the work on it is done. Throws OverRelease if that is more often
  /// than items were put. With OnConsumerDeath::redeliver it is for the process that got the item to
  /// call it: the oldest that it has got is done.
  void task_done() const {
    detail::Message message;
    if (const auto queue = this->kept_by()) message = detail::InWork::done(queue);
    if (!this->object().finish(message.offset())) {
      throw OverRelease("JoinableQueue::task_done() called too many times: once per item got");
    }
  }
  /// Waits until no item is unfinished. Whoever waits when the last one is done returns, whatever is
  /// put after it.
  auto join() const { return Operation(detail::JoinShared<>{&this->object()}); }
  /// Items put and not done, for a moment.
  std::uint64_t unfinished() const { return this->object().unfinished.missing(); }
  /// As Queue's; the dropped items count as done.
  void shutdown(bool immediate = false) const {
    this->object().close();
    if (immediate) this->object().clear();
  }
};

}  // namespace cohort::inline v0::ipc
