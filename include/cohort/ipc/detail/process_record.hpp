// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What this process knows of one of the family: of itself, of a child, whose status it takes, or
/// of another.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "cohort/core/detail/basic_event.hpp"  // the end
#include "cohort/error.hpp"                    // UsageError
#include "cohort/os/processes.hpp"             // reap, send_signal

namespace cohort::inline v0::ipc::detail {

/// Any thread may call anything at any time, except `begin`.
template <class = void>
class BasicProcessRecord {
 public:
  enum class Kind : unsigned char { self, child, helper, other };  // a helper is no user's child

  /// A child that is not there yet, or this process itself.
  BasicProcessRecord(std::string name, bool daemon, Kind kind = Kind::self)
      : name_(std::move(name)), daemon_(daemon), kind_(kind) {}
  /// Another, told from a later process with the same id by when it started.
  BasicProcessRecord(std::string name, os::ProcessId pid, std::uint64_t started,
                     os::Descriptor process)
      : name_(std::move(name)), kind_(Kind::other), started_(started) {
    begin(pid, std::move(process));
  }

  std::string name() const {
    const std::lock_guard lock(mutex_);
    return name_;
  }
  void set_name(std::string name) {
    const std::lock_guard lock(mutex_);
    name_.swap(name);
  }
  bool daemon() const noexcept { return daemon_.load(std::memory_order_relaxed); }
  void set_daemon(bool daemon) noexcept { daemon_.store(daemon, std::memory_order_relaxed); }
  Kind kind() const noexcept { return kind_; }
  os::ProcessId pid() const noexcept {
    return kind_ == Kind::self ? os::this_process_id() : pid_.load(std::memory_order_acquire);
  }

  /// False in a child that has inherited it.
  bool is_of_here() const noexcept {
    return kind_ == Kind::self || maker_ == os::this_process_id();
  }
  void refuse_elsewhere(const char* call) const {
    if (!is_of_here()) {
      throw UsageError(std::string(call) +
                       "(): this process has inherited the object from its parent by fork; only a "
                       "parent can start, wait for or end its children");
    }
  }

  /// It is there; once, before anybody else asks. Perhaps without a descriptor.
  void begin(os::ProcessId pid, os::Descriptor process) noexcept {
    process_ = std::move(process);
    has_descriptor_.store(static_cast<bool>(process_), std::memory_order_relaxed);
    pid_.store(pid, std::memory_order_release);
  }

  /// Whether it has ended. A child's status is taken, so that no zombie is left.
  bool look() noexcept {
    if (kind_ == Kind::self) return false;
    if (end_.is_set()) return true;
    {
      const std::lock_guard lock(mutex_);
      if (!over_) over_ = kind_ == Kind::other ? os::start_time(pid_) != started_ : reap();
      if (!over_) return false;
      if (flag_) os::set_flag(flag_);
    }
    end_.set();
    word_.store(1, std::memory_order_release);
    os::wake_word_all(&word_);
    return true;
  }
  bool is_over() const noexcept { return end_.is_set(); }
  cohort::detail::BasicEvent<cohort::detail::Gate>& end() noexcept { return end_; }

  /// Of a child that has ended; empty if others took its status.
  std::optional<int> exitcode() const noexcept {
    const std::lock_guard lock(mutex_);
    return exitcode_;
  }

  /// To one that has not ended; else nothing.
  void send_signal(int signal) noexcept {
    if (look()) return;
    const std::lock_guard lock(mutex_);
    if (!over_) os::send_signal(pid(), process_, signal);
  }

  /// Waits on this thread, also inside a coroutine; false at the deadline.
  bool wait(TimePoint deadline) noexcept {
    while (!look()) {
      if (deadline != cohort::detail::never && Clock::now() >= deadline) return false;
      // Whoever looks first wakes the others.
      const TimePoint soon = Clock::now() + std::chrono::milliseconds(has_descriptor() ? 1000 : 5);
      os::wait_word(word_, 0, soon < deadline ? soon : deadline);
    }
    return true;
  }

  /// Readable for good once it has ended.
  int sentinel() {
    const std::lock_guard lock(mutex_);
    if (process_) return process_.get();
    if (!flag_) {
      flag_ = os::make_flag();
      if (over_) os::set_flag(flag_);
    }
    return flag_.get();
  }
  int descriptor() const noexcept { return process_.get(); }
  bool has_descriptor() const noexcept { return has_descriptor_.load(std::memory_order_relaxed); }

  /// In a forked child, whose the process is not.
  void disown() noexcept {
    process_.close();
    flag_.close();
  }

 private:
  bool reap() noexcept {
    int code = 0;
    switch (os::reap(pid_, process_, code)) {
      case os::Reaped::not_yet: return false;
      case os::Reaped::ended: exitcode_ = code; return true;
      case os::Reaped::by_others: break;
    }
    return true;
  }

  mutable std::mutex mutex_;
  std::string name_;
  std::atomic<bool> daemon_{false};
  const Kind kind_;
  const os::ProcessId maker_ = os::this_process_id();
  const std::uint64_t started_ = 0;
  std::atomic<os::ProcessId> pid_{0};
  std::atomic<bool> has_descriptor_{false};
  bool over_ = false;
  std::optional<int> exitcode_;
  os::Descriptor process_;
  os::Descriptor flag_;  // where there is no descriptor of a process
  cohort::detail::BasicEvent<cohort::detail::Gate> end_;
  std::atomic<std::uint32_t> word_{0};  // 1 once it is over
};
using ProcessRecord = BasicProcessRecord<>;

}  // namespace cohort::inline v0::ipc::detail
