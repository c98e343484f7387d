// SPDX-License-Identifier: BSL-1.0
#pragma once

/// How a queue keeps its elements: as they are, or boxed where moving one may throw, so that an
/// item changes hands without an exception in the middle.

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "cohort/comm/detail/conduit.hpp"  // Conduit
#include "cohort/core/operation.hpp"       // Spec

namespace cohort::inline v0::detail {

template <class T>
struct Element {
  using type = T;
  static T wrap(T&& value) noexcept { return std::move(value); }
  static T&& unwrap(T& element) noexcept { return std::move(element); }
};
template <class T>
requires(!std::is_nothrow_move_constructible_v<T>) struct Element<T> {
  using type = std::unique_ptr<T>;
  static type wrap(T&& value) { return std::make_unique<T>(std::move(value)); }
  static T&& unwrap(type& element) noexcept { return std::move(*element); }
};
template <class T>
using element_t = typename Element<T>::type;

/// Sending, as an operation's Spec. `Owner` keeps the conduit alive and makes the error.
template <class T, class Owner>
struct SendItem {
  using Result = void;
  using Place = typename Conduit<element_t<T>>::Sender;
  Owner owner;
  element_t<T> item;

  SendItem(Owner o, T&& value) : owner(std::move(o)), item(Element<T>::wrap(std::move(value))) {}

  bool try_now(Place& place) {
    place.item = &item;
    return owner.conduit().send_soon(place);
  }
  void arm(Place& place) noexcept { owner.conduit().arm(place); }
  void disarm(Place& place) noexcept { owner.conduit().disarm(place); }
  bool retry(Place&) noexcept { return false; }
  void result(Place& place) {
    if (!place.accepted) owner.refuse();
  }
};

/// The same from a named object, which is moved from only when it is accepted.
template <class T, class Owner>
struct SendFrom {
  using Result = void;
  using Place = typename Conduit<element_t<T>>::Sender;
  Owner owner;
  T* from;

  bool try_now(Place& place) {
    static_assert(std::is_nothrow_move_constructible_v<T>,
                  "put_from and send_from need an element that moves without throwing");
    place.item = from;
    return owner.conduit().send_soon(place);
  }
  void arm(Place& place) noexcept { owner.conduit().arm(place); }
  void disarm(Place& place) noexcept { owner.conduit().disarm(place); }
  bool retry(Place&) noexcept { return false; }
  void result(Place& place) {
    if (!place.accepted) owner.refuse();
  }
};

/// Receiving, as an operation's Spec. `Owner::received` makes the result of what there is.
template <class T, class Owner>
struct ReceiveItem {
  using Result = typename Owner::Received;
  using Place = typename Conduit<element_t<T>>::Receiver;
  Owner owner;

  bool try_now(Place& place) { return owner.conduit().receive_soon(place); }
  void arm(Place& place) noexcept { owner.conduit().arm(place); }
  void disarm(Place& place) noexcept { owner.conduit().disarm(place); }
  bool retry(Place&) noexcept { return false; }
  Result result(Place& place) { return owner.received(place.item); }
};

/// A place that never stands in a line, for the `try_` twins.
struct NoWait final : Wait {
  void publish(Outcome) noexcept override {}
  Wakeup nudge() noexcept override { return {}; }
};

/// `try_put` and `try_send`: moves from the value only when accepted. Yields accepted, and whether
/// it was refused for ever.
template <class T>
Attempt::Result try_send_now(Conduit<element_t<T>>& conduit, T& value) {
  NoWait nobody;
  typename Conduit<element_t<T>>::Sender place(nobody);
  if constexpr (std::is_same_v<element_t<T>, T>) {
    place.item = &value;
    if (!conduit.try_send(place)) return Attempt::Result::blocked;
  } else {
    auto boxed = Element<T>::wrap(std::move(value));
    place.item = &boxed;
    const bool decided = conduit.try_send(place);
    if (!place.accepted) value = std::move(*boxed);
    if (!decided) return Attempt::Result::blocked;
  }
  return place.accepted ? Attempt::Result::done : Attempt::Result::closed;
}

}  // namespace cohort::inline v0::detail
