// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Pipe<T>: two connections that talk to each other.
///
///     auto [left, right] = Pipe<std::string>();
///     co_await left.send("ping");                   // one side
///     std::string ping = co_await right.recv();     // the other
///     auto [reader, writer] = Pipe<int>(false);     // one way

#include <atomic>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cohort/comm/channel.hpp"              // a direction is a channel
#include "cohort/comm/detail/bytes.hpp"         // ByteString
#include "cohort/comm/detail/checked_size.hpp"  // checked_size
#include "cohort/core/operation.hpp"            // Operation
#include "cohort/error.hpp"                     // BrokenPipe, Closed, EndOfStream, UsageError

namespace cohort::inline v0 {

namespace detail {

/// A locked buffer knows for certain whether there is something to receive; and there are places
/// that only look.
struct PipeOrder {
  static constexpr bool plain = false;
  using Sender = Failure;
  struct Receiver : Fifo::Receiver {
    bool looks = false;
  };
  template <class T>
  using Items = Fifo::Items<T>;
};

template <class T>
struct PipeState : ChannelState<T, PipeOrder> {
  explicit PipeState(std::size_t capacity) : ChannelState<T, PipeOrder>(capacity, false) {}
  /// A message came that was longer than the receiver allows: nothing is received any more.
  void refuse_more() {
    refused.store(true, std::memory_order_release);
    this->conduit.close();
    this->conduit.clear();
  }
  std::atomic<bool> refused{false};
};

/// One direction of a connection; empty if it has not got it.
template <class T, bool receives>
struct PipeEnd : ChannelEnd<PipeState<T>, receives> {
  using ChannelEnd<PipeState<T>, receives>::ChannelEnd;
  using ChannelEnd<PipeState<T>, receives>::state;
  bool open() const { return *this && !(receives && refused()); }
  bool refused() const { return *this && state().refused.load(std::memory_order_acquire); }
};

/// Waiting until there is something to receive, as an operation's Spec.
template <class T>
struct PollPipe {
  using Result = void;
  using Place = typename decltype(PipeState<T>::conduit)::Receiver;
  PipeState<T>* state;

  bool try_now(Place& place) noexcept {
    place.looks = true;
    return state->conduit.ready();
  }
  void arm(Place& place) noexcept { state->conduit.arm(place); }
  void disarm(Place& place) noexcept { state->conduit.disarm(place); }
  bool retry(Place&) noexcept { return false; }
  void result(Place&) noexcept {}
};

}  // namespace detail

/// One end of a pipe: a counted handle. Copies are the same end: each message goes to one of those
/// who receive there, and arrives as it was sent, whoever else sends. Any thread may call any copy's
/// const verbs at any time; an operation refers to the connection it came from: keep that open. It
/// throws UsageError if this end does not do that, and Closed after `close()`.
template <class T>
class Connection {
  using Out = detail::PipeEnd<T, false>;
  using In = detail::PipeEnd<T, true>;

  struct Sending {
    detail::PipeState<T>* state;
    auto& conduit() const noexcept { return state->conduit; }
    [[noreturn]] void refuse() const {
      throw BrokenPipe("Connection::send(): the other end is closed: nobody will receive it");
    }
  };
  struct Receiving {
    using Received = T;
    detail::PipeState<T>* state;
    auto& conduit() const noexcept { return state->conduit; }
    T received(std::optional<detail::element_t<T>>& item) const {
      if (!item)
        throw EndOfStream("Connection::recv(): the other end is closed and all is received");
      return detail::Element<T>::unwrap(*item);
    }
  };
  struct ReceivingBytes : Receiving {
    std::size_t most;
    T received(std::optional<detail::element_t<T>>& item) const {
      T message = Receiving::received(item);
      if (message.size() <= most) return message;
      this->state->refuse_more();
      throw BadMessage("Connection::recv_bytes(): a message of " + std::to_string(message.size()) +
                       " bytes, " + std::to_string(most) + " are allowed");
    }
  };
  struct ReceivingInto : Receiving {
    using Received = std::size_t;
    detail::BytesOf<char> buffer;
    std::size_t received(std::optional<detail::element_t<T>>& item) const {
      const T message = Receiving::received(item);
      const auto bytes = detail::bytes_of(message);
      if (bytes.size > buffer.size) {
        throw BufferTooShort("Connection::recv_bytes_into(): a message of " +
                                 std::to_string(bytes.size) + " bytes, there is room for " +
                                 std::to_string(buffer.size),
                             std::string(bytes.data, bytes.size));
      }
      std::char_traits<char>::copy(buffer.data, bytes.data, bytes.size);
      return bytes.size;
    }
  };

