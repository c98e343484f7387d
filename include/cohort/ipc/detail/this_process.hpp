// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Who this process is: its name, its parent, and what its children inherit.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cohort/error.hpp"                      // UsageError
#include "cohort/ipc/detail/family.hpp"          // Family
#include "cohort/ipc/detail/process_record.hpp"  // ProcessRecord

namespace cohort::inline v0 {

/// How a Process is made.
enum class StartMethod {
  fork,        ///< a copy of this process; any callable
  spawn,       ///< the program runs anew; callable and arguments are sent
  forkserver,  ///< forked from a clean process of this program; callable and arguments are sent
};

constexpr std::string_view to_string(StartMethod method) noexcept {
  constexpr std::string_view names[] = {"fork", "spawn", "forkserver"};
  return names[static_cast<unsigned>(method) % 3];
}

namespace ipc::detail {

/// What a process is given on its way into life.
template <class = void>
struct BasicBirth {
  std::uint64_t member = 0;
  std::string name;
  std::string identity;  // "17:1": the first child of the 17th
  std::string authkey;
  bool daemon = false;
  bool die_with_parent = false;
  StartMethod made_by = StartMethod::fork;
  std::optional<StartMethod> chosen;
  os::ProcessId parent = 0;
  std::uint64_t parent_started = 0;
  std::string parent_name;
};
using Birth = BasicBirth<>;

template <class X = void>
class BasicThisProcess {
  using ProcessRecord = BasicProcessRecord<X>;
  using Birth = BasicBirth<X>;

 public:
  static BasicThisProcess& get() {
    static BasicThisProcess* const process = new BasicThisProcess;  // never destroyed
    return *process;
  }

  const std::shared_ptr<ProcessRecord>& self() const noexcept { return self_; }
  /// Null in the first of a family.
  const std::shared_ptr<ProcessRecord>& parent() const noexcept { return parent_; }
  bool daemon() const noexcept { return self_->daemon(); }

  /// Of the next child: "17", or "17:1".
  std::string next_identity() {
    const auto n = children_.fetch_add(1, std::memory_order_relaxed) + 1;
    return (identity_.empty() ? "" : identity_ + ':') + std::to_string(n);
  }

  void forget_children() noexcept { children_.store(0, std::memory_order_relaxed); }

  std::string authkey() {
    const std::lock_guard lock(mutex_);
    if (authkey_.empty()) {
      authkey_.resize(32);
      os::random_bytes(authkey_.data(), authkey_.size());
    }
    return authkey_;
  }
  void set_authkey(std::string key) {
    if (key.empty()) throw std::invalid_argument("set_authkey(): an empty key protects nothing");
    const std::lock_guard lock(mutex_);
    authkey_ = std::move(key);
  }

  std::optional<StartMethod> chosen() const {
    const std::lock_guard lock(mutex_);
    return chosen_;
  }
  void choose(StartMethod method, bool force) {
    const std::lock_guard lock(mutex_);
    if (chosen_ && !force) {
      throw UsageError("set_start_method(): it was set already; pass `force` to change it");
    }
    chosen_ = method;
  }
  void choose_nothing() {
    const std::lock_guard lock(mutex_);
    chosen_.reset();
  }
  StartMethod start_method() const {
    const std::lock_guard lock(mutex_);
    return chosen_.value_or(made_by_);
  }

  /// Whether main began with freeze_support().
  bool can_start_again() const noexcept { return can_start_again_.load(); }
  void set_can_start_again() noexcept { can_start_again_.store(true); }

  /// In the new process.
  void become(const Birth& birth) {
    const bool can_start_again = can_start_again_.load();
    self_ = std::make_shared<ProcessRecord>(birth.name, birth.daemon);
    parent_ = std::make_shared<ProcessRecord>(birth.parent_name, birth.parent, birth.parent_started,
                                              os::open_process(birth.parent));
    new (&mutex_) std::mutex;  // in a forked child, of a thread that does not exist here
    identity_ = birth.identity;
    authkey_ = birth.authkey;
    chosen_ = birth.chosen;
    made_by_ = birth.made_by;
    children_.store(0);
    can_start_again_.store(can_start_again);
  }
  /// What a child of this process is given.
  Birth birth_of_child() {
    Birth birth;
    birth.authkey = authkey();
    birth.chosen = chosen();
    birth.parent = os::this_process_id();
    birth.parent_started = os::start_time(birth.parent);
    birth.parent_name = self_->name();
    return birth;
  }

 private:
  BasicThisProcess() : self_(std::make_shared<ProcessRecord>("MainProcess", false)) {}

  std::shared_ptr<ProcessRecord> self_;
  std::shared_ptr<ProcessRecord> parent_;
  std::string identity_;
  std::atomic<std::uint32_t> children_{0};
  std::atomic<bool> can_start_again_{false};
  mutable std::mutex mutex_;
  std::string authkey_;
  std::optional<StartMethod> chosen_;
  StartMethod made_by_ = StartMethod::fork;
};
using ThisProcess = BasicThisProcess<>;

}  // namespace ipc::detail
}  // namespace cohort::inline v0
