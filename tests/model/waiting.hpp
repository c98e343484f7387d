// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A wait for the model checker: who waits at a gate.

#include <atomic>
#include <cstdint>

#include "cohort/core/waiter.hpp"  // BasicWait
#include "faults.hpp"              // Policy, Weakened

namespace cohort::model {

enum class Kind : std::uint8_t { thread, timed, coroutine };

/// What ThreadWait and Blocking, CoroutineWait and Awaiting do, on the words of the model. A timed
/// one's deadline has passed whenever it wakes.
template <class On>
class Waiting final : public cohort::detail::BasicWait<Policy> {
  using Decision = cohort::detail::Outcome;

 public:
  explicit Waiting(On& on, Kind kind = Kind::thread) : on_(on), kind_(kind) {}

  void publish(Decision decision) noexcept override {
    const void* const address = &word_;
    const bool suspended = kind_ == Kind::coroutine;
    if (!decide(decision)) return;
    if (suspended) {
      post(resumed);
    } else {
      Policy::wake_one(address);
    }
  }
  cohort::detail::Wakeup nudge() noexcept override {
    if (!attend()) return {};
    if (kind_ != Kind::coroutine) return {[](void* at) noexcept { Policy::wake_one(at); }, &word_};
    return {[](void* self) noexcept { static_cast<Waiting*>(self)->post(nudged); }, this};
  }

  /// True: it was granted.
  bool wait() {
    on_.arm(place_);
    if (kind_ == Kind::coroutine) {
      if (leave()) run_queue();
    } else {
      while (leave()) {
        sleep();
        if (kind_ == Kind::timed) {
          if (end(Decision::granted)) late_ = true;
        } else {
          if (fault.op != Op::attend) attend();  // a nudge from here on would wake nobody
          while (retry() && outcome() == Decision::waiting) Policy::relax(63);
        }
      }
    }
    require(outcome() != Decision::waiting, "it is decided");
    require(outcome() != Decision::granted || late_ || place_.was_granted(), "its place says so");
    return outcome() == Decision::granted && !late_;
  }
  void stop() { end(Decision::cancelled); }

 private:
  static constexpr std::uint32_t resumed = 1;
  static constexpr std::uint32_t nudged = 2;
  struct Place : On::Waiter {
    using On::Waiter::Waiter;
  };

  bool end(Decision decision) {
    if (!begin_leaving()) return false;
    on_.disarm(place_);
    publish(decision);
    return true;
  }
  bool retry() {
    if constexpr (requires { on_.retry(place_); }) return on_.retry(place_);
    return false;
  }
  void sleep() {
    const auto word = word_.load(std::memory_order_acquire);
    if (outcome_of(word) != Decision::waiting || (word & attended) != 0) return;
    if (kind_ == Kind::timed) {
      Policy::wait(word_, word, cohort::TimePoint{});
    } else {
      Policy::wait(word_, word);
    }
  }
  void post(std::uint32_t how) {
    require(queue_.exchange(how, std::memory_order_acq_rel) == 0,
            "a coroutine stands in a queue once");
    ModelAtomics::wake_one(&queue_);
  }
  void run_queue() {
    for (;;) {
      const auto how = queue_.exchange(0, std::memory_order_acq_rel);
      if (how == 0) Policy::wait(queue_, 0);
      if (how == resumed) return;
      if (how != nudged) continue;
      while (retry()) Policy::relax(63);
      if (!leave()) return;
    }
  }

  On& on_;
  const Kind kind_;
  bool late_ = false;
  Weakened<std::uint32_t> queue_{0U};
  Place place_{*this};
};

}  // namespace cohort::model
