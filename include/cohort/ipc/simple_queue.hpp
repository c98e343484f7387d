// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::SimpleQueue<T>: a queue between processes without bound, whose `put` never waits.
///
///     ipc::SimpleQueue<int> results;
///     results.put(42).block();

#include "cohort/ipc/detail/queue_face.hpp"  // every verb

namespace cohort::inline v0::ipc {

/// Otherwise as ipc::Queue.
template <class T>
class SimpleQueue : public detail::QueueFace<T> {
 public:
  SimpleQueue() : detail::QueueFace<T>(0) {}
  /// For the library.
  explicit SimpleQueue(typename detail::QueueFace<T>::ByName by_name) noexcept
      : detail::QueueFace<T>(by_name) {}
};

}  // namespace cohort::inline v0::ipc
