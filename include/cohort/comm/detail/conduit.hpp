// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What queues and channels have in common: a buffer and two gates, one for those who wait for an
/// item and one for those who wait for room. Whoever puts an item hands it to the first receiver in
/// line; whoever takes one puts the first waiting sender's item into the room he made.
///
/// With capacity 0 nothing is ever buffered, and no mark is needed: whoever comes deals with the
/// first in the other line, and `meet` brings together those who stand in both. It has both gates'
/// locks, the senders' first, and claims two waits, always the one with the lower address first;
/// everybody else has one lock or one claim when he waits for another.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "cohort/comm/detail/lane.hpp"           // bounded, one to one
#include "cohort/comm/detail/locked_buffer.hpp"  // without bound; Fifo
#include "cohort/comm/detail/ring.hpp"           // bounded
#include "cohort/core/gate.hpp"                  // the gates

namespace cohort::inline v0::detail {

template <class T, class Order = Fifo>
class Conduit {
 public:
  /// A place in the line of those who wait for an item; empty when granted: it has ended, or the
  /// place only looks, or has an error.
  struct Receiver : Waiter, Order::Receiver {
    using Waiter::Waiter;
    std::optional<T> item;
  };
  /// A place in the line of those who wait for room: until each of its items is accepted. A
  /// refusal, too, ends the wait.
  struct Sender : Waiter, Order::Sender {
    using Waiter::Waiter;
    bool accepted = false;
    T* item = nullptr;      // the next
    std::size_t count = 1;  // that one, and those that follow it in memory
  };

  static constexpr std::size_t unbounded = static_cast<std::size_t>(-1);

  Conduit(std::size_t capacity, bool single)
      : lane_(single ? make<Lane>(capacity) : nullptr),
        ring_(single || !Order::plain ? nullptr : make<Ring>(capacity)),
        list_(capacity) {}

  /// True: it is sent. False: it must wait, or is refused.
  COHORT_HOT bool send_at_once(T& item) { return push(item).done(); }
  /// True: there is an item. False: it must wait, or the end has come.
  COHORT_HOT bool receive_at_once(std::optional<T>& item) { return pop(item); }

  /// False: it must wait. Otherwise `sender.accepted` says whether it was accepted or refused for
  /// ever; only then was it moved from.
  bool try_send(Sender& sender) {
    const Attempt attempt = push(*sender.item);
    sender.accepted = attempt.done();
    return attempt.result != Attempt::Result::blocked;
  }
  /// The same with as many items as `sender` has: those that were accepted are no longer its.
  bool try_send_many(Sender& sender) {
    ServeAtEnd<ReceiveSide> receivers{receivers_};
    const Attempt attempt = push_many(sender, receivers.wanted);
    sender.accepted = attempt.done();
    return attempt.result != Attempt::Result::blocked;
  }
  /// False: it must wait. Otherwise there is an item, or the end has come.
  COHORT_NOINLINE bool try_receive(Receiver& receiver) {
    return pop(receiver.item) || ended(receiver.item);
  }

  /// For those who only look: whether there is an item, or the end has come.
  bool ready() const noexcept {
    return size() != 0 || buffer([](auto& b) { return b.ended(); });
  }

  /// The same for somebody who can wait, and does for a moment.
  bool send_soon(Sender& sender) { return try_send(sender) || send_in_a_moment(sender); }
  bool send_many_soon(Sender& sender) {
    return try_send_many(sender) ||
           (buffer([](auto& b) { return b.room_soon(); }) && try_send_many(sender));
  }
  bool receive_soon(Receiver& receiver) {
    return pop(receiver.item) || receive_in_a_moment(receiver);
  }

  /// Moves the items that are there, at most `most`, to `sink`; yields how many. Never waits.
  /// `sink.room(n)` yields for how many of n it has room, `sink.add(first, n)` takes them; if that
  /// throws, these items are lost.
  template <class Sink>
  std::size_t receive_many(Sink& sink, std::size_t most) {
    ServeAtEnd<SendSide> senders{senders_};
    std::size_t count = 0;
    if constexpr (noexcept(sink.add(std::declval<T*>(), count))) {
      if (lane_) {
        count = sink.room(lane_->ready(most));
        const auto add = [&](T* first, std::size_t n) noexcept { sink.add(first, n); };
        senders.wanted = count != 0 && lane_->pop_ready(count, add);
        return count;
      }
    }
    for (std::optional<T> item; count < most && sink.room(1) == 1; ++count, item.reset()) {
      const Attempt attempt = lane_ ? lane_->try_pop(item) : pop_shared(item);
      senders.wanted |= attempt.wake;
      if (!attempt.done()) break;
      sink.add(&*item, 1);
    }
    return count;
  }

