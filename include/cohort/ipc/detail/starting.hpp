// SPDX-License-Identifier: BSL-1.0
#pragma once

/// How a Process is started: which way, whether that is safe, and by fork.

#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "cohort/core/detail/quiet_threads.hpp"  // the library's threads
#include "cohort/ipc/detail/process_life.hpp"    // Target, the child's life
#include "cohort/ipc/detail/warden.hpp"          // makes it

namespace cohort::inline v0::ipc::detail {

/// Throws UsageError if a fork would copy locks that other threads hold.
inline void refuse_fork_beside_threads() {
  unsigned others = 0;
  // A thread that goes quiet, or has just been joined, is there for a moment more.
  for (int round = 0; round < 50; ++round) {
    const unsigned quiet = cohort::detail::quiet_threads.load(std::memory_order_relaxed);
    const unsigned all = os::count_threads();
    if (all <= quiet + 1) return;
    others = all - quiet - 1;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  throw UsageError(
      "start(): " + std::to_string(others) +
      " other thread(s) run code of this program, and a lock that one of them holds would stay "
      "locked for ever in a forked child. Start processes before threads; or use "
      "StartMethod::forkserver or spawn, for which main begins with cohort::freeze_support() and "
      "the callable and its arguments can be sent (no captures)");
}

struct StartOptions {
  std::string identity;
  std::string authkey;  // empty: as this process
  bool die_with_parent = false;
  std::optional<StartMethod> method;
};

/// One start, on the thread that calls it.
class Start {
 public:
  /// `body` runs the object in the child.
  Start(std::function<void()> body, Target* target, std::shared_ptr<ProcessRecord> record,
        const StartOptions& options)
      : body_(std::move(body)), target_(target), record_(std::move(record)), options_(options) {}

  StartMethod go() {
    auto& here = ThisProcess::get();
    if (here.daemon()) throw UsageError("daemonic processes are not allowed to have children");
    const StartMethod method = choose();
    if (method == StartMethod::fork) refuse_fork_beside_threads();
    end_children_at_exit();

    Birth birth = here.birth_of_child();
    birth.name = record_->name();
    birth.identity = options_.identity;
    if (!options_.authkey.empty()) birth.authkey = options_.authkey;
    birth.daemon = record_->daemon();
    birth.die_with_parent = options_.die_with_parent;
    birth.made_by = method;
    Family& family = Family::get();
    const Member member = family.claim_member(family.me());
    birth.member = member.bits;
    try {
      if (target_) target_->book(member);
      fork(birth, member);
    } catch (...) {
      see_death(member);  // takes back what was booked
      throw;
    }
    return method;
  }

 private:
  StartMethod choose() const { return StartMethod::fork; }

  struct Fork final : Creation {
    Fork(const Birth& b, const std::function<void()>& f) : birth(b), body(f) {}
    os::ProcessId make() override {
      if (const os::ProcessId pid = os::fork_process()) return pid;
      begin_life(birth);
      os::forget_standard_input();
      end_here_at_exit();
      mask.apply();
      std::exit(exit_code_of(body));
    }
    const Birth& birth;
    const std::function<void()>& body;
    const os::SignalMask mask = os::SignalMask::current();
  };
  void fork(const Birth& birth, Member member) {
    flush_output();  // or the child would print it too
    Fork creation(birth, body_);
    Warden::get().create(creation, record_, member);
  }

  std::function<void()> body_;
  Target* target_;
  std::shared_ptr<ProcessRecord> record_;
  const StartOptions& options_;
};

}  // namespace cohort::inline v0::ipc::detail
