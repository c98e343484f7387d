// SPDX-License-Identifier: BSL-1.0
#pragma once

/// broadcast<T>: every receiver gets every message sent after it subscribed.
///
///     auto [tx, rx] = broadcast<Price>(16);
///     auto other = rx.subscribe();                  // or tx.subscribe()
///     tx.send(price);                               // never waits
///     while (auto p = co_await rx.recv()) use(*p);  // each receiver, until every sender is gone

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "cohort/comm/detail/bulletin.hpp"      // Bulletin
#include "cohort/comm/detail/channel_end.hpp"   // ChannelEnd
#include "cohort/comm/detail/checked_size.hpp"  // checked_size
#include "cohort/comm/detail/sent.hpp"          // Sent
#include "cohort/core/operation.hpp"            // Operation
#include "cohort/core/timed.hpp"                // Timed
#include "cohort/error.hpp"                     // Closed, Lagged

namespace cohort::inline v0 {

namespace detail {

/// How a broadcast keeps its messages: as they are, or shared by those who copy them.
template <class T>
inline constexpr bool is_light = std::is_trivially_copyable_v<T> && sizeof(T) <= 64;
template <class T>
using BroadcastItem = std::conditional_t<is_light<T>, T, std::shared_ptr<const T>>;
template <class T>
using BroadcastState = BulletinState<BroadcastItem<T>, false>;

}  // namespace detail

template <class T>
class BroadcastReceiver;

/// The sending end. Copyable, all verbs const; any thread may use any copy at any time. The stream
/// ends when the last copy is gone, or at `close()`.
template <class T>
class BroadcastSender : private detail::ChannelEnd<detail::BroadcastState<T>, false> {
  using Base = detail::ChannelEnd<detail::BroadcastState<T>, false>;

 public:
  using value_type = T;
  using Base::Base;
  using Base::capacity;
  using Base::close;
  using Base::closed;
  using Base::operator bool;

  /// Never waits: who has not received the message n sends later has missed it. Throws Closed if no
  /// receiver is there to get it, or after `close()`.
  detail::Sent send(T message) const {
    if (!try_send(std::move(message))) {
      throw Closed("BroadcastSender::send(): no receiver is subscribed, or it is closed");
    }
    return {};
  }
  /// The same, but false where that throws Closed. The message is gone then, too.
  [[nodiscard("false means that nobody gets it")]] bool try_send(T message) const {
    auto& bulletin = this->state().conduit;
    std::optional<detail::BroadcastItem<T>> item;
    if constexpr (detail::is_light<T>) {
      item.emplace(message);
    } else {
      item.emplace(std::make_shared<const T>(std::move(message)));
    }
    return bulletin.push(item);
  }
  /// How many receivers are subscribed, for a moment.
  std::size_t receivers() const { return this->state().conduit.subscribers(); }
  /// A receiver of what is sent from now on.
  BroadcastReceiver<T> subscribe() const { return BroadcastReceiver<T>(this->shared_state()); }

  friend bool operator==(const BroadcastSender&, const BroadcastSender&) = default;
};

/// The receiving end, all verbs const. A copy is a receiver of its own, which gets all that this one
/// has yet to get. Any thread may use any of them at any time; of several who wait at the same one,
/// each message goes to the first. An operation refers to the receiver it came from: keep that alive.
template <class T>
class BroadcastReceiver : public detail::Subscriber<detail::BroadcastState<T>> {
  using Base = detail::Subscriber<detail::BroadcastState<T>>;
  using Bulletin = detail::Bulletin<detail::BroadcastItem<T>, false>;
  struct Received {
    std::optional<T> operator()(typename Bulletin::Place& place) const {
      if (place.missed != 0) throw Lagged(place.missed);
      if constexpr (detail::is_light<T>) {
        return place.item;
      } else {
        return place.item ? std::optional<T>(**place.item) : std::nullopt;
      }
    }
  };

 public:
  using value_type = T;
  using Base::Base;

  /// Waits for the next message; yields a copy of it. Empty once every sender is gone and all was
  /// received. If messages that this receiver has not received were overwritten, it throws Lagged,
  /// once, which says how many; the next one is then the oldest there is. Cancelled or timed out, it
  /// has taken nothing.
  auto recv() const {
    return Operation(detail::ReadBulletin<Bulletin, Received>{&this->bulletin(), &this->cursor()});
  }
  /// Never waits: a message, `timed_out()` if there is none yet, or `closed()`. Throws Lagged, too.
  Timed<T> try_recv() const { return this->template take_now<Timed<T>>(Received()); }
  /// How many messages it would get now without waiting, and how many it can be behind.
  std::size_t size() const { return this->bulletin().size(this->cursor()); }
  std::size_t capacity() const { return this->bulletin().capacity(); }
  /// A receiver of what is sent from now on.
  BroadcastReceiver subscribe() const { return BroadcastReceiver(this->shared_state()); }
};

/// Both ends of a new broadcast.
template <class T>
struct BroadcastChannel {
  BroadcastSender<T> tx;
  BroadcastReceiver<T> rx;
};

/// Makes a broadcast in which a receiver can be `n` messages behind, of a type that can be copied.
/// They go when all have received them. Throws std::invalid_argument unless `n` is 1 or more.
template <class T, std::integral Int>
BroadcastChannel<T> broadcast(Int n) {
  static_assert(std::is_copy_constructible_v<T>,
                "each receiver of a broadcast gets a copy: T must be copyable; a "
                "std::shared_ptr<T> is");
  auto state = std::make_shared<detail::BroadcastState<T>>(
      detail::checked_size("broadcast(n): n", n, 1, detail::largest_capacity));
  BroadcastSender<T> tx(state);
  return {std::move(tx), BroadcastReceiver<T>(std::move(state))};
}

}  // namespace cohort::inline v0
