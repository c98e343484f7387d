// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What was put into a shared queue and is not done with yet, and where those stand who join it. With
/// the queue's lock:
///
///     unfinished.begin_to_add();   // a sender may die before it is in the list
///     unfinished.finish(message);  // and a consumer before it is freed

#include <atomic>
#include <cstdint>

#include "cohort/core/detail/basic_event.hpp"  // the count, and the line
#include "cohort/ipc/detail/message.hpp"       // MessageHead
#include "cohort/ipc/detail/queue_waiter.hpp"  // head_of

namespace cohort::inline v0::ipc::detail {

template <class Gate, class W>
class BasicUnfinished : public cohort::detail::BasicEvent<Gate, std::uint64_t> {
 public:
  using Waiter = W;
  using cohort::detail::BasicEvent<Gate, std::uint64_t>::BasicEvent;

  /// One thing less; false if there was none. The message will not be delivered again; 0: none that
  /// would be. If its process dies meanwhile, both has happened or neither.
  bool finish(Offset message) noexcept {
    const auto before = this->missing();
    if (before == 0) return false;
    then_.store(before - 1, std::memory_order_relaxed);
    finishing_.store(message, std::memory_order_release);
    if (message) {
      finish_it(message);
    } else {
      this->subtract(1);
    }
    finishing_.store(0, std::memory_order_release);
    return true;
  }
  /// The lock was taken over from a dead process.
  void recover_finish() noexcept {
    const Offset message = finishing_.load(std::memory_order_acquire);
    if (!message) return;
    finish_it(message);
    finishing_.store(0, std::memory_order_release);
  }

 private:
  // Also a second time: meanwhile nothing else is put or finished.
  void finish_it(Offset message) noexcept {
    head_of(message).link = 0;
    if (this->missing() > then_.load(std::memory_order_relaxed)) this->subtract(1);
  }

  std::atomic<Offset> finishing_{0};
  std::atomic<std::uint64_t> then_{0};  // how many are left afterwards
};

}  // namespace cohort::inline v0::ipc::detail
