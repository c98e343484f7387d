// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Putting messages into a shared queue and taking them out, as an operation's Specs. `Owner` says
/// what being closed means.

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/ipc/detail/message.hpp"       // Message
#include "cohort/ipc/detail/queue_object.hpp"  // QueueObject
#include "cohort/ipc/detail/shared_wait.hpp"   // SharedPlace

namespace cohort::inline v0::ipc::detail {

/// The message was encoded when the operation was made. Not accepted, it goes with the operation.
template <class Owner, class Queue = QueueObject>
struct SendShared {
  using Result = void;
  struct Place : SharedPlace<typename Queue::Senders> {
    using SharedPlace<typename Queue::Senders>::SharedPlace;
    bool refused = false;
  };
  Queue* queue;
  Message message;

  bool try_now(Place& place) {
    const auto result = queue->try_push(message.offset());
    if (result == Queue::Result::blocked) {
      if (place.prepare(queue->senders, queue)) {
        place.node().role = Queue::Waiter::sends;
        place.node().offer(message.offset());
      }
      return false;
    }
    place.refused = result == Queue::Result::closed;
    if (!place.refused) message.release();
    return true;
  }
  void arm(Place& place) noexcept { place.arm(); }
  bool disarm(Place& place) noexcept { return place.disarm(); }
  bool retry(Place& place) noexcept { return place.retry(); }
  void sleep(Place& place, TimePoint until) noexcept { place.sleep(until); }
  void result(Place& place) {
    if (place.was_granted()) {
      place.refused = place.node().ended;
      if (!place.refused) message.release();
    }
    if (place.refused) Owner::refuse();
  }
};

/// Several, in order. Accepted ones are erased from `items`, if there is such a vector, however it
/// ends.
template <class Owner, class Items>
struct SendSeveral {
  using Result = void;
  struct Place : SharedPlace<QueueObject::Senders> {
    using SharedPlace<QueueObject::Senders>::SharedPlace;
    ~Place() {
      if (spec) spec->account(*this);
    }
    SendSeveral* spec = nullptr;  // once it has stood in line or is about to
    bool refused = false;
  };
  QueueObject* queue;
  std::vector<Message> messages;
  Items* items;
  std::size_t sent = 0;

  bool try_now(Place& place) {
    place.spec = this;
    auto result = QueueObject::Result::done;
    for (; sent != messages.size(); ++sent) {
      result = queue->try_push(messages[sent].offset());
      if (result != QueueObject::Result::done) break;
      messages[sent].release();
    }
    place.refused = result == QueueObject::Result::closed;
    if (result == QueueObject::Result::blocked) {
      place.prepare(queue->senders, queue);
      place.node().role = QueueObject::Waiter::sends;
      for (std::size_t i = sent; i + 1 < messages.size(); ++i) messages[i].link(messages[i + 1]);
    }
    // Also if it is not to stand in line any more: this is what has not been put.
    if (place.was_prepared() && sent != messages.size()) {
      place.node().offer(messages[sent].offset());
    }
    return result != QueueObject::Result::blocked;
  }
  void arm(Place& place) noexcept { place.arm(); }
  bool disarm(Place& place) noexcept { return place.disarm(); }
  bool retry(Place& place) noexcept { return place.retry(); }
  void sleep(Place& place, TimePoint until) noexcept { place.sleep(until); }
  void result(Place& place) {
    place.refused |= place.was_granted() && place.node().ended;
    account(place);
    if (place.refused) Owner::refuse();
  }

 private:
  // What was put while it stood in line is not this operation's any more.
  void account(Place& place) noexcept {
    place.spec = nullptr;
    if (place.was_prepared()) {
      const bool all = place.was_granted() && !place.node().ended;
      const Offset next = all ? 0 : place.node().message;
      while (sent != messages.size() && messages[sent].offset() != next) messages[sent++].release();
    }
    if (items) items->erase(items->begin(), items->begin() + static_cast<std::ptrdiff_t>(sent));
  }
};

/// `Owner::received(Message)`: what it yields; an empty message: nothing will come.
template <class Owner, class Queue = QueueObject>
struct ReceiveShared {
  using Result = typename Owner::Received;
  struct Place : SharedPlace<typename Queue::Receivers> {
    using SharedPlace<typename Queue::Receivers>::SharedPlace;
    Message message;
  };
  Queue* queue;
  Owner owner{};

  bool try_now(Place& place) {
    Offset message = 0;
    const auto result = queue->try_pop(message);
    if (result == Queue::Result::blocked) {
      if (place.prepare(queue->receivers, queue)) place.node().role = Queue::Waiter::receives;
      return false;
    }
    place.message = Message(message);
    return true;
  }
  void arm(Place& place) noexcept { place.arm(); }
  bool disarm(Place& place) noexcept { return place.disarm(); }
  bool retry(Place& place) noexcept { return place.retry(); }
  void sleep(Place& place, TimePoint until) noexcept { place.sleep(until); }
  void put_back(Place& place) noexcept {
    // First it is not this wait's any more, or it would be put back again if this process died.
    const Offset message = std::exchange(place.node().message, 0);
    if (!place.node().ended) queue->put_back(message);
  }
  Result result(Place& place) {
    if (place.was_granted()) place.message = Message(std::exchange(place.node().message, 0));
    return owner.received(std::move(place.message));
  }
};

/// Waiting until there is something to receive, or the end has come.
template <class Queue = QueueObject>
struct PollShared {
  using Result = void;
  using Place = SharedPlace<typename Queue::Receivers>;
  Queue* queue;

  bool try_now(Place& place) {
    if (queue->ready()) return true;
    if (place.prepare(queue->receivers, queue)) place.node().role = Queue::Waiter::looks;
    return false;
  }
  void arm(Place& place) noexcept { place.arm(); }
  bool disarm(Place& place) noexcept { return place.disarm(); }
  bool retry(Place& place) noexcept { return place.retry(); }
  void sleep(Place& place, TimePoint until) noexcept { place.sleep(until); }
  void put_back(Place&) noexcept {}
  void result(Place&) noexcept {}
};

/// Waiting until all that was put has been dealt with.
template <class Queue = QueueObject>
struct JoinShared {
  using Machine = typename Queue::Unfinished;
  using Result = void;
  using Place = SharedPlace<Machine>;
  Queue* queue;

  bool try_now(Place& place) {
    if (queue->unfinished.is_set()) return true;
    place.prepare(queue->unfinished, queue);
    return false;
  }
  void arm(Place& place) noexcept { place.arm(); }
  bool disarm(Place& place) noexcept { return place.disarm(); }
  bool retry(Place& place) noexcept { return place.retry(); }
  void sleep(Place& place, TimePoint until) noexcept { place.sleep(until); }
  void put_back(Place&) noexcept {}
  void result(Place&) noexcept {}
};

}  // namespace cohort::inline v0::ipc::detail
