// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the queues have in common. They differ in the Order of their items.

#include <concepts>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "cohort/comm/detail/element.hpp"  // Conduit and its Specs
#include "cohort/core/operation.hpp"       // Operation
#include "cohort/error.hpp"                // Empty, Full, ShutDown

namespace cohort::inline v0::detail {

/// Those who wait are served first come, first served. A cancelled or timed-out get has taken
/// nothing, a put has left nothing. Any thread may call anything at any time.
template <class T, class Order>
class BasicQueue {
 protected:
  using Conduit = detail::Conduit<element_t<T>, Order>;

 private:
  struct Owner {
    using Received = T;
    BasicQueue* queue;
    auto& conduit() const noexcept { return queue->conduit_; }
    [[noreturn]] void refuse() const {
      throw ShutDown("Queue::put(): the queue was shut down: it takes no more items");
    }
    T received(std::optional<element_t<T>>& item) const {
      if (!item) throw ShutDown("Queue::get(): the queue was shut down and is drained");
      return Element<T>::unwrap(*item);
    }
  };
  using Put = SendItem<T, Owner>;

 public:
  using value_type = T;

  BasicQueue() : BasicQueue(0) {}
  template <std::integral Int>
  explicit BasicQueue(Int maxsize)
      : conduit_(std::cmp_less(maxsize, 1) ? unbounded : static_cast<std::size_t>(maxsize), false) {
  }
  BasicQueue(const BasicQueue&) = delete;
  BasicQueue& operator=(const BasicQueue&) = delete;

  /// Waits for room. Throws ShutDown after shutdown().
  auto put(T item) { return Operation(Put(Owner{this}, std::move(item))); }
  /// Builds the item in place, now, and waits for room as put() does.
  template <class... Args>
  auto emplace(Args&&... args) {
    return Operation(Put(Owner{this}, std::in_place, std::forward<Args>(args)...));
  }
  /// Moves from `item` only when it is accepted; it must live until then.
  auto put_from(T& item) { return Operation(SendFrom<T, Owner>{{this}, &item}); }
  /// Never waits; false if the queue is full. Moves from `item` only on success.
  [[nodiscard("false means that the item was not taken")]] bool try_put(T&& item) {
    const auto result = try_send_now<T>(conduit_, item);
    if (result == Attempt::Result::closed) Owner{this}.refuse();
    return result == Attempt::Result::done;
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
  auto get() { return Operation(ReceiveItem<T, Owner>{{this}}); }
  /// Never waits; empty if there is none. Throws ShutDown as get() does.
  std::optional<T> try_get() {
    NoWait nobody;
    typename Conduit::Receiver place(nobody);
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

 protected:
  ~BasicQueue() = default;
  Conduit conduit_;

 private:
  static constexpr std::size_t unbounded = Conduit::unbounded;
};

}  // namespace cohort::inline v0::detail
