// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The barrier: parties in line, numbered as they arrive, and a gate.

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "cohort/core/gate.hpp"       // the gate, and what serve means
#include "cohort/core/operation.hpp"  // TimedSpec
#include "cohort/error.hpp"           // BrokenBarrier

namespace cohort::inline v0::detail {

/// Arrivals are numbered for ever; a round is those from `start_` on, as many as there are parties.
/// When it is complete one of them acts: it runs the action, outside the gate, and then lets the
/// others pass, all or, if one has left meanwhile, none. Whoever arrives before that stands behind
/// them, for the next round. Breaking the barrier sends everybody away who stands in line.
///
/// All but the atomics belongs to the gate's lock.
class BasicBarrier {
 public:
  enum class Outcome : unsigned char { none, passed, broken, acts };
  struct Place : Waiter {
    using Waiter::Waiter;
    /// Whoever tries and goes away without having stood in line breaks the barrier as well.
    ~Place() {
      if (visited) visited->abort();
    }
    BasicBarrier* visited = nullptr;
    std::uint64_t arrival = 0;
    std::uint64_t index = 0;
    Outcome outcome = Outcome::none;
    Place* also_passed = nullptr;
  };

  BasicBarrier(std::uint64_t parties, std::function<void()> action)
      : parties_(parties), action_(std::move(action)), urgent_(parties == 1) {}

  std::uint64_t parties() const noexcept { return parties_; }
  std::uint64_t waiting() const noexcept { return waiting_.load(std::memory_order_acquire); }
  bool broken() const noexcept { return broken_.load(std::memory_order_acquire); }

  void abort() noexcept {
    gate_.with(*this, [&](Gate::Line& line) { send_away(line, true); });
  }
  void reset() noexcept {
    gate_.with(*this, [&](Gate::Line& line) { send_away(line, false); });
  }

  /// True if the barrier is broken, or this is the last of a round: it acts.
  bool arrive(Place& place) noexcept {
    place.visited = this;
    if (!urgent_.load(std::memory_order_acquire)) return false;
    gate_.with(*this, [&](Gate::Line&) {
      if (broken()) {
        place.outcome = Outcome::broken;
      } else if (!acting_ && arrivals_ - start_ == parties_ - 1) {
        place.arrival = arrivals_++;
        begin_action(place);
      }
      publish_state();
    });
    if (place.outcome == Outcome::none) return false;
    place.visited = nullptr;
    return true;
  }

  void arm(Place& place) noexcept {
    gate_.with(*this, [&](Gate::Line& line) {
      if (!place.wait().claim()) return;  // stopped on its way here
      place.visited = nullptr;
      place.arrival = arrivals_++;
      line.push_back(place);
      place.wait().unclaim();
      serve(line);
    });
  }
  void disarm(Place& place) noexcept {
    gate_.with(*this, [&](Gate::Line& line) {
      if (line.remove(place)) send_away(line, true);
    });
  }

  /// The party's index in its round.
  std::uint64_t result(Place& place) {
    if (place.outcome == Outcome::acts) act(place);
    if (place.outcome == Outcome::broken) {
      throw BrokenBarrier(
          "Barrier::wait(): the barrier is broken, because a party timed out, was cancelled or "
          "failed, or by abort() or reset(); reset() makes it usable again");
    }
    return place.index;
  }

 private:
  friend Gate;

  void begin_action(Place& place) noexcept {
    place.outcome = Outcome::acts;
    place.index = place.arrival - start_;
    acting_ = true;
    acting_start_ = start_;
  }

  void act(Place& place) {
    try {
      if (action_) action_();
    } catch (...) {
      end_action(place, false);
      throw;
    }
    end_action(place, true);
  }
  void end_action(Place& place, bool succeeded) noexcept {
    gate_.with(*this, [&](Gate::Line& line) {
      acting_ = false;
      if (acting_start_ != start_) {
        place.outcome = Outcome::broken;  // meanwhile
      } else if (succeeded) {
        pass(place, line);
      } else {
        send_away(line, true);
      }
      serve(line);
    });
  }

