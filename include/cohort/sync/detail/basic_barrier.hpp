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
/// All but the atomics belongs to the gate's lock. If that is taken over from a process that died,
/// the barrier is broken.
template <class G, class Action>
class BasicBarrier {
 public:
  using Line = typename G::Line;
  enum class Outcome : unsigned char { none, passed, broken, acts };
  /// What is known of one party.
  struct Standing {
    std::uint64_t arrival = 0;
    std::uint64_t index = 0;
    std::uint64_t process = 0;  // where that matters
    Outcome outcome = Outcome::none;
    bool stood = false;  // in line, or does
  };
  struct Waiter : G::Waiter, Standing {
    using G::Waiter::Waiter;
  };

  BasicBarrier(std::uint64_t parties, Action action)
      : parties_(parties), action_(std::move(action)), urgent_(parties == 1) {}

  std::uint64_t parties() const noexcept { return parties_; }
  std::uint64_t waiting() const noexcept { return waiting_.load(std::memory_order_acquire); }
  bool broken() const noexcept { return broken_.load(std::memory_order_acquire); }

  void abort() noexcept {
    gate_.with(*this, [&](Line& line) { send_away(line, true); });
  }
  void reset() noexcept {
    gate_.with(*this, [&](Line& line) { send_away(line, false); });
  }

  /// True if the barrier is broken, or this is the last of a round: it acts.
  bool arrive(Standing& party) noexcept {
    if (!urgent_.load(std::memory_order_acquire)) return false;
    gate_.with(*this, [&](Line&) {
      if (broken()) {
        party.outcome = Outcome::broken;
      } else if (!acting_ && arrivals_ - start_ == parties_ - 1) {
        party.arrival = arrivals_++;
        begin_action(party);
      }
      publish_state();
    });
    return party.outcome != Outcome::none;
  }

  void arm(Waiter& waiter) noexcept {
    gate_.with(*this, [&](Line& line) {
      if (!waiter.wait().claim()) return;  // stopped on its way here
      waiter.stood = true;
      waiter.arrival = arrivals_++;
      line.push_back(waiter);
      waiter.wait().unclaim();
      serve(line);
    });
  }
  auto disarm(Waiter& waiter) noexcept {
    if constexpr (G::outlives_its_users) {
      // Under one lock: whoever dies in between has died inside, and breaks the barrier by that.
      bool left = false;
      gate_.with(*this, [&](Line& line) {
        left = gate_.disarm(*this, waiter);
        if (left && waiter.arrival >= start_) send_away(line, true);
      });
      return left;
    } else {
      gate_.with(*this, [&](Line& line) {
        if (line.remove(waiter)) send_away(line, true);
      });
    }
  }
  bool retry(Waiter&) noexcept { return false; }
  void serve_now() noexcept { gate_.serve(*this); }
  /// Whoever was granted and will not come.
  void decline(Standing& party) noexcept {
    if (party.outcome == Outcome::acts) end_action(party, false);
  }

  /// The party's index in its round.
  std::uint64_t result(Standing& party) {
    if (party.outcome == Outcome::acts) act(party);
    if (party.outcome == Outcome::broken) {
      throw BrokenBarrier(
          "Barrier::wait(): the barrier is broken, because a party timed out, was cancelled or "
          "failed, or by abort() or reset(); reset() makes it usable again");
    }
    return party.index;
  }

  /// A process has died: if one of its threads stood in line or acted, the barrier is broken.
  void bury(std::uint64_t process) noexcept requires G::outlives_its_users {
    gate_.bury(*this, [&](Line& line) {
      bool lost = acting_ && acting_start_ == start_ && acting_process_ == process;
      if (acting_process_ == process) acting_ = false;
      line.each(
          [&](auto& waiter) { return !(lost |= static_cast<Waiter&>(waiter).process == process); });
      if (lost) send_away(line, true);
    });
  }

 private:
  friend G;

  void begin_action(Standing& party) noexcept {
    party.outcome = Outcome::acts;
    party.index = party.arrival - start_;
    acting_start_ = start_;
    acting_process_ = party.process;
    acting_ = true;
  }

  void act(Standing& party) {
    try {
      if (action_) action_();
    } catch (...) {
      end_action(party, false);
      throw;
    }
    end_action(party, true);
  }
  void end_action(Standing& party, bool succeeded) noexcept {
    gate_.with(*this, [&](Line& line) {
      acting_ = false;
      if (acting_start_ != start_) {
        party.outcome = Outcome::broken;  // meanwhile
      } else if (succeeded) {
        pass(party, line);
      } else {
        send_away(line, true);
      }
      serve(line);
    });
  }

