// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Pipe<T>: two connections that talk to each other.
///
///     auto [left, right] = Pipe<std::string>();
///     co_await left.send("ping");                   // one side
///     std::string ping = co_await right.recv();     // the other
///     auto [reader, writer] = Pipe<int>(false);     // one way

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cohort/comm/channel.hpp"    // a direction is a channel
#include "cohort/core/operation.hpp"  // Operation
#include "cohort/error.hpp"           // BrokenPipe, Closed, EndOfStream, UsageError

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
using PipeState = ChannelState<T, PipeOrder>;

/// One direction of a connection; empty if it has not got it.
template <class T, bool receives>
struct PipeEnd : ChannelEnd<PipeState<T>, receives> {
  using ChannelEnd<PipeState<T>, receives>::ChannelEnd;
  using ChannelEnd<PipeState<T>, receives>::state;
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

  /// Gives this handle up: the end is closed when every copy is closed or gone. Nobody may use this
  /// very object meanwhile. Closing twice is fine.
  void close() noexcept { *this = Connection(); }
  /// Whether this handle was closed, or moved from.
  bool closed() const noexcept { return !in_ && !out_; }
  /// Whether one may receive here, or send. Neither when it is closed.
  bool readable() const noexcept { return static_cast<bool>(in_); }
  bool writable() const noexcept { return static_cast<bool>(out_); }

  friend bool operator==(const Connection&, const Connection&) = default;

 private:
  template <class End>
  detail::PipeState<T>& state(const End& end, const char* verb) const {
    if (end) return end.state();
    const std::string call = "Connection::" + std::string(verb) + "(): ";
    if (closed()) throw Closed(call + "this connection was closed, or moved from");
    throw UsageError(call + (in_ ? "this end of a one-way pipe only receives: send at the other"
                                 : "this end of a one-way pipe only sends: receive at the other"));
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
  const auto to_left = std::make_shared<detail::PipeState<T>>(capacity, false);
  if (!duplex) return {{Out(), In(to_left)}, {Out(to_left), In()}};
  const auto to_right = std::make_shared<detail::PipeState<T>>(capacity, false);
  return {{Out(to_right), In(to_left)}, {Out(to_left), In(to_right)}};
}

}  // namespace cohort::inline v0
