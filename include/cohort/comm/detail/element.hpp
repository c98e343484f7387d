// SPDX-License-Identifier: BSL-1.0
#pragma once

/// How a queue keeps its elements: as they are, or boxed where moving one may throw, so that an
/// item changes hands without an exception in the middle.

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/comm/detail/conduit.hpp"  // Conduit
#include "cohort/comm/detail/no_wait.hpp"  // NoWait
#include "cohort/core/operation.hpp"       // Spec

namespace cohort::inline v0::detail {

template <class T>
struct Element {
  using type = T;
  static T wrap(T&& value) noexcept { return std::move(value); }
  static const T& value(const T& element) noexcept { return element; }
  template <class... Args>
  static T make(Args&&... args) {
    return T(std::forward<Args>(args)...);
  }
  static T&& unwrap(T& element) noexcept { return std::move(element); }
};
template <class T>
requires(!std::is_nothrow_move_constructible_v<T>) struct Element<T> {
  using type = std::unique_ptr<T>;
  static const T& value(const type& element) noexcept { return *element; }
  static type wrap(T&& value) { return std::make_unique<T>(std::move(value)); }
  template <class... Args>
  static type make(Args&&... args) {
    return std::make_unique<T>(std::forward<Args>(args)...);
  }
  static T&& unwrap(type& element) noexcept { return std::move(*element); }
};
template <class T>
using element_t = typename Element<T>::type;

template <class Owner>
using conduit_t = std::remove_reference_t<decltype(std::declval<Owner&>().conduit())>;

/// Sending, as an operation's Spec. `Owner` keeps the conduit alive and makes the error.
template <class T, class Owner>
struct SendItem {
  using Result = void;
  using Place = typename conduit_t<Owner>::Sender;
  Owner owner;
  element_t<T> item;

  SendItem(Owner o, T&& value) : owner(std::move(o)), item(Element<T>::wrap(std::move(value))) {}
  /// Made in place.
  template <class... Args>
  SendItem(Owner o, std::in_place_t, Args&&... args)
      : owner(std::move(o)), item(Element<T>::make(std::forward<Args>(args)...)) {}

  struct AtOnce {};
  COHORT_HOT bool try_now(AtOnce&) { return owner.conduit().send_at_once(item); }
  COHORT_HOT void result(AtOnce&) noexcept {}

  bool try_now(Place& place) {
    place.item = &item;
    return owner.conduit().send_soon(place);
  }
  void arm(Place& place) noexcept { owner.conduit().arm(place); }
  void disarm(Place& place) noexcept { owner.conduit().disarm(place); }
  bool retry(Place&) noexcept { return false; }
  void result(Place& place) {
    if (place.accepted) return;
    place.rethrow();
    owner.refuse();
  }
};

/// The same from a named object, which is moved from only when it is accepted.
template <class T, class Owner>
struct SendFrom {
  using Result = void;
  using Place = typename conduit_t<Owner>::Sender;
  Owner owner;
  T* from;

  struct AtOnce {};
  COHORT_HOT bool try_now(AtOnce&) { return owner.conduit().send_at_once(*from); }
  COHORT_HOT void result(AtOnce&) noexcept {}

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
    if (place.accepted) return;
    place.rethrow();
    owner.refuse();
  }
};

/// Sending several. `Items` is a vector of elements, or a reference to one, from which those that
/// were accepted are then erased, however the operation ends.
template <class T, class Owner, class Items>
struct SendMany {
  using Result = void;
  using Vector = std::remove_reference_t<Items>;
  struct Place : conduit_t<Owner>::Sender {
    using Base = typename conduit_t<Owner>::Sender;
    using Base::Base;
    ~Place() { erase_accepted(); }
    void begin(Vector& all) noexcept {
      if (items) return;
      items = &all;
      this->item = all.data();
      this->count = all.size();
    }
    void erase_accepted() noexcept {
      if constexpr (std::is_reference_v<Items>) {
        if (!items) return;
        if (this->count == 0) {
          items->clear();
        } else {
          const auto sent = items->size() - this->count;
          const auto first = items->begin();
          items->erase(first, first + static_cast<std::ptrdiff_t>(sent));
        }
        items = nullptr;
      }
    }
    Vector* items = nullptr;  // set by the first try
  };
  Owner owner;
  Items items;

