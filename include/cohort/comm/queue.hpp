// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Queue<T>: first in, first out, between coroutines and threads.
///
///     Queue<std::string> jobs{100};
///     co_await jobs.put("one");
///     std::string job = co_await jobs.get();

#include <concepts>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "cohort/comm/detail/element.hpp"  // Conduit and its Specs
#include "cohort/core/operation.hpp"       // Operation
#include "cohort/error.hpp"                // Empty, Full, ShutDown

namespace cohort::inline v0 {

/// Holds at most `maxsize` items, without bound if that is 0 or less. Those who wait are served
/// first come, first served. A cancelled or timed-out get has taken nothing, a put has left
/// nothing. Neither copies nor moves; must outlive those who wait.
template <class T>
class Queue {
  struct Owner {
    using Received = T;
    Queue* queue;
    auto& conduit() const noexcept { return queue->conduit_; }
    [[noreturn]] void refuse() const {
      throw ShutDown("Queue::put(): the queue was shut down: it takes no more items");
    }
    T received(std::optional<detail::element_t<T>>& item) const {
      if (!item) throw ShutDown("Queue::get(): the queue was shut down and is drained");
      return detail::Element<T>::unwrap(*item);
    }
  };
  using Put = detail::SendItem<T, Owner>;

 public:
  using value_type = T;

  Queue() : Queue(0) {}
  template <std::integral Int>
  explicit Queue(Int maxsize)
      : conduit_(std::cmp_less(maxsize, 1) ? unbounded : static_cast<std::size_t>(maxsize), false) {
  }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  /// Waits for room. Throws ShutDown after shutdown().
  auto put(T item) { return Operation(Put(Owner{this}, std::move(item))); }
  /// Builds the item in place, now, and waits for room as put() does.
  template <class... Args>
  auto emplace(Args&&... args) {
    return Operation(Put(Owner{this}, std::in_place, std::forward<Args>(args)...));
  }
  /// Moves from `item` only when it is accepted; it must live until then.
  auto put_from(T& item) { return Operation(detail::SendFrom<T, Owner>{{this}, &item}); }
  /// Never waits; false if the queue is full. Moves from `item` only on success.
  [[nodiscard("false means that the item was not taken")]] bool try_put(T&& item) {
    const auto result = detail::try_send_now<T>(conduit_, item);
    if (result == detail::Attempt::Result::closed) Owner{this}.refuse();
    return result == detail::Attempt::Result::done;
  }
  [[nodiscard("false means that the item was not taken")]] bool try_put(const T& item) {
    T copy(item);
    return try_put(std::move(copy));
  }
  /// As try_put, but throws Full.
  void put_nowait(T&& item) {
    if (!try_put(std::move(item))) throw Full();
  }
  void put_nowait(const T& item) {
    if (!try_put(item)) throw Full();
  }

  /// Waits for an item. Throws ShutDown once the queue is shut down and drained.
  auto get() { return Operation(detail::ReceiveItem<T, Owner>{{this}}); }
  /// Never waits; empty if there is none. Throws ShutDown as get() does.
  std::optional<T> try_get() {
    detail::NoWait nobody;
    typename detail::Conduit<detail::element_t<T>>::Receiver place(nobody);
    if (!conduit_.try_receive(place)) return std::nullopt;
    return Owner{this}.received(place.item);
  }
  /// As try_get, but throws Empty.
  T get_nowait() {
    auto item = try_get();
    if (!item) throw Empty();
    return *std::move(item);
  }

  /// Items in the queue; exact while nobody is in the middle of a call.
  std::size_t qsize() const noexcept { return conduit_.size(); }
  bool empty() const noexcept { return qsize() == 0; }
  bool full() const noexcept { return maxsize() != 0 && qsize() >= maxsize(); }
  /// 0: without bound.
  std::size_t maxsize() const noexcept {
    return conduit_.capacity() == unbounded ? 0 : conduit_.capacity();
  }

  /// Refuses further items; what is queued can still be got, or, with `immediate`, is dropped.
  /// Blocked putters, and getters who would wait for ever, wake with ShutDown.
  void shutdown(bool immediate = false) {
    conduit_.close();
    if (immediate) conduit_.clear();
  }

 private:
  static constexpr std::size_t unbounded = detail::Conduit<detail::element_t<T>>::unbounded;
  detail::Conduit<detail::element_t<T>> conduit_;
};

}  // namespace cohort::inline v0