  // All of the round but the one that acted; or none, if one has left.
  void pass(Place& acted, Gate::Line& line) noexcept {
    acted.outcome = Outcome::passed;
    Place* passed = nullptr;
    for (auto arrival = start_; arrival != start_ + parties_; ++arrival) {
      if (arrival == acted.arrival) continue;
      auto* const first = claim(line, arrival);
      if (!first) {
        acted.outcome = Outcome::broken;
        break;
      }
      first->index = arrival - start_;
      first->also_passed = std::exchange(passed, first);
      line.grant_front();
    }
    // They are woken when the gate is unlocked.
    for (; passed; passed = passed->also_passed) passed->outcome = acted.outcome;
    if (acted.outcome == Outcome::passed) {
      start_ += parties_;
    } else {
      send_away(line, true);
    }
  }

  // The first in line, claimed, if it is the one that arrived then.
  Place* claim(Gate::Line& line, std::uint64_t arrival) noexcept {
    auto* const first = static_cast<Place*>(line.claim_front());
    if (!first || first->arrival == arrival) return first;
    first->wait().unclaim();
    return nullptr;
  }

  void send_away(Gate::Line& line, bool broken) noexcept {
    broken_.store(broken, std::memory_order_release);
    start_ = arrivals_;
    while (auto* const first = static_cast<Place*>(line.claim_front())) {
      first->outcome = Outcome::broken;
      line.grant_front();
    }
    publish_state();
  }

  void serve(Gate::Line& line) noexcept {
    if (broken()) {
      send_away(line, true);
    } else if (!acting_ && arrivals_ - start_ >= parties_) {
      if (auto* const first = claim(line, start_)) {
        begin_action(*first);
        line.grant_front();
      } else {
        send_away(line, true);
      }
    }
    publish_state();
  }

  void publish_state() noexcept {
    const auto arrived = arrivals_ - start_;
    const bool one_acts = acting_ && acting_start_ == start_;
    waiting_.store(arrived - (one_acts ? 1 : 0), std::memory_order_release);
    urgent_.store(broken() || (!acting_ && arrived == parties_ - 1), std::memory_order_release);
  }

  const std::uint64_t parties_;
  const std::function<void()> action_;
  std::atomic<bool> broken_{false};
  std::atomic<bool> urgent_;  // whoever arrives now need not stand in line
  std::atomic<std::uint64_t> waiting_{0};
  std::uint64_t arrivals_ = 0;
  std::uint64_t start_ = 0;
  std::uint64_t acting_start_ = 0;
  bool acting_ = false;  // somebody runs the action, of this round or of one broken meanwhile
  Gate gate_;
};

/// One party's wait, as an operation's Spec.
struct BarrierArrival {
  using Result = std::uint64_t;
  using Place = BasicBarrier::Place;
  BasicBarrier* barrier;

  bool try_now(Place& place) noexcept { return barrier->arrive(place); }
  void arm(Place& place) noexcept { barrier->arm(place); }
  void disarm(Place& place) noexcept { barrier->disarm(place); }
  bool retry(Place&) noexcept { return false; }
  Result result(Place& place) { return barrier->result(place); }
};

/// The same with the barrier's own time limit, which ends in an error.
struct BarrierWait : TimedSpec<BarrierArrival> {
  using Result = std::uint64_t;
  Result result(Place& place) {
    const auto index = TimedSpec<BarrierArrival>::result(place);
    if (!index) throw BrokenBarrier("Barrier::wait(): timed out, which has broken the barrier");
    return *index;
  }
};

/// A limit that is given takes the place of the barrier's own.
template <>
struct TimedSpec<BarrierWait> : TimedSpec<BarrierArrival> {
  TimedSpec(BarrierWait&& wait, Limit given) noexcept
      : TimedSpec<BarrierArrival>{wait.spec, given} {}
};

}  // namespace cohort::inline v0::detail
