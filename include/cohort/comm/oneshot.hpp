// SPDX-License-Identifier: BSL-1.0
#pragma once

/// oneshot<T>: one value, once, from a sender to a receiver.
///
///     auto [tx, rx] = oneshot<int>();
///     tx.send(42);                                  // one side; never waits
///     if (auto answer = co_await rx.recv()) …       // the other; empty: nobody will send it

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "cohort/comm/detail/channel_end.hpp"  // ChannelEnd
#include "cohort/comm/detail/sent.hpp"         // Sent
#include "cohort/core/detail/basic_event.hpp"  // where the receiver stands
#include "cohort/core/operation.hpp"           // Operation
#include "cohort/core/timed.hpp"               // Timed
#include "cohort/error.hpp"                    // Closed, InvalidState

namespace cohort::inline v0 {

namespace detail {

/// The word's low bits are what has become of the value,
///
///     empty ──▶ filling ──▶ full ──▶ taken
///
/// and `closed_bit` says that it will not come if it has not. The event is set once it is full or
/// closed.
template <class T>
class OneshotValue {
 public:
  enum class Sending { done, closed, again };

  /// Moves from `value` only when done, or if that throws.
  Sending send(T& value) {
    std::uint32_t word = empty;
    if (!word_.compare_exchange_strong(word, filling, std::memory_order_relaxed)) {
      return word == (empty | closed_bit) ? Sending::closed : Sending::again;
    }
    try {
      value_.emplace(std::move(value));
    } catch (...) {
      word_.fetch_and(~filling, std::memory_order_relaxed);
      throw;
    }
    // Publishes the value; pairs with the acquire in take().
    word_.fetch_xor(filling ^ full, std::memory_order_release);
    decided_.set();
    return Sending::done;
  }
  std::optional<T> take() {
    std::optional<T> value;
    auto word = word_.load(std::memory_order_relaxed);
    while ((word & ~closed_bit) == full) {
      if (word_.compare_exchange_weak(word, word ^ full ^ taken, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        value.emplace(*std::move(value_));
        value_.reset();
        break;
      }
    }
    return value;
  }
  BasicEvent<Gate>& decided() noexcept { return decided_; }

  // For the ends.
  void close() noexcept {
    word_.fetch_or(closed_bit, std::memory_order_relaxed);
    decided_.set();
  }
  void clear() { take(); }
  bool closed() const noexcept { return word_.load(std::memory_order_relaxed) != empty; }

 private:
  static constexpr std::uint32_t empty = 0;
  static constexpr std::uint32_t filling = 1;
  static constexpr std::uint32_t full = 2;
  static constexpr std::uint32_t taken = 4;
  static constexpr std::uint32_t closed_bit = 8;

  std::atomic<std::uint32_t> word_{empty};
  BasicEvent<Gate> decided_;
  std::optional<T> value_;
};

template <class T>
struct OneshotState {
  OneshotValue<T> conduit;
  std::atomic<std::size_t> ends[2]{1, 1};
};

}  // namespace detail

/// The sending end, all verbs const. Copies are the same end: one of them can send, once. When the
/// last one is gone and has not, the receiver hears of it. Any thread may use any copy at any time.
template <class T>
class OneshotSender : private detail::ChannelEnd<detail::OneshotState<T>, false> {
  using Base = detail::ChannelEnd<detail::OneshotState<T>, false>;

 public:
  using value_type = T;
  using Base::Base;
  using Base::close;
  using Base::operator bool;

  /// Never waits. Throws Closed if nobody will receive it, and InvalidState if a value was sent
  /// already.
  detail::Sent send(T value) const {
    if (!try_send(std::move(value))) {
      throw Closed("OneshotSender::send(): the receiver is gone, or it was closed");
    }
    return {};
  }
  /// The same, but false where that throws Closed; moves from `value` only when it is sent.
  [[nodiscard("false means that the value was not taken")]] bool try_send(T&& value) const {
    using Sending = typename detail::OneshotValue<T>::Sending;
    const Sending sending = this->state().conduit.send(value);
    if (sending == Sending::again) {
      throw InvalidState("OneshotSender::send(): a value was sent already, and there is only one");
    }
    return sending == Sending::done;
  }
  [[nodiscard("false means that the value was not taken")]] bool try_send(const T& value) const {
    T copy(value);
    return try_send(std::move(copy));
  }
  /// Whether nothing can be sent any more: it was, or nobody will receive it.
  bool closed() const { return Base::closed(); }

  friend bool operator==(const OneshotSender&, const OneshotSender&) = default;
};

/// The receiving end, all verbs const. Copies are the same end: the value goes to one of them. Any
/// thread may use any copy at any time. An operation refers to the end it came from: keep that alive.
template <class T>
class OneshotReceiver : private detail::ChannelEnd<detail::OneshotState<T>, true> {
  using Base = detail::ChannelEnd<detail::OneshotState<T>, true>;
  struct Receive : detail::EventWait<detail::BasicEvent<detail::Gate>> {
    using Result = std::optional<T>;
    using Place = detail::EventWait<detail::BasicEvent<detail::Gate>>::Place;
    detail::OneshotValue<T>* value;
    Result result(auto&) { return value->take(); }
  };

 public:
  using value_type = T;
  using Base::Base;
  using Base::operator bool;

  /// Waits for the value. Empty if the sender is gone without having sent, and once it was received.
  /// Cancelled or timed out, it has taken nothing.
  auto recv() const {
    auto& value = this->state().conduit;
    return Operation(Receive{{&value.decided()}, &value});
  }
  /// Never waits: the value, `timed_out()` if it was not sent yet, or `closed()`.
  Timed<T> try_recv() const {
    auto& value = this->state().conduit;
    if (!value.decided().is_set()) return {};
    return Timed<T>(value.take());
  }
  /// Nothing can be sent any more; what was sent can be received.
  void close() const { Base::close(); }
  /// Whether it was sent, or will never be.
  bool closed() const { return Base::closed(); }

  friend bool operator==(const OneshotReceiver&, const OneshotReceiver&) = default;
};

/// Both ends of a new oneshot.
template <class T>
struct OneshotChannel {
  OneshotSender<T> tx;
  OneshotReceiver<T> rx;
};

/// Makes a oneshot.
template <class T>
OneshotChannel<T> oneshot() {
  auto state = std::make_shared<detail::OneshotState<T>>();
  OneshotSender<T> tx(state);
  return {std::move(tx), OneshotReceiver<T>(std::move(state))};
}

}  // namespace cohort::inline v0