  void arm(Sender& sender) noexcept { senders_.gate.arm(senders_, sender); }
  void disarm(Sender& sender) noexcept { senders_.gate.disarm(senders_, sender); }
  void arm(Receiver& receiver) noexcept {
    receivers_.gate.arm(receivers_, receiver);
    // Not under the receivers' gate: see `meet`. The receiver cannot leave before this returns.
    if (rendezvous()) senders_.gate.serve(senders_);
  }
  void disarm(Receiver& receiver) noexcept { receivers_.gate.disarm(receivers_, receiver); }

  /// Nothing can be sent any more; what is buffered can be received. Everybody who waits is told.
  void close() noexcept {
    buffer([](auto& b) { b.close(); });
    senders_.gate.serve(senders_);
    receivers_.gate.serve(receivers_);
  }
  /// Of one that is closed: drops what is buffered, and what is just being sent; yields how many
  /// items. Counts as a receiver.
  std::size_t clear() {
    std::size_t count = 0;
    for (unsigned round = 0;; RealAtomics::relax(round++)) {
      for (std::optional<T> dropped; pop(dropped); dropped.reset()) ++count;
      if (buffer([](auto& b) { return b.ended(); })) return count;
    }
  }
  /// How many items were accepted so far; not of a rendezvous.
  std::uint64_t accepted() const noexcept {
    return buffer([](auto& b) { return b.pushed(); });
  }
  bool closed() const noexcept {
    return buffer([](auto& b) { return b.closed(); });
  }
  std::size_t size() const noexcept {
    return buffer([](auto& b) { return b.size(); });
  }
  std::size_t capacity() const noexcept { return list_.capacity(); }
  /// Nothing is buffered: items change hands.
  bool rendezvous() const noexcept { return capacity() == 0; }
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

  // However its scope is left.
  template <class Side>
  struct ServeAtEnd {
    Side& side;
    bool wanted = false;
    explicit ServeAtEnd(Side& s) noexcept : side(s) {}
    ServeAtEnd(const ServeAtEnd&) = delete;
    ServeAtEnd& operator=(const ServeAtEnd&) = delete;
    ~ServeAtEnd() {
      if (wanted) wake(side);
    }
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
    return ring_ ? ring_->try_push(item) : rendezvous() ? give(item) : list_.try_push(item);
  }
  COHORT_NOINLINE Attempt pop_shared(std::optional<T>& item) {
    return ring_ ? ring_->try_pop(item) : rendezvous() ? take(item) : list_.try_pop(item);
  }
  // As much as there is room for; done when that is all. Whom it wakes is up to the caller, also if
  // it throws.
  Attempt push_many(Sender& sender, bool& wake) {
    while (sender.count != 0) {
      const BatchAttempt batch = lane_ ? lane_->try_push_many(sender.item, sender.count)
                                       : BatchAttempt{1, push_shared(*sender.item)};
      wake |= batch.attempt.wake;
      if (!batch.attempt.done()) return {batch.attempt.result};
      sender.item += batch.count;
      sender.count -= batch.count;
    }
    return {Attempt::Result::done};
  }
  // Closed and drained; an item that slipped in before is still taken.
  bool ended(std::optional<T>& item) {
    if (!buffer([](auto& b) { return b.closed(); })) return false;
    return pop(item) || buffer([](auto& b) { return b.ended(); });
  }

  // On behalf of one who waits. What this throws goes to him, and ends his wait.
  template <class Place, class Fn>
  static Attempt on_behalf(Place& place, Fn attempt) noexcept {
    try {
      return attempt();
    } catch (...) {
      place.caught();
      return {Attempt::Result::closed};
    }
  }

