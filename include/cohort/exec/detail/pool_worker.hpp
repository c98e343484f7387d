// SPDX-License-Identifier: BSL-1.0
#pragma once

/// One of a ThreadPool's threads, and what lies there ready to run.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "cohort/core/coroutine.hpp"          // Context
#include "cohort/core/detail/task_count.hpp"  // tasks that began here
#include "cohort/exec/detail/deque.hpp"       // fork-join children
#include "cohort/exec/detail/injector.hpp"    // woken or started here

namespace cohort::inline v0::detail {

template <class = void>
struct BasicPoolWorker {
  BasicPoolWorker(Home& home, std::size_t i)
      : context{&home}, index(i), random(static_cast<std::uint32_t>(i)) {
    context.worker = this;
  }

  bool idle() const noexcept { return inbox.empty() && deque.empty(); }
  /// For any thread: calls `fn(list)` with what it can get of all that is ready here.
  template <class Fn>
  void take_lists(Fn fn) noexcept {
    fn(inbox.take_all_in_order());
    Coroutine* first = nullptr;
    for (Coroutine** end = &first; Coroutine* const c = deque.steal(); end = &c->link) {
      *end = c;
      c->link = nullptr;
    }
    fn(first);
  }

  Context context;
  const std::size_t index;
  std::uint32_t random;
  std::uint32_t tick = 0;
  bool last = false;  // the pool was destroyed on this worker: it ends with its task
  std::thread thread;
  std::atomic<bool> running{false};
  BasicDeque<RealAtomics, Coroutine> deque;
  alignas(64) BasicInjector<RealAtomics, Coroutine> inbox;
  TaskCount tasks;
};
using PoolWorker = BasicPoolWorker<>;

}  // namespace cohort::inline v0::detail