  // All of the round but the one that acted; or none, if one has left. They are woken when the gate
  // is unlocked.
  void pass(Standing& acted, Line& line) noexcept {
    auto next = start_;
    const auto accept = [&](auto& first) {
      auto& waiter = static_cast<Waiter&>(first);
      if (next == acted.arrival) ++next;
      if (waiter.arrival != next) return false;
      waiter.index = next++ - start_;
      waiter.outcome = Outcome::passed;
      return true;
    };
    const auto undo = [](auto& first) { static_cast<Waiter&>(first).outcome = Outcome::broken; };
    if (line.grant_first(parties_ - 1, accept, undo)) {
      acted.outcome = Outcome::passed;
      start_ += parties_;
    } else {
      acted.outcome = Outcome::broken;
      send_away(line, true);
    }
  }

  void send_away(Line& line, bool broken) noexcept {
    broken_.store(broken, std::memory_order_release);
    start_ = arrivals_;
    while (auto* const first = static_cast<Waiter*>(line.claim_front())) {
      first->outcome = Outcome::broken;
      line.grant_front();
    }
    publish_state();
  }

  void serve(Line& line) noexcept {
    if (broken()) {
      send_away(line, true);
    } else if (!acting_ && arrivals_ - start_ >= parties_) {
      auto* const first = static_cast<Waiter*>(line.claim_front());
      if (first && first->arrival == start_) {
        begin_action(*first);
        line.grant_front();
      } else {
        if (first) first->wait().unclaim();
        send_away(line, true);
      }
    }
    publish_state();
  }

  // The gate's lock was taken over from a dead process: a party, or one as good as that. Those that
  // it was letting pass do; what else it had begun is broken off, and `serve`, which comes next,
  // tells everybody.
  void recover(Line& line) noexcept requires G::outlives_its_users {
    if (!line.finish_first()) {
      broken_.store(true, std::memory_order_release);
    } else if (acting_start_ == start_) {
      start_ += parties_;
    }
  }

  void publish_state() noexcept {
    const auto arrived = arrivals_ - start_;
    const bool one_acts = acting_ && acting_start_ == start_;
    waiting_.store(arrived - (one_acts ? 1 : 0), std::memory_order_release);
    urgent_.store(broken() || (!acting_ && arrived == parties_ - 1), std::memory_order_release);
  }

  const std::uint64_t parties_;
  const Action action_;
  std::atomic<bool> broken_{false};
  std::atomic<bool> urgent_;  // whoever arrives now need not stand in line
  std::atomic<std::uint64_t> waiting_{0};
  std::uint64_t arrivals_ = 0;
  std::uint64_t start_ = 0;
  std::uint64_t acting_start_ = 0;
  std::uint64_t acting_process_ = 0;
  bool acting_ = false;  // somebody runs the action, of this round or of one broken meanwhile
  G gate_;
};

using LocalBarrier = BasicBarrier<Gate, std::function<void()>>;

/// One party's wait, as an operation's Spec.
struct BarrierArrival {
  using Result = std::uint64_t;
  struct Place : LocalBarrier::Waiter {
    using LocalBarrier::Waiter::Waiter;
    /// Whoever tries and goes away without having stood in line breaks the barrier as well.
    ~Place() {
      if (visited && !stood) visited->abort();
    }
    LocalBarrier* visited = nullptr;
  };
  LocalBarrier* barrier;

  bool try_now(Place& place) noexcept {
    const bool over = barrier->arrive(place);
    place.visited = over ? nullptr : barrier;
    return over;
  }
  void arm(Place& place) noexcept { barrier->arm(place); }
  void disarm(Place& place) noexcept { barrier->disarm(place); }
  bool retry(Place&) noexcept { return false; }
  Result result(Place& place) { return barrier->result(place); }
};

/// The same with the barrier's own time limit, which ends in an error.
template <class Arrival>
struct BarrierWait : TimedSpec<Arrival> {
  using Result = std::uint64_t;
  Result result(typename BarrierWait::Place& place) {
    const auto index = TimedSpec<Arrival>::result(place);
    if (!index) throw BrokenBarrier("Barrier::wait(): timed out, which has broken the barrier");
    return *index;
  }
};

/// A limit that is given takes the place of the barrier's own.
template <class Arrival>
struct TimedSpec<BarrierWait<Arrival>> : TimedSpec<Arrival> {
  TimedSpec(BarrierWait<Arrival>&& wait, Limit given) noexcept
      : TimedSpec<Arrival>{std::move(wait.spec), given} {}
};

}  // namespace cohort::inline v0::detail
