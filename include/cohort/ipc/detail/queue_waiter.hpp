// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A place in one of the lines of a shared queue, and what it has to do with messages.

#include <atomic>
#include <cstdint>

#include "cohort/ipc/detail/message.hpp"        // MessageHead
#include "cohort/ipc/detail/shared_waiter.hpp"  // SharedWaiter

namespace cohort::inline v0::ipc::detail {

template <class W>
BasicMessageHead<W>& head_of(Offset message) noexcept {
  return W::template at<BasicMessageHead<W>>(message);
}

template <class W>
struct BasicQueueWaiter : BasicSharedWaiter<W> {
  enum Role : unsigned char { joins, sends, receives, looks };
  using BasicSharedWaiter<W>::BasicSharedWaiter;
  Offset message = 0;            // a sender's; a receiver's, once granted
  Offset next = 0;               // the sender's after that one, if it has several
  std::uint32_t generation = 0;  // of the sender's, so that it is not taken for a later one
  Role role = joins;
  bool ended = false;  // granted without: nothing will come, or nobody will take it

  bool still_has_message() const noexcept {
    const auto& block = W::Heap::block_of(message);
    return block.generation.load(std::memory_order_acquire) == generation &&
           block.owner.load(std::memory_order_acquire) == this->member().bits &&
           head_of<W>(message).link != BasicMessageHead<W>::taken;
  }
  /// A sender offers this message, and then those that are linked to it.
  void offer(Offset m) noexcept {
    message = m;
    generation = W::Heap::block_of(m).generation.load(std::memory_order_relaxed);
  }
  /// Before the message is put, and again if whoever did so died before it was.
  void look_ahead() noexcept { next = head_of<W>(message).link; }
  /// It was put: offers the next one, if there is one.
  bool follow() noexcept {
    if (next) offer(next);
    return next != 0;
  }
};

}  // namespace cohort::inline v0::ipc::detail
