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
  std::uint32_t joining_with = 0;  // a bit for each thread: one of them is enough
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
      case State::joining: return "awaits" + threads(joining_with);
      case State::ended: break;
    }
    return died ? "was killed" : "has ended";
  }

 private:
  static std::string threads(std::uint32_t bits) {
    std::string text;
    for (std::size_t i = 0; i < max_threads; ++i) {
      if ((bits >> i & 1U) != 0) text += " thread " + std::to_string(i);
    }
    return text;
  }
};

}  // namespace cohort::model
