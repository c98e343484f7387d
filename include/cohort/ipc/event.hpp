// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::Event: a flag that tasks, threads and processes wait for.
///
///     ipc::Event ready;                        // pass it to a Process
///     co_await ready.wait();                   // in one
///     ready.set();                             // in another

#include "cohort/core/detail/basic_event.hpp"    // the machine
#include "cohort/core/operation.hpp"             // Operation
#include "cohort/ipc/detail/handle.hpp"          // Handle
#include "cohort/ipc/detail/shared_gate.hpp"     // SharedGate
#include "cohort/ipc/detail/shared_machine.hpp"  // WaitShared

namespace cohort::inline v0::ipc {

namespace detail {

template <class Gate>
struct BasicEventObject {
  static constexpr Kind kind = Kind::event;
  using Machine = cohort::detail::BasicEvent<Gate>;

  bool try_now() noexcept { return machine.is_set(); }
  void bury(Member) noexcept { machine.bury(); }

  ObjectHead head;
  Machine machine;
};
using EventObject = BasicEventObject<SharedGate>;

}  // namespace detail

/// A handle: copies are the same event. Any task, thread or process may call anything at any time,
/// `clear` and `is_set` also in a signal handler; not `set`, as cohort::Event's may be: it gives back
/// the places of those who have left the line, with the heap's lock. A process that dies waiting is
/// skipped; one that dies in `set` has set it or has not.
template <class Object = detail::EventObject>
class BasicEvent : public detail::Handle<Object> {
  using Base = detail::Handle<Object>;
  using Base::object;

 public:
  /// For the library.
  explicit BasicEvent(detail::ByName by_name) noexcept : Base(by_name) {}
  /// Unset. Throws std::system_error if the shared memory is full.
  BasicEvent() : Base(std::in_place) {}

  /// Everybody who waits now returns, even if `clear()` follows at once.
  void set() const { object().machine.set(); }
  void clear() const { object().machine.clear(); }
  bool is_set() const { return object().machine.is_set(); }
  /// Waits until it is set. Cancelled or timed out, nothing has changed.
  auto wait() const { return Operation(detail::WaitShared<Object>{&object()}); }
};
using Event = BasicEvent<>;

}  // namespace cohort::inline v0::ipc
