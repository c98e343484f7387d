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
#include <utility>

#include "cohort/core/operation.hpp"          // Operation
#include "cohort/core/timed.hpp"              // Timed
#include "cohort/error.hpp"                   // Closed
#include "cohort/ipc/detail/channel_end.hpp"  // ChannelEnd
#include "cohort/ipc/detail/queue_specs.hpp"  // SendShared, ReceiveShared

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
  /// Never waits; false if there is no room. Throws Closed.
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

 public:
  using value_type = T;
  using detail::ChannelEnd<true>::ChannelEnd;

  /// Waits for an item. Empty once every sender is gone, or close(), and the buffer is drained.
  /// Throws CodecError for an item that does not decode, which is then gone.
  auto recv() const { return Operation(detail::ReceiveShared<Owner>{&queue()}); }
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

/// Makes a channel that buffers `capacity` items, 1 or more, else std::invalid_argument. Throws
/// std::system_error if the shared memory is full.
template <class T, std::integral Int>
Channel<T> channel(Int capacity) {
  static_assert(Serializable<T>, "what goes through an ipc channel must be Serializable");
  if (std::cmp_less(capacity, 1) || std::cmp_greater(capacity, std::size_t{1} << 40)) {
    throw std::invalid_argument("ipc::channel(capacity): the capacity is " +
                                std::to_string(capacity) + ", must be 1 to 2^40");
  }
  Receiver<T> rx(typename Receiver<T>::First{}, static_cast<std::uint64_t>(capacity));
  Sender<T> tx(rx);
  return {std::move(tx), std::move(rx)};
}

}  // namespace cohort::inline v0::ipc
