// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ProcessRef: refers to a process: to this one, its parent, or a child.
///
///     for (const ProcessRef& child : active_children()) std::cout << child.name() << '\n';

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cohort/core/operation.hpp"             // join
#include "cohort/error.hpp"                      // UsageError
#include "cohort/ipc/detail/process_record.hpp"  // what is known of it
#include "cohort/ipc/detail/warden.hpp"          // has the parent watched

namespace cohort::inline v0 {
namespace ipc::detail {

/// Waiting for the end of a process, as an operation's Spec.
template <class X = void>
struct BasicProcessWait {
  using ProcessRecord = BasicProcessRecord<X>;

  using Result = void;
  struct Place : cohort::detail::Waiter {
    using cohort::detail::Waiter::Waiter;
    bool looked = false;
  };
  std::shared_ptr<ProcessRecord> record;

  bool try_now(Place& place) noexcept {
    if (place.looked) return record->is_over();
    place.looked = true;
    return record->look();
  }
  void arm(Place& place) noexcept { record->end().arm(place); }
  void disarm(Place& place) noexcept { record->end().disarm(place); }
  bool retry(Place&) noexcept { return false; }
  void result(Place&) noexcept {}
};
using ProcessWait = BasicProcessWait<>;

}  // namespace ipc::detail

/// A copyable handle; any thread may use any copy at any time. It says what is known here: the name
/// is the one that was given here.
template <class = void>
class BasicProcessRef {
 public:
  /// For the library.
  explicit BasicProcessRef(std::shared_ptr<ipc::detail::ProcessRecord> record) noexcept
      : record_(std::move(record)) {}

  std::string name() const { return record_->name(); }
  void set_name(std::string name) const { record_->set_name(std::move(name)); }
  bool daemon() const noexcept { return record_->daemon(); }
  int pid() const noexcept { return record_->pid(); }
  bool is_alive() const { return !here("is_alive").look(); }
  /// Of a child that has ended, as Process::exitcode(); else empty.
  std::optional<int> exitcode() const {
    return here("exitcode").look() ? record_->exitcode() : std::nullopt;
  }
  /// Waits until it has ended. Throws UsageError if it is this process.
  auto join() const {
    using Kind = ipc::detail::ProcessRecord::Kind;
    if (here("join").kind() == Kind::self) {
      throw UsageError("join(): a process cannot wait for its own end");
    }
    if (record_->kind() == Kind::other) ipc::detail::Warden::get().watch_too(record_);
    return Operation(ipc::detail::ProcessWait{record_});
  }
  /// For ipc::wait.
  const std::shared_ptr<ipc::detail::ProcessRecord>& pollable() const {
    static_cast<void>(join());
    return record_;
  }
  /// Asks a child to end, or kills it; nothing once it has ended. Throws UsageError for others.
  void terminate() const { child("terminate").send_signal(os::signal_to_terminate); }
  void kill() const { child("kill").send_signal(os::signal_to_kill); }

  friend bool operator==(const BasicProcessRef&, const BasicProcessRef&) = default;

 private:
  ipc::detail::ProcessRecord& here(const char* call) const {
    record_->refuse_elsewhere(call);
    return *record_;
  }
  ipc::detail::ProcessRecord& child(const char* call) const {
    if (record_->kind() != ipc::detail::ProcessRecord::Kind::child) {
      throw UsageError(std::string(call) + "(): only a child of this process can be told to end");
    }
    return here(call);
  }

  std::shared_ptr<ipc::detail::ProcessRecord> record_;
};
using ProcessRef = BasicProcessRef<>;

}  // namespace cohort::inline v0
