// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What broadcast and watch have in common: the last messages, numbered, in a ring behind a gate.
/// Nobody waits to send. A subscriber is a cursor: the number of the message that he gets next.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/comm/detail/no_wait.hpp"  // NoWait
#include "cohort/core/gate.hpp"            // the gate, and what serve means
#include "cohort/error.hpp"                // UsageError

namespace cohort::inline v0::detail {

/// `Item` changes hands without an exception. A bulletin of the latest only is a ring of one that is
/// kept for those to come, and whoever is behind gets the newest. In any other, each subscriber gets
/// every message sent after he came, unless it was overwritten: then he learns how many were; and a
/// message goes when the last of them got it.
template <class Item, bool latest>
class Bulletin {
  static_assert(std::is_nothrow_copy_constructible_v<Item>);

 public:
  using Line = Gate::Line;
  struct Cursor {
    std::uint64_t next = 0;
  };
  /// One who waits; granted, it has an item, or has missed some, or neither: it has ended.
  struct Place : Waiter {
    using Waiter::Waiter;
    Cursor* cursor = nullptr;
    std::uint64_t from = 0;  // of the latest: where the cursor was when the wait began
    std::uint64_t missed = 0;
    std::optional<Item> item;
  };

  explicit Bulletin(std::size_t capacity) : ring_(capacity) {}

  /// The message to send is exchanged for one that was overwritten. False: nobody is there, or it is
  /// closed, and it was not sent.
  bool push(std::optional<Item>& item) noexcept {
    bool sent = false;
    gate_.with(*this, [&](Line& line) {
      if (closed_ || (!latest && subscribers_ == 0)) return;
      Slot& slot = at(next_++);
      slot.item.swap(item);
      slot.unseen = subscribers_;
      serve(line);
      sent = true;
    });
    return sent;
  }
  /// Nothing can be sent any more; subscribers get what is there.
  void close() noexcept {
    gate_.with(*this, [&](Line& line) {
      closed_ = true;
      serve(line);
    });
  }

  /// A subscriber comes: for what is sent from now on, or for all that another has yet to get.
  void enter(Cursor& cursor) noexcept {
    gate_.with(*this, [&](Line&) {
      ++subscribers_;
      cursor.next = next_;
    });
  }
  void enter(Cursor& cursor, const Cursor& like) noexcept {
    gate_.with(*this, [&](Line&) {
      ++subscribers_;
      cursor = like;
      if (counts) {
        for (auto n = like.next < oldest() ? oldest() : like.next; n != next_; ++n) ++at(n).unseen;
      }
    });
  }
  /// And goes. Messages that only he had yet to get are destroyed after the gate was unlocked.
  void leave(Cursor& cursor) noexcept {
    std::uint64_t end = 0;
    gate_.with(*this, [&](Line&) {
      --subscribers_;
      end = counts ? next_ : 0;
    });
    while (cursor.next < end) {
      std::array<std::optional<Item>, 16> dropped;
      gate_.with(*this, [&](Line&) {
        if (cursor.next < oldest()) cursor.next = oldest();
        for (auto& item : dropped) {
          if (cursor.next < end) get(cursor, item);
        }
      });
    }
  }

  bool try_take(Cursor& cursor, Place& place) noexcept {
    bool taken = false;
    gate_.with(*this, [&](Line&) {
      if (!std::exchange(place.cursor, &cursor)) place.from = cursor.next;
      taken = is_ready(place);
      if (taken) give(place);
    });
    return taken;
  }
  void arm(Place& place) noexcept { gate_.arm(*this, place); }
  void disarm(Place& place) noexcept { gate_.disarm(*this, place); }

  /// For one who was granted a while ago: the latest is what is the latest now.
  void refresh(Place& place) noexcept {
    if constexpr (latest) {
      if (place.item) place.item = newest(place.cursor);
    }
  }

  /// The latest, which the subscriber, if it is one, has got then.
  Item newest(Cursor* cursor = nullptr) noexcept {
    std::optional<Item> item;
    gate_.with(*this, [&](Line&) {
      item = at(next_ - 1).item;
      if (cursor) cursor->next = next_;
    });
    return *std::move(item);
  }

  // For a moment.
  bool closed() noexcept {
    return look([this] { return closed_; });
  }
  bool ended(const Cursor& cursor) noexcept {
    return look([&] { return closed_ && cursor.next >= next_; });
  }
  std::size_t subscribers() noexcept {
    return look([this] { return subscribers_; });
  }
  /// How many messages a subscriber would get now.
  std::size_t size(const Cursor& cursor) noexcept {
    return look([&] {
      const auto from = cursor.next < oldest() ? oldest() : cursor.next;
      return static_cast<std::size_t>(next_ - from);
    });
  }
  std::size_t capacity() const noexcept { return ring_.size(); }

 private:
  friend Gate;
  // How many have yet to get a message need only be known where it is worth to let go of it.
  static constexpr bool counts = !latest && !std::is_trivially_destructible_v<Item>;
  struct Slot {
    std::optional<Item> item;
    std::size_t unseen = 0;
  };

