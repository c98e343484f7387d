// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What queues and channels have in common: a buffer and two gates, one for those who wait for an
/// item and one for those who wait for room. Whoever puts an item hands it to the first receiver in
/// line; whoever takes one puts the first waiting sender's item into the room he made.

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "cohort/comm/detail/lane.hpp"           // bounded, one to one
#include "cohort/comm/detail/locked_buffer.hpp"  // without bound
#include "cohort/comm/detail/ring.hpp"           // bounded
#include "cohort/core/gate.hpp"                  // the gates

namespace cohort::inline v0::detail {

template <class T>
class Conduit {
 public:
  /// A place in the line of those who wait for an item; empty when granted: it has ended.
  struct Receiver : Waiter {
    using Waiter::Waiter;
    std::optional<T> item;
  };
  /// A place in the line of those who wait for room.
  struct Sender : Waiter {
    using Waiter::Waiter;
    T* item = nullptr;
    bool accepted = false;
  };

  /// `capacity` 0: without bound.
  Conduit(std::size_t capacity, bool single)
      : lane_(single ? make<Lane>(capacity) : nullptr),
        ring_(single ? nullptr : make<Ring>(capacity)),
        list_(capacity) {}

  /// False: it must wait. Otherwise `sender.accepted` says whether it was accepted or refused for
  /// ever; only then was it moved from.
  COHORT_HOT bool try_send(Sender& sender) {
    const Attempt attempt = push(*sender.item);
    sender.accepted = attempt.done();
    return attempt.result != Attempt::Result::blocked;
  }
  /// False: it must wait. Otherwise there is an item, or the end has come.
  bool try_receive(Receiver& receiver) { return pop(receiver.item) || ended(receiver.item); }

  /// The same for somebody who can wait, and does for a moment.
  COHORT_HOT bool send_soon(Sender& sender) { return try_send(sender) || send_in_a_moment(sender); }
  COHORT_HOT bool receive_soon(Receiver& receiver) {
    return pop(receiver.item) || receive_in_a_moment(receiver);
  }

  void arm(Sender& sender) noexcept { senders_.gate.arm(senders_, sender); }
  void disarm(Sender& sender) noexcept { senders_.gate.disarm(senders_, sender); }
  void arm(Receiver& receiver) noexcept { receivers_.gate.arm(receivers_, receiver); }
  void disarm(Receiver& receiver) noexcept { receivers_.gate.disarm(receivers_, receiver); }

  /// Nothing can be sent any more; what is buffered can be received. Everybody who waits is told.
  void close() noexcept {
    buffer([](auto& b) { b.close(); });
    senders_.gate.serve(senders_);
    receivers_.gate.serve(receivers_);
  }
  /// Drops what is buffered; yields how many items. Counts as a receiver.
  std::size_t clear() {
    std::size_t count = 0;
    for (std::optional<T> dropped; pop(dropped); dropped.reset()) ++count;
    return count;
  }
  bool closed() const noexcept {
    return buffer([](auto& b) { return b.closed(); });
  }
  std::size_t size() const noexcept {
    return buffer([](auto& b) { return b.size(); });
  }
  std::size_t capacity() const noexcept { return list_.capacity(); }
  /// One party sends and one receives at a time.
  bool single() const noexcept { return lane_ != nullptr; }

 private:
  static constexpr std::size_t largest_ring = std::size_t{1} << 20;
  using Lane = BasicLane<RealAtomics, T>;
  using Ring = BasicRing<RealAtomics, T>;

  struct SendSide {
    Conduit& self;
    Gate gate{};
    void serve(Gate::Line& line) noexcept { self.serve_senders(line); }
  };
  struct ReceiveSide {
    Conduit& self;
    Gate gate{};
    void serve(Gate::Line& line) noexcept { self.serve_receivers(line); }
  };