  // The other side is served after the grant, never while a wait is only claimed.
  void serve_receivers(Gate::Line& line) noexcept {
    if (rendezvous()) {
      if (closed()) grant_all(line);
      return;
    }
    for (unsigned round = 0;;) {
      auto* const first = static_cast<Receiver*>(line.claim_front());
      if (!first) return;
      const auto pop = [&]() -> Attempt {
        if (first->looks) {
          return {ready() ? Attempt::Result::closed : Attempt::Result::blocked};
        }
        return buffer([&](auto& b) { return b.try_pop(first->item); });
      };
      Attempt attempt = on_behalf(*first, pop);
      bool over = attempt.result == Attempt::Result::closed;
      if (attempt.result == Attempt::Result::blocked && closed()) {
        attempt = on_behalf(*first, pop);  // what slipped in before the close
        over = !attempt.done() && buffer([](auto& b) { return b.ended(); });
      }
      if (attempt.done() || over) {
        line.grant_front();
        if (attempt.wake) senders_.gate.serve(senders_);
      } else {
        first->wait().unclaim();
        if (buffer([](auto& b) { return b.mark_empty(); })) return;
        RealAtomics::relax(round++);  // an item is on its way
      }
    }
  }
  void serve_senders(Gate::Line& line) noexcept {
    if (rendezvous()) return meet(line);
    for (unsigned round = 0;;) {
      auto* const first = static_cast<Sender*>(line.claim_front());
      if (!first) return;
      bool wake = false;
      const Attempt attempt = on_behalf(*first, [&] { return push_many(*first, wake); });
      first->accepted = attempt.done();
      const bool decided = attempt.result != Attempt::Result::blocked;
      if (decided) {
        line.grant_front();
      } else {
        first->wait().unclaim();
      }
      if (wake) receivers_.gate.serve(receivers_);
      if (decided) continue;
      if (buffer([](auto& b) { return b.mark_full(); })) return;
      RealAtomics::relax(round++);  // a cell is about to be free
    }
  }

  // ---- capacity 0

  static void grant_all(Gate::Line& line) noexcept {
    while (line.claim_front()) line.grant_front();
  }
  // The claimed first sender's item changes hands.
  static void hand_over(Gate::Line& senders, std::optional<T>& item) noexcept {
    auto& sender = static_cast<Sender&>(senders.front());
    item.emplace(std::move(*sender.item++));
    if (--sender.count == 0) {
      sender.accepted = true;
      senders.grant_front();
    } else {
      sender.wait().unclaim();
    }
  }
  // To the first receiver in line.
  Attempt give(T& item) noexcept {
    auto result = Attempt::Result::blocked;
    receivers_.gate.with(receivers_, [&](Gate::Line& line) {
      if (closed()) {
        result = Attempt::Result::closed;
      } else if (auto* const first = static_cast<Receiver*>(line.claim_front())) {
        first->item.emplace(std::move(item));
        line.grant_front();
        result = Attempt::Result::done;
      }
    });
    return {result};
  }
  // From the first sender in line.
  Attempt take(std::optional<T>& item) noexcept {
    senders_.gate.with(senders_, [&](Gate::Line& line) {
      if (!closed() && line.claim_front()) hand_over(line, item);
    });
    return {item ? Attempt::Result::done : Attempt::Result::blocked};
  }
  void meet(Gate::Line& senders) noexcept {
    if (closed()) return grant_all(senders);  // refused
    if (senders.empty()) return;
    receivers_.gate.with(receivers_, [&](Gate::Line& receivers) {
      while (!senders.empty() && !receivers.empty() && bring_together(senders, receivers)) {}
    });
  }
  // The first of both lines, or makes progress towards it; false: they cannot be.
  static bool bring_together(Gate::Line& senders, Gate::Line& receivers) noexcept {
    const Wait& one = senders.front().wait();
    if (&one == &receivers.front().wait()) {  // a select in both lines: it does not meet itself
      return put_another_first(senders, one) || put_another_first(receivers, one);
    }
    const bool sender_first = std::less<>()(&one, &receivers.front().wait());
    Gate::Line& lower = sender_first ? senders : receivers;
    Gate::Line& higher = sender_first ? receivers : senders;
    if (!claim_or_remove_front(lower)) return true;
    if (!claim_or_remove_front(higher)) {
      lower.front().wait().unclaim();
      return true;
    }
    hand_over(senders, static_cast<Receiver&>(receivers.front()).item);
    receivers.grant_front();
    return true;
  }
  static bool claim_or_remove_front(Gate::Line& line) noexcept {
    return line.front().wait().claim() || !line.remove(line.front());
  }
  // Moves those of the wait to the end. They lose nothing by it: whoever comes first instead meets
  // that very wait, which leaves both lines, or leaves himself.
  static bool put_another_first(Gate::Line& line, const Wait& wait) noexcept {
    Waiter* const begin = &line.front();
    do {
      Waiter& front = line.front();
      line.remove(front);
      line.push_back(front);
    } while (&line.front().wait() == &wait && &line.front() != begin);
    return &line.front().wait() != &wait;
  }

  const std::unique_ptr<Lane> lane_;
  const std::unique_ptr<Ring> ring_;
  LockedBuffer<T, Order> list_;
  SendSide senders_{*this};
  ReceiveSide receivers_{*this};
};

}  // namespace cohort::inline v0::detail
