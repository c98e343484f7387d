// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A modelled thread as the scheduler sees it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "clock.hpp"  // ThreadId

namespace cohort::model {

struct Task {
  enum class State : std::uint8_t { ready, paused, asleep, joining, ended };

  std::function<void()> body;
  State state = State::ended;
  bool died = false;
  bool mortal = false;
  bool timed = false;
  ThreadId joining_with = nobody;
  const void* asleep_on = nullptr;
  std::string place;  // what it sleeps on, for the report
  std::size_t asleep_since = 0;
  std::uint64_t mark = 0;     // the count of changes at the last pause
  std::uint64_t noticed = 0;  // and at the one before it
  std::size_t paused_at = 0;
  std::size_t last_run = 0;
  std::size_t pauses = 0;
  std::uint64_t pauses_seen = 0;  // the count of everybody's pauses when it last ran

  [[nodiscard]] std::string doing() const {
    switch (state) {
      case State::ready:
      case State::paused: return pauses > 0 ? "spins" : "runs";
      case State::asleep: return "sleeps on " + place;
      case State::joining: return "awaits thread " + std::to_string(joining_with);
      case State::ended: break;
    }
    return died ? "was killed" : "has ended";
  }
};

}  // namespace cohort::model
