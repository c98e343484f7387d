// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::Queue<T>: first in, first out, between the coroutines and threads of several processes.
///
///     ipc::Queue<std::string> jobs{100};            // pass it to a Process
///     co_await jobs.put("one");                     // in one
///     std::string job = co_await jobs.get();        // in another

#include "cohort/ipc/detail/queue_face.hpp"  // every verb

namespace cohort::inline v0::ipc {

/// A handle: copies are the same queue. Holds at most `maxsize` items, without bound if that is 0 or
/// less. An item is encoded when `put` is called and visible to everyone when `put` has completed; no
/// thread feeds the queue, so a producer may end while its items wait. Those who wait are served
/// first come, first served, whatever process they are in. A cancelled or timed-out get has taken
/// nothing, a put has left nothing. Any task, thread or process may call anything at any time.
///
/// A process that dies inside leaves the queue whole: what it had not finished putting is not there,
/// and of what it took at most the one item it was about to return is lost, or, with
/// OnConsumerDeath::redeliver, is got by another.
template <class T>
class Queue : public detail::QueueFace<T> {
 public:
  using detail::QueueFace<T>::QueueFace;
};

}  // namespace cohort::inline v0::ipc
