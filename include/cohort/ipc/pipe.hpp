// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::Pipe<T>: two connections, between processes, that talk to each other.
///
///     auto [left, right] = ipc::Pipe<std::string>();
///     co_await left.send("ping");                   // one process
///     std::string ping = co_await right.recv();     // another
///     auto [reader, writer] = ipc::Pipe<int>(false);

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cohort/comm/detail/bytes.hpp"         // buffers
#include "cohort/comm/detail/checked_size.hpp"  // checked_size
#include "cohort/core/operation.hpp"            // Operation
#include "cohort/error.hpp"                     // BrokenPipe, Closed, EndOfStream, BadMessage
#include "cohort/ipc/detail/channel_end.hpp"    // a direction is a channel
#include "cohort/ipc/detail/queue_specs.hpp"    // SendShared, ReceiveShared, PollShared

namespace cohort::inline v0::ipc {

/// One end of a pipe: a handle. Copies are the same end: each message goes to one of those who
/// receive there, and arrives as it was sent, whoever else sends. Any task, thread or process may
/// call any copy's const verbs at any time; they throw UsageError if this end does not do that, and
/// Closed after `close()`. A connection can travel over a connection.
template <class T>
class Connection {
  using Out = detail::ChannelEnd<false>;
  using In = detail::ChannelEnd<true>;

  struct Sending {
    [[noreturn]] static void refuse() {
      throw BrokenPipe("Connection::send(): the other end is closed: nobody will receive it");
    }
  };
  [[noreturn]] static void end_of_stream() {
    throw EndOfStream("Connection::recv(): the other end is closed and all is received");
  }
  struct Receiving {
    using Received = T;
    T received(detail::Message message) const {
      if (!message) end_of_stream();
      return message.read<T>();
    }
  };
  struct ReceivingBytes {
    using Received = std::vector<std::byte>;
    std::size_t most;
    Connection connection;
    std::vector<std::byte> received(detail::Message message) {
      if (!message) end_of_stream();
      const auto bytes = message.bytes();
      if (bytes.size() > most) {
        connection.in_.queue().close();
        throw BadMessage("Connection::recv_bytes(): a message of " + std::to_string(bytes.size()) +
                         " bytes, longer than the " + std::to_string(most) + " allowed");
      }
      return {bytes.begin(), bytes.end()};
    }
  };
  struct ReceivingInto {
    using Received = std::size_t;
    cohort::detail::BytesOf<char> buffer;
    std::size_t received(detail::Message message) const {
      if (!message) end_of_stream();
      const auto bytes = message.bytes();
      const auto* const data = reinterpret_cast<const char*>(bytes.data());
      if (bytes.size() > buffer.size) {
        throw BufferTooShort("Connection::recv_bytes_into(): a message of " +
                                 std::to_string(bytes.size()) + " bytes, there is room for " +
                                 std::to_string(buffer.size),
                             std::string(data, bytes.size()));
      }
      std::char_traits<char>::copy(buffer.data, data, bytes.size());
      return bytes.size();
    }
  };

 public:
  using value_type = T;

  /// Closed.
  Connection() noexcept : Connection(ByName{}) {}
  /// For the library.
  struct ByName {};
  explicit Connection(ByName) noexcept : out_(Out::ByName{}), in_(In::ByName{}) {}
  Connection(Out out, In in) noexcept : out_(std::move(out)), in_(std::move(in)) {}

  /// Encodes the message, now, and waits while 64 messages lie there that nobody has received. Throws
  /// BrokenPipe if the other end is closed everywhere, also when that happens meanwhile, and
  /// std::system_error if the shared memory is full. Cancelled or timed out, it has sent nothing.
  auto send(const T& message) const {
    detail::QueueObject& queue = direction(out_, "send");
    return Operation(
        detail::SendShared<Sending>{&queue, detail::Message::of(message, out_.name())});
  }
  /// Waits for a message. Throws EndOfStream, again and again, once the other end is closed
  /// everywhere, also by the death of its processes, and everything was received.
  auto recv() const { return Operation(detail::ReceiveShared<Receiving>{&direction(in_, "recv")}); }
  /// Waits until recv() would not: there is a message, which this does not take, or the end has come.
  auto poll() const { return Operation(detail::PollShared<>{&direction(in_, "poll")}); }

  /// For ipc::wait.
  detail::QueueObject& pollable() const { return direction(in_, "poll"); }