  bool try_now(Place& place) {
    place.begin(items);
    return owner.conduit().send_many_soon(place);
  }
  void arm(Place& place) noexcept { owner.conduit().arm(place); }
  void disarm(Place& place) noexcept { owner.conduit().disarm(place); }
  bool retry(Place&) noexcept { return false; }
  void result(Place& place) {
    place.erase_accepted();
    if (place.accepted) return;
    place.rethrow();
    owner.refuse();
  }
};

/// Receiving, as an operation's Spec. `Owner::received` makes the result of what there is.
template <class T, class Owner>
struct ReceiveItem {
  using Result = typename Owner::Received;
  using Place = typename conduit_t<Owner>::Receiver;
  Owner owner;

  struct AtOnce {
    std::optional<element_t<T>> item;
  };
  COHORT_HOT bool try_now(AtOnce& here) { return owner.conduit().receive_at_once(here.item); }
  COHORT_HOT Result result(AtOnce& here) { return owner.received(here.item); }

  bool try_now(Place& place) { return owner.conduit().receive_soon(place); }
  void arm(Place& place) noexcept { owner.conduit().arm(place); }
  void disarm(Place& place) noexcept { owner.conduit().disarm(place); }
  bool retry(Place&) noexcept { return false; }
  Result result(Place& place) {
    place.rethrow();
    return owner.received(place.item);
  }
};

/// Receiving several, at most `most`, behind what a vector has, or, if `Into` is no reference, into
/// one of its own. Whoever waits is granted the first item and then takes what more there is.
template <class T, class Owner, class Into>
struct ReceiveMany {
  static constexpr bool counts = std::is_reference_v<Into>;
  using Result = std::conditional_t<counts, std::size_t, std::vector<T>>;
  struct Place : conduit_t<Owner>::Receiver {
    using Base = typename conduit_t<Owner>::Receiver;
    using Base::Base;
    std::size_t count = 0;
  };
  Owner owner;
  Into into;
  std::size_t most;

  bool try_now(Place& place) {
    reserve(1);  // if this throws, nothing has been taken; nor does anything after it
    place.count = take(most);
    if (place.count != 0 || !owner.conduit().receive_soon(place)) return place.count != 0;
    return true;
  }
  void arm(Place& place) noexcept { owner.conduit().arm(place); }
  void disarm(Place& place) noexcept { owner.conduit().disarm(place); }
  bool retry(Place&) noexcept { return false; }
  Result result(Place& place) {
    if (place.item) {
      add(&*place.item, 1);
      place.count = 1 + take(most - 1);
    }
    if constexpr (counts) {
      return place.count;
    } else {
      return std::move(into);
    }
  }

 private:
  std::size_t take(std::size_t count) {
    struct Sink {
      ReceiveMany& self;
      std::size_t room(std::size_t wanted) noexcept { return self.room(wanted); }
      void add(element_t<T>* first,
               std::size_t n) noexcept(std::is_nothrow_move_constructible_v<T>) {
        self.add(first, n);
      }
    } sink{*this};
    return owner.conduit().receive_many(sink, count);
  }
  // There is room for it.
  void add(element_t<T>* first, std::size_t n) {
    if constexpr (std::is_same_v<element_t<T>, T>) {
      into.insert(into.end(), std::make_move_iterator(first), std::make_move_iterator(first + n));
    } else {
      for (; n > 0; --n) into.push_back(Element<T>::unwrap(*first++));
    }
  }
  // For how many of so many there is room, or can be made.
  std::size_t room(std::size_t wanted) noexcept {
    try {
      reserve(wanted);
      return wanted;
    } catch (...) {
      const auto left = into.capacity() - into.size();
      return wanted < left ? wanted : left;
    }
  }
  // Grows as push_back does, so that many calls take linear time.
  void reserve(std::size_t more) {
    if (into.capacity() - into.size() >= more) return;
    const auto wanted = into.size() + more;
    const auto doubled = 2 * into.capacity();
    into.reserve(wanted < doubled ? doubled : wanted);
  }
};

/// `try_put` and `try_send`: moves from the value only when accepted. Yields accepted, and whether
/// it was refused for ever.
template <class T, class Conduit>
Attempt::Result try_send_now(Conduit& conduit, T& value) {
  NoWait nobody;
  typename Conduit::Sender place(nobody);
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