 public:
  using value_type = T;

  /// Closed.
  Connection() = default;
  /// What Pipe makes of the directions it has.
  Connection(Out out, In in) noexcept : out_(std::move(out)), in_(std::move(in)) {}

  /// Waits while 64 messages lie there that nobody has received. Throws BrokenPipe if the other end
  /// is closed everywhere, also when that happens meanwhile. Cancelled or timed out, it has sent
  /// nothing.
  auto send(T message) const {
    return Operation(
        detail::SendItem<T, Sending>(Sending{&state(out_, "send")}, std::move(message)));
  }
  /// Waits for a message. Throws EndOfStream, again and again, once the other end is closed
  /// everywhere and everything was received. Cancelled or timed out, it has taken nothing.
  auto recv() const { return Operation(detail::ReceiveItem<T, Receiving>{{&state(in_, "recv")}}); }
  /// Waits until recv() would not: there is a message, which this does not take, or the end has come.
  /// Another who receives at this end may be faster.
  auto poll() const { return Operation(detail::PollPipe<T>{&state(in_, "poll")}); }

  /// Bytes, where T is a byte string: std::string, std::vector<std::byte> or the like.
  ///
  /// Sends the bytes of `buffer`, copied now, as one message, as `send` does; `buffer` is any
  /// contiguous range of elements that are copied as bytes. From `offset` on, counted in bytes, to
  /// the end or `size` bytes. Throws std::invalid_argument if the buffer has not got those.
  template <detail::ByteSource Buffer>
  auto send_bytes(Buffer&& buffer) const {
    const auto bytes = detail::bytes_of(std::forward<Buffer>(buffer));
    return sending_bytes(bytes.data, bytes.size);
  }
  template <detail::ByteSource Buffer, std::integral Offset>
  auto send_bytes(Buffer&& buffer, Offset offset) const {
    const auto bytes = detail::bytes_of(std::forward<Buffer>(buffer));
    const auto from =
        detail::checked_size("Connection::send_bytes(): the offset", offset, 0, bytes.size);
    return sending_bytes(bytes.data + from, bytes.size - from);
  }
  template <detail::ByteSource Buffer, std::integral Offset, std::integral Size>
  auto send_bytes(Buffer&& buffer, Offset offset, Size size) const {
    const auto bytes = detail::bytes_of(std::forward<Buffer>(buffer));
    const auto from =
        detail::checked_size("Connection::send_bytes(): the offset", offset, 0, bytes.size);
    return sending_bytes(
        bytes.data + from,
        detail::checked_size("Connection::send_bytes(): the size", size, 0, bytes.size - from));
  }
  /// As `recv`.
  auto recv_bytes() const { return receiving_bytes(static_cast<std::size_t>(-1)); }
  /// The same, but a message of more than `maxlength` bytes throws BadMessage, is lost, and is the
  /// last: the other end's sends are broken pipes, and this end can only send, or, if it could not,
  /// is closed. Throws std::invalid_argument if `maxlength` is negative.
  template <std::integral Int>
  auto recv_bytes(Int maxlength) const {
    constexpr auto most = static_cast<std::size_t>(-1);
    return receiving_bytes(
        detail::checked_size("Connection::recv_bytes(): maxlength", maxlength, 0, most));
  }
  /// Waits for a message and copies it to `buffer`, a contiguous range which must live until the
  /// operation ends, from `offset` on, counted in bytes. Yields how many bytes. Throws as `recv`, and
  /// BufferTooShort, which has the whole message, if it is longer than what is left of the buffer;
  /// std::invalid_argument if the offset is negative or beyond the end.
  template <detail::ByteTarget Buffer, std::integral Offset = int>
  auto recv_bytes_into(Buffer&& buffer, Offset offset = 0) const {
    check_bytes();
    auto& from = state(in_, "recv_bytes_into");
    auto bytes = detail::bytes_of(std::forward<Buffer>(buffer));
    const auto skipped =
        detail::checked_size("Connection::recv_bytes_into(): the offset", offset, 0, bytes.size);
    bytes.data += skipped;
    bytes.size -= skipped;
    return Operation(detail::ReceiveItem<T, ReceivingInto>{{{&from}, bytes}});
  }