  template <class Buffer>
  static std::unique_ptr<Buffer> make(std::size_t capacity) {
    if (capacity == 0 || capacity > largest_ring) return nullptr;
    return std::make_unique<Buffer>(capacity);
  }

  template <class Fn>
  auto buffer(Fn fn) const {
    return lane_ ? fn(*lane_) : ring_ ? fn(*ring_) : fn(list_);
  }
  template <class Fn>
  auto buffer(Fn fn) {
    return lane_ ? fn(*lane_) : ring_ ? fn(*ring_) : fn(list_);
  }

  COHORT_NOINLINE bool send_in_a_moment(Sender& sender) {
    return buffer([](auto& b) { return b.room_soon(); }) && try_send(sender);
  }
  COHORT_NOINLINE bool receive_in_a_moment(Receiver& receiver) {
    if (ended(receiver.item)) return true;
    return buffer([](auto& b) { return b.item_soon(); }) && try_receive(receiver);
  }
  // The lane's few instructions are worth to be inlined, the others' are not.
  COHORT_HOT Attempt push(T& item) {
    const Attempt attempt = lane_ ? lane_->try_push(item) : push_shared(item);
    if (attempt.wake) [[unlikely]]
      wake(receivers_);
    return attempt;
  }
  COHORT_HOT bool pop(std::optional<T>& item) {
    const Attempt attempt = lane_ ? lane_->try_pop(item) : pop_shared(item);
    if (attempt.wake) [[unlikely]]
      wake(senders_);
    return attempt.done();
  }
  template <class Side>
  COHORT_NOINLINE static void wake(Side& side) noexcept {
    side.gate.serve(side);
  }
  COHORT_NOINLINE Attempt push_shared(T& item) {
    return ring_ ? ring_->try_push(item) : list_.try_push(item);
  }
  COHORT_NOINLINE Attempt pop_shared(std::optional<T>& item) {
    return ring_ ? ring_->try_pop(item) : list_.try_pop(item);
  }
  // Closed and drained; an item that slipped in before is still taken.
  bool ended(std::optional<T>& item) {
    if (!buffer([](auto& b) { return b.closed(); })) return false;
    return pop(item) || buffer([](auto& b) { return b.ended(); });
  }

  // The other side is served after the grant, never while a wait is only claimed.
  void serve_receivers(Gate::Line& line) noexcept {
    for (unsigned round = 0;; RealAtomics::relax(round++)) {
      auto* const first = static_cast<Receiver*>(line.claim_front());
      if (!first) return;
      const auto pop = [&] { return buffer([&](auto& b) { return b.try_pop(first->item); }); };
      Attempt attempt = pop();
      bool over = false;
      if (!attempt.done() && closed()) {
        attempt = pop();  // what slipped in before the close
        over = !attempt.done() && buffer([](auto& b) { return b.ended(); });
      }
      if (attempt.done() || over) {
        line.grant_front();
        if (attempt.wake) senders_.gate.serve(senders_);
      } else {
        first->wait().unclaim();
        if (buffer([](auto& b) { return b.mark_empty(); })) return;
      }
    }
  }
  void serve_senders(Gate::Line& line) noexcept {
    for (unsigned round = 0;; RealAtomics::relax(round++)) {
      auto* const first = static_cast<Sender*>(line.claim_front());
      if (!first) return;
      const Attempt attempt = buffer([&](auto& b) { return b.try_push(*first->item); });
      first->accepted = attempt.done();
      if (attempt.result != Attempt::Result::blocked) {
        line.grant_front();
        if (attempt.wake) receivers_.gate.serve(receivers_);
      } else {
        first->wait().unclaim();
        if (buffer([](auto& b) { return b.mark_full(); })) return;
      }
    }
  }

  const std::unique_ptr<Lane> lane_;
  const std::unique_ptr<Ring> ring_;
  LockedBuffer<T> list_;
  SendSide senders_{*this};
  ReceiveSide receivers_{*this};
};

}  // namespace cohort::inline v0::detail
