// SPDX-License-Identifier: BSL-1.0
#pragma once

/// channel<T>: a bounded stream from senders to receivers that knows its end.
///
///     auto [tx, rx] = channel<int>(64);
///     co_await tx.send(1);                          // one side; dropping tx ends the stream
///     while (auto x = co_await rx.recv()) use(*x);  // the other

#include <atomic>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/comm/detail/channel_end.hpp"   // ChannelEnd
#include "cohort/comm/detail/checked_size.hpp"  // checked_size
#include "cohort/comm/detail/element.hpp"       // Conduit and its Specs
#include "cohort/core/operation.hpp"            // Operation
#include "cohort/error.hpp"                     // Closed

namespace cohort::inline v0 {

/// Promises a channel that at most one party sends and at most one receives at any time: faster.
struct OneToOne {};
inline constexpr OneToOne one_to_one{};

namespace detail {

template <class T, class Order = Fifo>
struct ChannelState {
  ChannelState(std::size_t capacity, bool single) : conduit(capacity, single) {}
  Conduit<element_t<T>, Order> conduit;
  std::atomic<std::size_t> ends[2]{1, 1};  // handles that send; that receive
};

}  // namespace detail

/// The sending end. Copyable, all verbs const; any thread may use any copy at any time. The stream
/// ends when the last copy is gone. An operation refers to the end it came from: keep that alive.
template <class T>
class Sender : public detail::ChannelEnd<detail::ChannelState<T>, false> {
  struct Owner {
    detail::ChannelState<T>* state;
    auto& conduit() const noexcept { return state->conduit; }
    [[noreturn]] void refuse() const {
      throw Closed("Sender::send(): the channel is closed, or no receiver is left");
    }
  };

 public:
  using value_type = T;
  using detail::ChannelEnd<detail::ChannelState<T>, false>::ChannelEnd;

  /// Waits for room, or, if the capacity is 0, for a receiver that takes it. Throws Closed if
  /// nobody will ever receive it.
  auto send(T item) const {
    return Operation(detail::SendItem<T, Owner>(Owner{&this->state()}, std::move(item)));
  }
  /// Builds the item in place, now, and waits for room as send() does.
  template <class... Args>
  auto emplace(Args&&... args) const {
    return Operation(detail::SendItem<T, Owner>(Owner{&this->state()}, std::in_place,
                                                std::forward<Args>(args)...));
  }
  /// Moves from `item` only when it is accepted; it must live until then.
  auto send_from(T& item) const {
    return Operation(detail::SendFrom<T, Owner>{{&this->state()}, &item});
  }
  /// Sends the items in order, as many at a time as there is room for, until all are accepted; other
  /// senders' may come in between. Throws Closed if nobody will receive the rest. Cancelled, timed
  /// out or refused, it may have sent some. `items` must live until the operation ends; what was
  /// accepted is then erased from it, so that it holds what was not.
  auto send_many(std::vector<T>& items) const {
    static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T>,
                  "send_many from a named vector needs an element that moves without throwing: "
                  "hand the vector over with std::move");
    return sending(items);
  }
  /// The same with items of the operation's own: what is not accepted goes with it.
  auto send_many(std::vector<T>&& items) const {
    if constexpr (std::is_nothrow_move_constructible_v<T>) {
      return sending(std::move(items));
    } else {
      std::vector<detail::element_t<T>> boxed;
      boxed.reserve(items.size());
      for (T& item : items) boxed.push_back(detail::Element<T>::wrap(std::move(item)));
      return sending(std::move(boxed));
    }
  }
  /// The same with the elements of any range, copied now.
  template <class Range>
  requires requires(Range& range) {
    T(*std::begin(range));
    std::end(range);
  }
  auto send_many(Range&& range) const {
    std::vector<T> items;
    for (auto&& item : range) items.emplace_back(std::forward<decltype(item)>(item));
    return send_many(std::move(items));
  }
  /// Never waits; false if there is no room, or, if the capacity is 0, no receiver waits. Moves from `item` only on success.
  [[nodiscard("false means that the item was not taken")]] bool try_send(T&& item) const {
    const auto result = detail::try_send_now<T>(this->state().conduit, item);
    if (result == detail::Attempt::Result::closed) Owner{&this->state()}.refuse();
    return result == detail::Attempt::Result::done;
  }
  [[nodiscard("false means that the item was not taken")]] bool try_send(const T& item) const {
    T copy(item);
    return try_send(std::move(copy));
  }