  template <class Fn>
  auto look(Fn fn) noexcept {
    decltype(fn()) result{};
    gate_.with(*this, [&](Line&) { result = fn(); });
    return result;
  }

  // Under the gate from here on.
  Slot& at(std::uint64_t number) noexcept { return ring_[number % ring_.size()]; }
  std::uint64_t oldest() const noexcept { return next_ > ring_.size() ? next_ - ring_.size() : 0; }

  bool is_ready(const Place& place) const noexcept {
    return (latest ? place.from : place.cursor->next) < next_ || closed_;
  }
  void give(Place& place) noexcept {
    Cursor& cursor = *place.cursor;
    if constexpr (latest) {
      if (place.from == next_) return;  // it has ended
      place.item = at(next_ - 1).item;
      cursor.next = next_;
    } else if (cursor.next < oldest()) {
      place.missed = oldest() - std::exchange(cursor.next, oldest());
    } else if (cursor.next < next_) {
      get(cursor, place.item);
    }
  }
  void get(Cursor& cursor, std::optional<Item>& item) noexcept {
    Slot& slot = at(cursor.next++);
    if (counts && --slot.unseen == 0) {
      item.swap(slot.item);
    } else {
      item = slot.item;
    }
  }

  // Grants all who have something to get. Of several who wait for the same subscriber only the first
  // may: the others keep their order.
  void serve(Line& line) noexcept {
    const Waiter* kept = nullptr;
    while (!line.empty() && &line.front() != kept) {
      auto& first = static_cast<Place&>(line.front());
      if (!is_ready(first)) {
        line.remove(first);
        line.push_back(first);
        if (!kept) kept = &first;
      } else if (first.wait().claim()) {
        give(first);
        line.grant_front();
      } else {
        line.remove(first);  // on its way to leave
      }
    }
  }

  Gate gate_;
  std::vector<Slot> ring_;
  std::uint64_t next_ = 0;  // the number of the next message
  std::size_t subscribers_ = 0;
  bool closed_ = false;
};

/// A receiver's handle. A copy is a subscriber of its own, who gets all that this one has yet to get.
template <class State>
class Subscriber {
 public:
  Subscriber() = default;
  explicit Subscriber(std::shared_ptr<State> state)
      : seat_(std::make_unique<Seat>(std::move(state))) {}
  Subscriber(const Subscriber& other)
      : seat_(other.seat_ ? std::make_unique<Seat>(*other.seat_) : nullptr) {}
  Subscriber(Subscriber&&) noexcept = default;
  Subscriber& operator=(Subscriber other) noexcept {
    seat_.swap(other.seat_);
    return *this;
  }
  ~Subscriber() = default;

  /// False once moved from.
  explicit operator bool() const noexcept { return seat_ != nullptr; }
  /// Whether nothing can be sent any more; what is there can still be received.
  bool closed() const { return bulletin().closed(); }

 protected:
  using Bulletin = decltype(State::conduit);
  using Cursor = typename Bulletin::Cursor;
  Bulletin& bulletin() const { return seat().state->conduit; }
  Cursor& cursor() const { return seat().cursor; }
  const std::shared_ptr<State>& shared_state() const { return seat().state; }
  /// Takes what there is, if there is something, and makes the result of it; else `Result()`.
  template <class Result, class Then>
  Result take_now(Then then) const {
    NoWait nobody;
    typename Bulletin::Place place(nobody);
    if (!bulletin().try_take(cursor(), place)) return {};
    return Result(then(place));
  }

 private:
  struct Seat {
    explicit Seat(std::shared_ptr<State> s) noexcept : state(std::move(s)) {
      state->conduit.enter(cursor);
    }
    Seat(const Seat& other) noexcept : state(other.state) {
      state->conduit.enter(cursor, other.cursor);
    }
    Seat& operator=(const Seat&) = delete;
    ~Seat() { state->conduit.leave(cursor); }
    std::shared_ptr<State> state;
    Cursor cursor;
  };
  Seat& seat() const {
    if (!seat_) throw UsageError("this channel end was moved from: use the one it was moved to");
    return *seat_;
  }
  std::unique_ptr<Seat> seat_;
};

/// What the ends of a bulletin share.
template <class Item, bool latest>
struct BulletinState {
  explicit BulletinState(std::size_t capacity) : conduit(capacity) {}
  Bulletin<Item, latest> conduit;
  std::atomic<std::size_t> ends[2]{1, 0};  // handles that send; the bulletin counts the others
};

/// Receiving, as an operation's Spec. `Then` makes the result of what there is.
template <class Bulletin, class Then>
struct ReadBulletin {
  using Result = decltype(Then()(std::declval<typename Bulletin::Place&>()));
  using Place = typename Bulletin::Place;
  Bulletin* bulletin;
  typename Bulletin::Cursor* cursor;

  bool try_now(Place& place) noexcept { return bulletin->try_take(*cursor, place); }
  void arm(Place& place) noexcept { bulletin->arm(place); }
  void disarm(Place& place) noexcept { bulletin->disarm(place); }
  bool retry(Place&) noexcept { return false; }
  Result result(Place& place) {
    bulletin->refresh(place);
    return Then()(place);
  }
};

}  // namespace cohort::inline v0::detail
