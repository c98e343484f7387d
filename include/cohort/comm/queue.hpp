// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Queue<T>: first in, first out, between coroutines and threads.
///
///     Queue<std::string> jobs{100};
///     co_await jobs.put("one");
///     std::string job = co_await jobs.get();

#include "cohort/comm/detail/basic_queue.hpp"  // every verb

namespace cohort::inline v0 {

/// Holds at most `maxsize` items, without bound if that is 0 or less. Those who wait are served
/// first come, first served. A cancelled or timed-out get has taken nothing, a put has left
/// nothing. Neither copies nor moves; must outlive those who wait.
template <class T>
class Queue : public detail::BasicQueue<T, detail::Fifo> {
 public:
  using detail::BasicQueue<T, detail::Fifo>::BasicQueue;
};

}  // namespace cohort::inline v0