 private:
  template <class Items>
  auto sending(Items&& items) const {
    static_assert(!std::is_same_v<T, bool>, "std::vector<bool> has no items to send");
    return Operation(
        detail::SendMany<T, Owner, Items>{{&this->state()}, std::forward<Items>(items)});
  }
};

/// The receiving end. Copies share the stream: each item goes to one of them.
template <class T>
class Receiver : public detail::ChannelEnd<detail::ChannelState<T>, true> {
  struct Owner {
    using Received = std::optional<T>;
    detail::ChannelState<T>* state;
    auto& conduit() const noexcept { return state->conduit; }
    std::optional<T> received(std::optional<detail::element_t<T>>& item) const {
      if (!item) return std::nullopt;
      return std::optional<T>(detail::Element<T>::unwrap(*item));
    }
  };

 public:
  using value_type = T;
  using detail::ChannelEnd<detail::ChannelState<T>, true>::ChannelEnd;

  /// Waits for an item. Empty once every sender is gone, or close(), and the buffer is drained.
  auto recv() const { return Operation(detail::ReceiveItem<T, Owner>{{&this->state()}}); }
  /// Waits for an item, then appends those that are there, `max` at most, to `buffer`, which must
  /// live until the operation ends. Yields how many: 0 only when recv() would be empty. Cancelled or
  /// timed out it has taken nothing, and also if `buffer` cannot grow, which throws. Throws
  /// std::invalid_argument if `max` is 0.
  auto recv_many(std::vector<T>& buffer, std::size_t max) const {
    return receiving<std::vector<T>&>(buffer, max);
  }
  /// The same as a vector of its own: empty when recv() would be.
  auto recv_many(std::size_t max) const { return receiving<std::vector<T>>({}, max); }
  /// Never waits: an item, `timed_out()` if there is none yet, or `closed()`. With capacity 0 it
  /// takes from a sender that waits.
  Timed<T> try_recv() const {
    detail::NoWait nobody;
    typename detail::Conduit<detail::element_t<T>>::Receiver place(nobody);
    if (!this->state().conduit.try_receive(place)) return {};
    return Timed<T>(Owner{&this->state()}.received(place.item));
  }

 private:
  template <class Into>
  auto receiving(Into&& into, std::size_t max) const {
    if (max == 0)
      throw std::invalid_argument("Receiver::recv_many(): max is 0, must be at least 1");
    return Operation(
        detail::ReceiveMany<T, Owner, Into>{{&this->state()}, std::forward<Into>(into), max});
  }
};

/// Both ends of a new channel.
template <class T>
struct Channel {
  Sender<T> tx;
  Receiver<T> rx;
};

namespace detail {
template <class T, std::integral Int>
Channel<T> make_channel(Int capacity, bool single) {
  const auto size = checked_size("channel(capacity): the capacity", capacity, 0, largest_capacity);
  auto state = std::make_shared<ChannelState<T>>(size, single);
  return Channel<T>{Sender<T>(state), Receiver<T>(state)};
}
}  // namespace detail

/// Makes a channel that buffers `capacity` items. With 0 it is a rendezvous: each item goes from a
/// sender to a receiver while both are there. Throws std::invalid_argument if `capacity` is negative.
template <class T, std::integral Int>
Channel<T> channel(Int capacity) {
  return detail::make_channel<T>(capacity, false);
}
/// The same for one sender and one receiver at a time.
template <class T, std::integral Int>
Channel<T> channel(Int capacity, OneToOne) {
  return detail::make_channel<T>(capacity, true);
}

}  // namespace cohort::inline v0
