// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::channel<T>: a bounded stream between processes that knows its end.
///
///     auto [tx, rx] = ipc::channel<int>(64);
///     co_await tx.send(1);                          // one process
///     while (auto x = co_await rx.recv()) use(*x);  // another

#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/comm/detail/checked_size.hpp"  // checked_size
#include "cohort/core/operation.hpp"            // Operation
#include "cohort/core/timed.hpp"                // Timed
#include "cohort/error.hpp"                     // Closed
#include "cohort/ipc/detail/channel_end.hpp"    // ChannelEnd
#include "cohort/ipc/detail/queue_specs.hpp"    // SendShared, ReceiveShared

namespace cohort::inline v0::ipc {

/// The sending end: a handle. The stream ends when the last copy in the last process is gone, also
/// when that process was killed. Any task, thread or process may use any copy at any time.
template <class T>
class Sender : public detail::ChannelEnd<false> {
  struct Owner {
    [[noreturn]] static void refuse() {
      throw Closed("Sender::send(): the channel is closed, or no receiver is left");
    }
  };

 public:
  using value_type = T;
  using detail::ChannelEnd<false>::ChannelEnd;

  /// Encodes the item, now, and waits for room. Throws Closed if nobody will ever receive it, and
  /// std::system_error if the shared memory is full. Cancelled or timed out, it has sent nothing.
  auto send(const T& item) const {
    return Operation(detail::SendShared<Owner>{&queue(), detail::Message::of(item, name())});
  }
  template <class... Args>
  auto emplace(Args&&... args) const {
    return send(T(std::forward<Args>(args)...));
  }
  /// As send(): the item itself stays as it is.
  auto send_from(T& item) const { return send(item); }
  /// Sends the items in order, encoded now, as many at a time as there is room for, until all are
  /// accepted; other senders' may come in between. Throws Closed if nobody will receive the rest.
  /// Cancelled, timed out or refused, it may have sent some. `items` must live until the operation
  /// ends; what was accepted is then erased from it, so that it holds what was not.
  auto send_many(std::vector<T>& items) const { return sending(items, &items); }
  /// The same with the elements of any range, which stays as it is.
  template <class Range>
  requires requires(const Range& range) {
    T(*std::begin(range));
    std::end(range);
  }
  auto send_many(const Range& items) const {
    return sending(items, static_cast<std::vector<T>*>(nullptr));
  }
  /// Never waits; false if there is no room, or, if the capacity is 0, no receiver waits. Throws Closed.
  [[nodiscard("false means that the item was not taken")]] bool try_send(const T& item) const {
    using Result = detail::QueueObject::Result;
    detail::Message message = detail::Message::of(item, name());
    const auto result = queue().try_push(message.offset());
    if (result == Result::closed) Owner::refuse();
    if (result == Result::done) message.release();
    return result == Result::done;
  }
  /// Nothing can be sent any more, by anybody; receivers drain what is buffered.
  void close() const { queue().close(); }
  /// The same, and drops what is buffered.
  void cancel() const {
    queue().close();
    queue().clear();
  }
  bool closed() const { return queue().closed(); }
  /// Items in the buffer, for a moment.
  std::size_t size() const { return static_cast<std::size_t>(queue().size()); }
  std::size_t capacity() const { return static_cast<std::size_t>(queue().capacity()); }

