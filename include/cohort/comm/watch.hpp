// SPDX-License-Identifier: BSL-1.0
#pragma once

/// watch<T>: a value that is replaced now and then, and receivers that see the latest.
///
///     auto [tx, rx] = watch<Settings>(load());
///     tx.send(load());                              // never waits
///     use(rx.get());                                // the latest, now
///     while (auto s = co_await rx.recv()) use(*s);  // whenever there is a newer one

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "cohort/comm/detail/bulletin.hpp"     // Bulletin
#include "cohort/comm/detail/channel_end.hpp"  // ChannelEnd
#include "cohort/comm/detail/sent.hpp"         // Sent
#include "cohort/core/operation.hpp"           // Operation
#include "cohort/core/timed.hpp"               // Timed
#include "cohort/error.hpp"                    // Closed

namespace cohort::inline v0 {

namespace detail {
template <class T>
using WatchState = BulletinState<std::shared_ptr<const T>, true>;
}

template <class T>
class WatchReceiver;

/// The sending end. Copyable, all verbs const; any thread may use any copy at any time. Receivers see
/// the end when the last copy is gone, or at `close()`; the latest value stays.
template <class T>
class WatchSender : private detail::ChannelEnd<detail::WatchState<T>, false> {
  using Base = detail::ChannelEnd<detail::WatchState<T>, false>;

 public:
  using value_type = T;
  using Base::Base;
  using Base::close;
  using Base::closed;
  using Base::operator bool;

  /// Replaces the value, whether or not there are receivers: those to come see it, too. Never waits.
  /// Throws Closed after `close()`.
  detail::Sent send(T value) const {
    std::optional<std::shared_ptr<const T>> item(std::make_shared<const T>(std::move(value)));
    if (!this->state().conduit.push(item)) throw Closed("WatchSender::send(): it was closed");
    return {};
  }
  /// A copy of the latest value; or the value itself, which is replaced but never changed.
  T get() const { return *borrow(); }
  std::shared_ptr<const T> borrow() const { return this->state().conduit.newest(); }
  /// How many receivers there are, for a moment.
  std::size_t receivers() const { return this->state().conduit.subscribers(); }
  /// A receiver that has seen the value of now.
  WatchReceiver<T> subscribe() const { return WatchReceiver<T>(this->shared_state()); }

  friend bool operator==(const WatchSender&, const WatchSender&) = default;
};

/// The receiving end, all verbs const. It knows which value it has seen: at first the one that was
/// there when it was made, then what it got last. A copy is a receiver of its own that has seen the
/// same. Any thread may use any of them at any time; all who wait at one hear of a change. An
/// operation refers to the receiver it came from: keep that alive.
template <class T>
class WatchReceiver : public detail::Subscriber<detail::WatchState<T>> {
  using Base = detail::Subscriber<detail::WatchState<T>>;
  using Bulletin = detail::Bulletin<std::shared_ptr<const T>, true>;
  struct Changed {
    void operator()(typename Bulletin::Place& place) const {
      if (!place.item) throw Closed("WatchReceiver::changed(): no sender is left");
    }
  };
  struct Received {
    std::optional<T> operator()(typename Bulletin::Place& place) const {
      if (!place.item) return std::nullopt;
      return **place.item;
    }
  };

 public:
  using value_type = T;
  using Base::Base;

  /// A copy of the latest value, which it has seen then; or the value itself, which is replaced but
  /// never changed. Never waits.
  T get() const { return *borrow(); }
  std::shared_ptr<const T> borrow() const { return this->bulletin().newest(&this->cursor()); }
  /// Waits until there is a value that it has not seen, which it has then. Of several that came
  /// meanwhile only the latest counts. Throws Closed if there is none and no sender is left.
  /// Cancelled or timed out, it has seen nothing new.
  auto changed() const { return waiting<Changed>(); }
  /// The same and a copy of that value; empty where `changed` throws.
  auto recv() const { return waiting<Received>(); }
  /// Never waits: whether there is a value that it has not seen, which it has then; false also if no
  /// sender is left.
  [[nodiscard("true means that there is a new value")]] bool try_changed() const {
    return this->template take_now<bool>([](auto& place) { return place.item.has_value(); });
  }
  /// Never waits: a value that it has not seen, `timed_out()` if there is none yet, or `closed()`.
  Timed<T> try_recv() const { return this->template take_now<Timed<T>>(Received()); }
  /// A receiver that has seen the value of now.
  WatchReceiver subscribe() const { return WatchReceiver(this->shared_state()); }

 private:
  template <class Then>
  auto waiting() const {
    return Operation(detail::ReadBulletin<Bulletin, Then>{&this->bulletin(), &this->cursor()});
  }
};

/// Both ends of a new watch.
template <class T>
struct WatchChannel {
  WatchSender<T> tx;
  WatchReceiver<T> rx;
};

/// Makes a watch whose value is `initial`; its receiver has seen that.
template <class T>
WatchChannel<T> watch(T initial) {
  auto state = std::make_shared<detail::WatchState<T>>(1);
  std::optional<std::shared_ptr<const T>> item(std::make_shared<const T>(std::move(initial)));
  state->conduit.push(item);
  WatchSender<T> tx(state);
  return {std::move(tx), WatchReceiver<T>(std::move(state))};
}

}  // namespace cohort::inline v0
