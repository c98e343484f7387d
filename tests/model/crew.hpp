// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The fibers of a checker, one for each thread number. A fiber lives on from execution to
/// execution and runs one body in each, because making fibers costs more than running them.

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "clock.hpp"  // ThreadId
#include "fiber.hpp"  // Fiber

namespace cohort::model {

class Crew {
 public:
  /// `body(thread)` is what a fiber does in each execution. At its end it must `pass` or `leave`,
  /// and comes back from that when the next one begins.
  explicit Crew(std::function<void(ThreadId)> body) : body_(std::move(body)) {}

  /// Before the first switch to a fiber in an execution.
  void prepare(ThreadId thread) {
    Member& member = members_[thread];
    if (!member.fiber) {
      member.crew = this;
      member.thread = thread;
      member.fiber = std::make_unique<Fiber>(&Crew::live, &member);
    } else if (member.abandoned) {
      member.fiber->restart();
    }
    member.abandoned = false;
  }

  /// From outside of the fibers into one; returns when one of them leaves.
  void enter(ThreadId thread) { outside_.switch_to(*members_[thread].fiber); }
  void pass(ThreadId from, ThreadId to) { members_[from].fiber->switch_to(*members_[to].fiber); }
  void leave(ThreadId from) { members_[from].fiber->switch_to(outside_); }

  /// It did not come to the end of its body, and what stands on its stack is given up.
  void abandon(ThreadId thread) noexcept { members_[thread].abandoned = true; }

  [[nodiscard]] bool intact(ThreadId thread) const noexcept {
    return !members_[thread].fiber || members_[thread].fiber->intact();
  }

 private:
  struct Member {
    Crew* crew = nullptr;
    std::unique_ptr<Fiber> fiber{};
    ThreadId thread = 0;
    bool abandoned = false;
  };

  static void live(void* argument) {
    const Member& self = *static_cast<Member*>(argument);
    for (;;) self.crew->body_(self.thread);
  }

  std::function<void(ThreadId)> body_;
  Fiber outside_;
  std::array<Member, max_threads> members_{};
};

}  // namespace cohort::model
