// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What is put into a shared queue and not yet done with. Those who join stand at it.
///
///     unfinished.begin_to_add(); … unfinished.settle_add(true);  // one more; its sender may die between
///     unfinished.finish(message);  // one less; both with the lock of the queue's list

#include <atomic>
#include <cstdint>

#include "cohort/core/detail/basic_event.hpp"  // BasicEvent
#include "cohort/ipc/detail/queue_waiter.hpp"  // BasicQueueWaiter, head_of

namespace cohort::inline v0::ipc::detail {

template <class Gate, class W>
class BasicUnfinished : public cohort::detail::BasicEvent<Gate, std::uint64_t> {
  using Base = cohort::detail::BasicEvent<Gate, std::uint64_t>;

 public:
  using Waiter = BasicQueueWaiter<W>;
  using Base::Base;

  /// The caller has got the message. If he dies, it is delivered again, or it is finished. 0: of
  /// others. False: nothing was unfinished.
  bool finish(Offset message) noexcept {
    const auto before = this->missing();
    if (before == 0) return false;
    then_.store(before - 1, std::memory_order_relaxed);
    finishing_.store(message, std::memory_order_release);
    message ? end(message) : static_cast<void>(this->subtract(1));
    finishing_.store(0, std::memory_order_release);
    return true;
  }
  /// Ends what one who has died had begun.
  void recover() noexcept {
    const Offset message = finishing_.load(std::memory_order_acquire);
    if (message) end(message);
    finishing_.store(0, std::memory_order_release);
  }

 private:
  // Also when it was begun by another. Meanwhile nothing else becomes unfinished or finished. It is
  // none of the queue's any more, but taken still: its sender must not take it for one to be put.
  void end(Offset message) noexcept {
    head_of<W>(message).queue = 0;
    const auto then = then_.load(std::memory_order_relaxed);
    if (this->missing() > then) this->subtract(1);
  }

  typename W::template atomic<Offset> finishing_{0};    // it shall not be delivered again,
  typename W::template atomic<std::uint64_t> then_{0};  // and so many are unfinished
};

}  // namespace cohort::inline v0::ipc::detail
