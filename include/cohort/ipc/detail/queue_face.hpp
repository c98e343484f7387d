// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the queues between processes have in common.

#include <concepts>
#include <cstddef>
#include <optional>
#include <utility>

#include "cohort/core/operation.hpp"          // Operation
#include "cohort/error.hpp"                   // Empty, Full, ShutDown, Closed
#include "cohort/ipc/detail/handle.hpp"       // Handle
#include "cohort/ipc/detail/queue_specs.hpp"  // SendShared, ReceiveShared
#include "cohort/wire/codec.hpp"              // Serializable

namespace cohort::inline v0::ipc {

/// What becomes of an item that a process had taken when it died.
enum class OnConsumerDeath : bool {
  drop,       ///< it is lost, at most one for each process killed
  redeliver,  ///< until `get` returned it, or a JoinableQueue's `task_done` was called for it, it
              ///< goes to another; it may then be got twice
};
}  // namespace cohort::inline v0::ipc

namespace cohort::inline v0 {
using ipc::OnConsumerDeath;
}
namespace cohort::inline v0::ipc {

namespace detail {

/// `joinable`: what is delivered again is, until it is done.
template <class T, bool joinable = false>
class QueueFace : public Handle<QueueObject> {
  static_assert(Serializable<T>,
                "the elements of an ipc queue travel between processes: T must be Serializable "
                "(numbers, strings, containers, aggregates, ipc handles, or a type with "
                "`serialize(archive)`); a pointer or reference means nothing in another process");
  struct Owner {
    using Received = T;
    [[noreturn]] static void refuse() {
      throw ShutDown("Queue::put(): the queue was shut down: it takes no more items");
    }
    Offset keeps = 0;  // the queue, if it keeps what it has read until that is done
    T received(Message message) const {
      if (!message) throw ShutDown("Queue::get(): the queue was shut down and is drained");
      T item = message.read<T>();
      if (keeps) InWork::keep(std::move(message), keeps);
      return item;
    }
  };

 public:
  using value_type = T;

  QueueFace() : QueueFace(0) {}
  /// Throws std::system_error if the shared memory is full.
  template <std::integral Int>
  explicit QueueFace(Int maxsize, OnConsumerDeath policy = OnConsumerDeath::drop)
      : Handle(std::in_place,
               std::cmp_less(maxsize, 1) ? QueueObject::unbounded
                                         : static_cast<std::uint64_t>(maxsize),
               policy == OnConsumerDeath::redeliver) {}
  /// For the library.
  explicit QueueFace(ByName by_name) noexcept : Handle(by_name) {}

  /// Encodes the item, now, and waits for room. Throws ShutDown after shutdown(), Closed after
  /// close(), what encoding it throws, and std::system_error if the shared memory is full.
  auto put(const T& item) const { return Operation(SendShared<Owner>{&opened(), encode(item)}); }
  template <class... Args>
  auto emplace(Args&&... args) const {
    return put(T(std::forward<Args>(args)...));
  }
  /// As put(): the item itself stays as it is.
  auto put_from(T& item) const { return put(item); }
  /// Never waits; false if the queue is full.
  [[nodiscard("false means that the item was not taken")]] bool try_put(const T& item) const {
    QueueObject& queue = opened();
    if (queue.closed()) Owner::refuse();
    if (full()) return false;
    Message message = encode(item);
    const auto result = queue.try_push(message.offset());
    if (result == QueueObject::Result::closed) Owner::refuse();
    if (result == QueueObject::Result::done) message.release();
    return result == QueueObject::Result::done;
  }
  /// As try_put, but throws Full.
  void put_nowait(const T& item) const {
    if (!try_put(item)) throw Full();
  }

  /// Waits for an item. Throws ShutDown once the queue is shut down and drained, and CodecError for
  /// an item that does not decode, which is then gone.
  auto get() const { return Operation(ReceiveShared<Owner>{&opened(), owner()}); }
  /// Never waits; empty if there is none.
  std::optional<T> try_get() const {
    Offset message = 0;
    if (opened().try_pop(message) == QueueObject::Result::blocked) return std::nullopt;
    return owner().received(Message(message));
  }
  /// As try_get, but throws Empty.
  T get_nowait() const {
    auto item = try_get();
    if (!item) throw Empty();
    return *std::move(item);
  }

  /// Items in the queue: those whose `put` has completed and that nobody has got.
  std::size_t qsize() const { return static_cast<std::size_t>(object().size()); }
  bool empty() const { return qsize() == 0; }
  bool full() const { return object().size() >= object().capacity(); }
  /// 0: without bound.
  std::size_t maxsize() const {
    const auto capacity = object().capacity();
    return capacity == QueueObject::unbounded ? 0 : static_cast<std::size_t>(capacity);
  }

  /// Refuses further items; what is queued can still be got, or, with `immediate`, is dropped. Who
  /// waits, in any process, wakes with ShutDown.
  void shutdown(bool immediate = false) const {
    object().close();
    if (immediate) object().clear();
  }

  /// This handle will not be used any more: later verbs throw Closed. What was put stays.
  void close() const noexcept { closed_ = true; }
  /// Python's, which wait for a feeder thread; there is none. Throws UsageError before close().
  void join_thread() const {
    if (!closed_) throw UsageError("Queue::join_thread(): call close() before");
  }
  void cancel_join_thread() const noexcept {}

 protected:
  QueueObject& opened() const {
    if (closed_) throw Closed("this handle to the queue was closed: use another copy");
    return object();
  }
  Offset kept_by() const { return joinable && object().redelivers() ? ref()->name().offset : 0; }
  Message encode(const T& item) const { return Message::of(item, ref()->name().offset); }

 private:
  Owner owner() const { return Owner{kept_by()}; }
  mutable bool closed_ = false;
};

}  // namespace detail
}  // namespace cohort::inline v0::ipc