 private:
  template <class Range>
  auto sending(const Range& range, std::vector<T>* items) const {
    std::vector<detail::Message> messages;
    for (const auto& item : range) {
      messages.push_back(detail::Message::of(static_cast<const T&>(item), name()));
    }
    return Operation(
        detail::SendSeveral<Owner, std::vector<T>>{&queue(), std::move(messages), items});
  }
};

/// The receiving end: a handle. Copies share the stream: each item goes to one of them. A process that
/// dies while it receives loses at most the one item that it was about to return.
template <class T>
class Receiver : public detail::ChannelEnd<true> {
  struct Owner {
    using Received = std::optional<T>;
    std::optional<T> received(detail::Message message) const {
      if (!message) return std::nullopt;
      return std::optional<T>(message.read<T>());
    }
  };
  template <class Into>
  struct Several {
    using Received = std::conditional_t<std::is_reference_v<Into>, std::size_t, std::vector<T>>;
    detail::QueueObject* queue;
    Into into;
    std::size_t most;
    Received received(detail::Message message) {
      const std::size_t before = into.size();
      if (message) into.push_back(message.read<T>());
      while (message && into.size() - before < most) {
        detail::Offset next = 0;
        if (queue->try_pop(next) != detail::QueueObject::Result::done) break;
        message = detail::Message(next);
        try {
          into.push_back(message.read<T>());
        } catch (...) {  // the next recv() throws it
          queue->put_back(message.release());
        }
      }
      if constexpr (std::is_reference_v<Into>) {
        return into.size() - before;
      } else {
        return std::move(into);
      }
    }
  };
  template <class Into, std::integral Int>
  auto receiving(Into&& into, Int most) const {
    constexpr auto max = static_cast<std::size_t>(-1);
    const auto n = cohort::detail::checked_size("Receiver::recv_many(): max", most, 1, max);
    return Operation(
        detail::ReceiveShared<Several<Into>>{&queue(), {&queue(), std::forward<Into>(into), n}});
  }

 public:
  using value_type = T;
  using detail::ChannelEnd<true>::ChannelEnd;

  /// Waits for an item. Empty once every sender is gone, or close(), and the buffer is drained.
  /// Throws CodecError for an item that does not decode, which is then gone.
  auto recv() const { return Operation(detail::ReceiveShared<Owner>{&queue()}); }
  /// Waits for an item, then takes those that are there, `max` at most, 1 or more, else
  /// std::invalid_argument. Empty when recv() would be. Cancelled or timed out it has taken nothing.
  template <std::integral Int>
  auto recv_many(Int max) const {
    return receiving<std::vector<T>>({}, max);
  }
  /// The same, appended to `buffer`, which must live until the operation ends. Yields how many.
  template <std::integral Int>
  auto recv_many(std::vector<T>& buffer, Int max) const {
    return receiving<std::vector<T>&>(buffer, max);
  }
  /// Never waits: an item, `timed_out()` if there is none yet, or `closed()`.
  Timed<T> try_recv() const {
    detail::Offset message = 0;
    if (queue().try_pop(message) == detail::QueueObject::Result::blocked) return {};
    return Timed<T>(Owner{}.received(detail::Message(message)));
  }
  /// Waits until recv() would not, and takes nothing.
  auto poll() const { return Operation(detail::PollShared<>{&queue()}); }
  /// For ipc::wait.
  detail::QueueObject& pollable() const { return queue(); }
  /// As Sender's.
  void close() const { queue().close(); }
  void cancel() const {
    queue().close();
    queue().clear();
  }
  bool closed() const { return queue().closed(); }
  std::size_t size() const { return static_cast<std::size_t>(queue().size()); }
  std::size_t capacity() const { return static_cast<std::size_t>(queue().capacity()); }
};

/// Both ends of a new channel.
template <class T>
struct Channel {
  Sender<T> tx;
  Receiver<T> rx;
};

/// Makes a channel that buffers `capacity` items, 0 or more, else std::invalid_argument: 0 is a
/// rendezvous, a send ends when somebody receives. Throws
/// std::system_error if the shared memory is full.
template <class T, std::integral Int>
Channel<T> channel(Int capacity) {
  static_assert(Serializable<T>, "what goes through an ipc channel must be Serializable");
  if (std::cmp_less(capacity, 0) || std::cmp_greater(capacity, std::size_t{1} << 40)) {
    throw std::invalid_argument("ipc::channel(capacity): the capacity is " +
                                std::to_string(capacity) + ", must be 0 to 2^40");
  }
  Receiver<T> rx(typename Receiver<T>::First{}, static_cast<std::uint64_t>(capacity));
  Sender<T> tx(rx);
  return {std::move(tx), std::move(rx)};
}

}  // namespace cohort::inline v0::ipc