  /// Sends the bytes of `buffer`, a contiguous range of what may be copied as bytes, from `offset` on,
  /// counted in bytes; `size` of them, or all that are left. Copied now. Waits and throws as `send`
  /// does, and std::invalid_argument if they do not lie inside.
  template <cohort::detail::ByteSource Buffer, std::integral Offset = int>
  auto send_bytes(const Buffer& buffer, Offset offset = 0) const {
    auto& queue = direction(out_, "send_bytes");
    return sending_bytes(queue, from(buffer, offset), out_.name());
  }
  template <cohort::detail::ByteSource Buffer, std::integral Offset, std::integral Size>
  auto send_bytes(const Buffer& buffer, Offset offset, Size size) const {
    auto& queue = direction(out_, "send_bytes");
    auto bytes = from(buffer, offset);
    bytes.size =
        cohort::detail::checked_size("Connection::send_bytes(): the size", size, 0, bytes.size);
    return sending_bytes(queue, bytes, out_.name());
  }
  /// Waits for a message, as bytes. One longer than `most` throws BadMessage, and nothing more can be
  /// received here.
  auto recv_bytes(std::size_t most = static_cast<std::size_t>(-1)) const {
    detail::QueueObject& queue = direction(in_, "recv_bytes");
    return Operation(detail::ReceiveShared<ReceivingBytes>{&queue, {most, *this}});
  }
  /// Waits for a message and copies it to `buffer`, a contiguous range which must live until the
  /// operation ends, from `offset` on, counted in bytes. Yields how many bytes. Throws as `recv`, and
  /// BufferTooShort, which has the whole message, if it is longer than what is left of the buffer;
  /// std::invalid_argument if the offset is negative or beyond the end.
  template <cohort::detail::ByteTarget Buffer, std::integral Offset = int>
  auto recv_bytes_into(Buffer&& buffer, Offset offset = 0) const {
    detail::QueueObject& queue = direction(in_, "recv_bytes_into");
    return Operation(
        detail::ReceiveShared<ReceivingInto>{&queue, {from(std::forward<Buffer>(buffer), offset)}});
  }

  /// Gives this handle up: the end is closed when every copy in every process is closed or gone.
  /// Closing twice is fine.
  void close() noexcept { *this = Connection(); }
  /// Whether this handle was closed, or moved from.
  bool closed() const noexcept { return !in_ && !out_; }
  /// Whether one may receive here, or send. Neither when it is closed.
  bool readable() const noexcept { return static_cast<bool>(in_); }
  bool writable() const noexcept { return static_cast<bool>(out_); }

  friend bool operator==(const Connection&, const Connection&) = default;

  // For the library: how it travels.
  static constexpr bool travels_by_name = true;
  void depart(OutArchive& out) const {
    out(readable(), writable());
    if (in_) in_.depart(out);
    if (out_) out_.depart(out);
  }
  void arrive(InArchive& in) {
    const bool reads = in.template read<bool>();
    const bool writes = in.template read<bool>();
    if (reads) in_.arrive(in);
    if (writes) out_.arrive(in);
  }
  void book(detail::Member member) const {
    if (in_) in_.book(member);
    if (out_) out_.book(member);
  }

 private:
  template <class End>
  detail::QueueObject& direction(const End& end, const char* verb) const {
    if (end) return end.queue();
    const std::string call = "Connection::" + std::string(verb) + "(): ";
    if (closed()) throw Closed(call + "this connection was closed, or moved from");
    throw UsageError(call + (in_ ? "this end of a one-way pipe only receives: send at the other"
                                 : "this end of a one-way pipe only sends: receive at the other"));
  }
  static auto sending_bytes(detail::QueueObject& queue,
                            const cohort::detail::BytesOf<const char>& bytes, detail::Offset name) {
    return Operation(detail::SendShared<Sending>{
        &queue, detail::Message::of_bytes(std::as_bytes(std::span(bytes.data, bytes.size)), name)});
  }
  template <class Buffer, std::integral Offset>
  static auto from(Buffer&& buffer, Offset offset) {
    auto bytes = cohort::detail::bytes_of(std::forward<Buffer>(buffer));
    const auto skipped =
        cohort::detail::checked_size("Connection: the offset", offset, 0, bytes.size);
    bytes.data += skipped;
    bytes.size -= skipped;
    return bytes;
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
  constexpr std::uint64_t capacity = 64;
  using Out = detail::ChannelEnd<false>;
  using In = detail::ChannelEnd<true>;
  In left_in(In::First{}, capacity);
  Out right_out(left_in);
  if (!duplex) {
    return {{Out(Out::ByName{}), std::move(left_in)}, {std::move(right_out), In(In::ByName{})}};
  }
  In right_in(In::First{}, capacity);
  Out left_out(right_in);
  return {{std::move(left_out), std::move(left_in)}, {std::move(right_out), std::move(right_in)}};
}

}  // namespace cohort::inline v0::ipc
