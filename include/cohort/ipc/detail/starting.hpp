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
#include "cohort/ipc/detail/fork_server.hpp"     // forkserver
#include "cohort/ipc/detail/process_life.hpp"    // Target, the child's life
#include "cohort/ipc/detail/warden.hpp"          // makes it

namespace cohort::inline v0::ipc::detail {

/// Throws UsageError if a fork would copy locks that other threads hold.
template <class = void>
void refuse_fork_beside_threads() {
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
      "the callable and its arguments can be sent (no captures); or insist, by "
      "ProcessOptions{.start_method = StartMethod::fork}");
}

/// A process that was started anew to become something, and whose main did not ask what.
template <class = void>
[[noreturn]] void complain_of_lost_process() noexcept {
  complain(
      "cohort: this program was started anew as a Process, but its main() goes on as if it were "
      "the "
      "first: main must begin with cohort::freeze_support();");
  os::exit_now(1);
}
template <class = void>
void refuse_if_lost() noexcept {
  if (os::inheritance().channel) complain_of_lost_process();
}
/// In programs that start processes, and only there.
template <class = void>
inline const bool lost_process_is_noticed = [] {
  if (os::inheritance().channel) std::atexit(refuse_if_lost<>);
  return true;
}();

template <class = void>
struct BasicStartOptions {
  std::string identity;
  std::string authkey;  // empty: as this process
  bool die_with_parent = false;
  std::optional<StartMethod> method;
};
using StartOptions = BasicStartOptions<>;

/// One start, on the thread that calls it.
template <class X = void>
class BasicStart {
  using ProcessRecord = BasicProcessRecord<X>;
  using Creation = BasicCreation<X>;
  using Birth = BasicBirth<X>;
  using StartOptions = BasicStartOptions<X>;

 public:
  /// `body` runs the object in a forked child; `ship` says whether it can be sent, and sends it.
  BasicStart(std::function<void()> body, std::function<bool(OutArchive*)> ship, Target* target,
             std::shared_ptr<ProcessRecord> record, const StartOptions& options)
      : body_(std::move(body)),
        ship_(std::move(ship)),
        target_(target),
        record_(std::move(record)),
        options_(options) {}

  StartMethod go() {
    static_cast<void>(lost_process_is_noticed<>);
    auto& here = ThisProcess::get();
    if (here.daemon()) throw UsageError("daemonic processes are not allowed to have children");
    refuse_if_lost();
    StartMethod method = choose();
    // Who asks for it by name takes the risk.
    if (method == StartMethod::fork && !options_.method) refuse_fork_beside_threads();
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
      make(method, birth, member);
    } catch (...) {
      see_death(member);  // takes back what was booked
      throw;
    }
    return method;
  }

 private:
  StartMethod choose() {
    auto& here = ThisProcess::get();
    const bool can_be_sent = ship_(nullptr);
    auto chosen = options_.method;
    if (!chosen) chosen = here.chosen();
    if (!chosen) {
      falls_back_ = true;
      return can_be_sent && here.can_start_again() ? StartMethod::forkserver : StartMethod::fork;
    }
    if (*chosen != StartMethod::fork && !can_be_sent) {
      throw UsageError("start(): " + std::string(to_string(*chosen)) +
                       " sends the callable and its arguments to the new process, and these "
                       "cannot be sent: the callable must capture nothing, the arguments be "
                       "Serializable; a class with a run() of its own derives from "
                       "ProcessOf<Self> and says serialize(archive). Or use StartMethod::fork");
    }
    if (*chosen == StartMethod::forkserver && !here.can_start_again()) {
      throw UsageError(
          "start(): the fork server is this program started anew, so main must begin "
          "with cohort::freeze_support();");
    }
    return *chosen;
  }

  void make(StartMethod& method, Birth& birth, Member member) {
    flush_standard_output();  // or the child's output would come before what was printed first
    if (method == StartMethod::forkserver) {
      try {
        return fork_elsewhere(birth, member);
      } catch (const std::system_error&) {
        if (!falls_back_) throw;
        method = birth.made_by = StartMethod::spawn;  // the system has no clone for that
      }
    }
    if (method == StartMethod::spawn) return spawn(birth, member);
    fork(birth, member);
  }

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

  // The message: who the process is, and what it does.
  os::Descriptor message_for(const Birth& birth, const os::Surroundings* surroundings) {
    OutArchive out;
    if (surroundings) out(*surroundings);
    out(birth);
    ship_(&out);
    return os::make_message(out.bytes().data(), out.bytes().size());
  }
  struct Spawn final : Creation {
    os::ProcessId make() override { return os::start_program(message, *memory, member, mask); }
    os::Descriptor message;
    const os::Descriptor* memory = nullptr;
    std::uint64_t member = 0;
    const os::SignalMask mask = os::SignalMask::current();
  };
  void spawn(const Birth& birth, Member member) {
    Spawn creation;
    creation.message = message_for(birth, nullptr);
    creation.memory = &Family::get().memory_descriptor();
    creation.member = member.bits;
    Warden::get().create(creation, record_, member);
  }
  struct ForkElsewhere final : Creation {
    os::ProcessId make() override { return ForkServer::get().make(message, member); }
    os::Descriptor message;
    Member member;
  };
  void fork_elsewhere(const Birth& birth, Member member) {
    ForkElsewhere creation;
    creation.member = member;
    const auto surroundings = os::Surroundings::of_here(os::SignalMask::current());
    creation.message = message_for(birth, &surroundings);
    Warden::get().create(creation, record_, member);
  }

  std::function<void()> body_;
  std::function<bool(OutArchive*)> ship_;
  Target* target_;
  std::shared_ptr<ProcessRecord> record_;
  const StartOptions& options_;
  bool falls_back_ = false;
};
using Start = BasicStart<>;

}  // namespace cohort::inline v0::ipc::detail