  /// Gives this handle up: the end is closed when every copy is closed or gone. Nobody may use this
  /// very object meanwhile. Closing twice is fine.
  void close() noexcept { *this = Connection(); }
  /// Whether this handle was closed, or moved from.
  bool closed() const noexcept { return !readable() && !writable(); }
  /// Whether one may receive here, or send. Neither when it is closed.
  bool readable() const noexcept { return in_.open(); }
  bool writable() const noexcept { return out_.open(); }

  friend bool operator==(const Connection&, const Connection&) = default;

 private:
  template <class End>
  detail::PipeState<T>& state(const End& end, const char* verb) const {
    if (end.open()) return end.state();
    const std::string call = "Connection::" + std::string(verb) + "(): ";
    if (closed()) throw Closed(call + "this connection was closed, or moved from");
    throw UsageError(
        call + (in_.refused() ? "a message came that was longer than recv_bytes(maxlength) allows: "
                                "this end only sends now"
                : in_         ? "this end of a one-way pipe only receives: send at the other"
                              : "this end of a one-way pipe only sends: receive at the other"));
  }
  static void check_bytes() noexcept {
    static_assert(
        detail::ByteString<T>,
        "send_bytes and recv_bytes are for byte strings: use a Connection<std::string> or "
        "a Connection<std::vector<std::byte>>, or send and recv");
  }
  auto sending_bytes(const char* first, std::size_t size) const {
    check_bytes();
    using Byte = const typename T::value_type;
    Byte* const begin = reinterpret_cast<Byte*>(first);
    return Operation(
        detail::SendItem<T, Sending>(Sending{&state(out_, "send_bytes")}, T(begin, begin + size)));
  }
  auto receiving_bytes(std::size_t most) const {
    check_bytes();
    return Operation(detail::ReceiveItem<T, ReceivingBytes>{{{&state(in_, "recv_bytes")}, most}});
  }

  Out out_;
  In in_;
};

/// Both ends of a new pipe. Of one that is one-way, `left` receives and `right` sends.
template <class T>
struct PipeEnds {
  Connection<T> left;
  Connection<T> right;
};

/// Makes a pipe. `duplex`: both ends send and receive; else it is [reader, writer].
template <class T>
PipeEnds<T> Pipe(bool duplex = true) {
  constexpr std::size_t capacity = 64;
  using Out = detail::PipeEnd<T, false>;
  using In = detail::PipeEnd<T, true>;
  const auto to_left = std::make_shared<detail::PipeState<T>>(capacity);
  if (!duplex) return {{Out(), In(to_left)}, {Out(to_left), In()}};
  const auto to_right = std::make_shared<detail::PipeState<T>>(capacity);
  return {{Out(to_right), In(to_left)}, {Out(to_left), In(to_right)}};
}

}  // namespace cohort::inline v0
