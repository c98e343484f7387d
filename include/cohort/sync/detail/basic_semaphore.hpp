// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The semaphore: permits and a gate. A lock is one with a single permit.
///
/// One word holds the permits, as its Permits policy writes them, and the bits `waited` (somebody
/// stands at the gate, so a release must see to them), `nudged` (the first in line has been told to
/// try again and has not yet) and `granting`: a permit has changed hands, and what belongs to that,
/// noted before in the ledger, is yet to be done: mostly, to grant the first in line. That one is
/// only needed where the gate outlives those who serve at it.
///
/// While others sleep, a released permit is free for whoever runs, until the first in line has
/// waited for a millisecond; then it is handed over and nobody else can have it. Handing over each
/// time would cost a sleep and a wake for every release (a lock convoy); never doing it would
/// starve the line. The idea is that of Go's sync.Mutex and WebKit's ParkingLot.

#include <cstdint>

#include "cohort/config.hpp"     // COHORT_HOT
#include "cohort/core/gate.hpp"  // the gate, and what serve means

namespace cohort::inline v0::detail {

enum class Verdict : unsigned char { wait, take, refused };

/// Permits as a number: who has one is not known.
struct CountedPermits {
  struct Claim {};  // what those in line say of themselves
  /// What is noted of a permit that is given to a waiter, before and after. With the gate's lock.
  struct Ledger {
    template <class Waiter>
    void begin(const Waiter&) noexcept {}
    void finish() noexcept {}
  };
  static constexpr std::uint64_t one = 8;
  static std::uint64_t count(std::uint64_t word) noexcept { return word / one; }
  static bool any(std::uint64_t word) noexcept { return word >= one; }
  static bool may_give(std::uint64_t word, std::uint64_t n, std::uint64_t limit) noexcept {
    return word / one + n <= limit;
  }
  static std::uint64_t give(std::uint64_t word, std::uint64_t n) noexcept { return word + n * one; }
  /// For whoever calls, or for one in line.
  static std::uint64_t take(std::uint64_t word) noexcept { return word - one; }
  template <class Waiter>
  static std::uint64_t take_for(const Waiter&, std::uint64_t word) noexcept {
    return word - one;
  }
  /// What becomes of the first in line.
  template <class Waiter>
  static Verdict verdict(const Waiter&, std::uint64_t word) noexcept {
    return any(word) ? Verdict::take : Verdict::wait;
  }
};

/// A place in its line.
template <class G, class Claim>
struct SemaphoreWaiter : G::Waiter, Claim {
  using G::Waiter::Waiter;
  // Set when it stands in line.
  TimePoint since;
  std::uint64_t looked;    // at which tick it looked last
  std::uint64_t patience;  // how many ticks it lets pass
};

template <class G, class P = CountedPermits>
class BasicSemaphore {
 public:
  using Permits = P;
  using Atomics = typename G::Atomics;
  using Line = typename G::Line;
  static constexpr bool outlives = G::outlives_its_users;
  using Waiter = SemaphoreWaiter<G, typename Permits::Claim>;

  explicit BasicSemaphore(std::uint64_t permits) noexcept : word_(Permits::give(0, permits)) {}

  std::uint64_t word() const noexcept { return word_.load(std::memory_order_relaxed); }
  /// For who has the permit and changes what else is in the word. False: `word` is what it is now.
  bool change(std::uint64_t& word, std::uint64_t wanted) noexcept {
    return word_.compare_exchange_weak(word, wanted, std::memory_order_acq_rel,
                                       std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return Permits::count(word()); }
  /// Whether this process has the permit, where that is known.
  bool is_mine() const noexcept requires outlives { return Permits::is_mine(word()); }

  bool try_acquire() noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    while (Permits::any(word) && !(word & waited && is_due())) {
      // Acquire: pairs with the release of whoever gave the permit.
      if (word_.compare_exchange_weak(word, Permits::take(word), std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  /// For one whom `Permits::any` does not admit at other times.
  template <class Claim>
  bool try_acquire_as(const Claim& claim) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    while (Permits::verdict(claim, word) == Verdict::take && !(word & waited && is_due())) {
      if (word_.compare_exchange_weak(word, Permits::take(word), std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  /// Adds permits unless there would be more than `limit`; then false and nothing has changed.
  COHORT_HOT bool release(std::uint64_t n, std::uint64_t limit) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    for (;;) {
      if (!Permits::may_give(word, n, limit)) return false;
      // While the nudged one is on its way, a first free permit is for whoever comes first.
      if (word & waited && !(word & nudged && !Permits::any(word))) break;
      if (word_.compare_exchange_weak(word, Permits::give(word, n), std::memory_order_release,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    release_to_line(n);
    return true;
  }

  void arm(Waiter& waiter) noexcept {
    waiter.since = Atomics::now();
    waiter.looked = 0;
    waiter.patience = 1024;
    gate_.arm(*this, waiter);
  }
  auto disarm(Waiter& waiter) noexcept { return gate_.disarm(*this, waiter); }
  void serve_now() noexcept { gate_.serve(*this); }
  /// The nudged one's turn. True: it shall come again soon. While it keeps coming, releases need not
  /// nudge; after its millisecond it sleeps, and the next release hands over. It looks ever less
  /// often: each look takes the word from the processor of whoever uses it.
  bool retry(Waiter& waiter) noexcept {
    const auto ticks = Atomics::ticks();
    if (ticks - waiter.looked >= waiter.patience) {
      const auto word = word_.load(std::memory_order_relaxed);
      if (Permits::any(word) || !(word & nudged) || Atomics::now() >= due_time(waiter)) {
        gate_.serve(*this);
        return false;
      }
      waiter.looked = ticks;
      if (waiter.patience < 128 * 1024) waiter.patience *= 2;
    }
    for (int i = 0; i < 16; ++i) Atomics::pause();
    return true;
  }

  /// Some who may have had permits have died. `change(word)` is what becomes of the word.
  template <class Change>
  void bury(Change change) noexcept requires outlives {
    gate_.bury(*this, [&](Line&) {
      auto word = word_.load(std::memory_order_relaxed);
      while (!word_.compare_exchange_weak(word, change(word), std::memory_order_acq_rel,
                                          std::memory_order_relaxed)) {}
    });
  }
  /// Gives permits, or takes one, together with what `note(ledger)` puts down, whoever dies
  /// meanwhile. `note` yields how many to give. False: there is none to take.
  template <class Note>
  void give_noted(Note note) noexcept requires outlives {
    gate_.with(*this, [&](Line& line) {
      const std::uint64_t n = note(ledger_);
      if (n == 0) return;
      auto word = word_.load(std::memory_order_relaxed);
      while (!word_.compare_exchange_weak(word, Permits::give(word, n) | granting,
                                          std::memory_order_acq_rel, std::memory_order_relaxed)) {}
      finish_granting();
      serve(line);
    });
  }
  template <class Note>
  bool take_noted(Note note) noexcept requires outlives {
    bool taken = false;
    gate_.with(*this, [&](Line&) {
      auto word = word_.load(std::memory_order_relaxed);
      note(ledger_);
      while (!taken && Permits::any(word) && !(word & waited && is_due())) {
        taken = word_.compare_exchange_weak(word, Permits::take(word) | granting,
                                            std::memory_order_acq_rel, std::memory_order_relaxed);
      }
      if (taken) finish_granting();
    });
    return taken;
  }

 private:
  friend G;
  static constexpr std::uint64_t waited = 1;
  static constexpr std::uint64_t nudged = 2;
  static constexpr std::uint64_t granting = 4;

  // Whether the first in line must be served. Looks at the clock every few microseconds only: a
  // running acquirer may come here fifty times in one.
  COHORT_NOINLINE bool is_due() noexcept {
    const auto ticks = Atomics::ticks();
    if (ticks - looked_.load(std::memory_order_relaxed) < 8192) return false;
    if (Atomics::now().time_since_epoch().count() >= due_.load(std::memory_order_relaxed)) {
      return true;
    }
    looked_.store(ticks, std::memory_order_relaxed);
    return false;
  }

  COHORT_NOINLINE void release_to_line(std::uint64_t n) noexcept {
    const bool mine = gate_.try_with(*this, [&](Line& line) {
      auto* const first = line.empty() ? nullptr : &static_cast<Waiter&>(line.front());
      const bool hand_over = first && Atomics::now() >= due_time(*first);
      if (hand_over) {
        while (n > 0 && hand_over_to(static_cast<Waiter*>(line.claim_front()), line)) --n;
        if (n == 0) return serve(line);
      }
      const auto before = give(n);
      const bool one_free = !Permits::any(before) && n == 1;
      if (!first || hand_over || !one_free || !nudge(line)) serve(line);
    });
    if (mine) return;
    give(n);
    gate_.serve(*this);
  }

  std::uint64_t give(std::uint64_t n) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(word, Permits::give(word, n), std::memory_order_release,
                                        std::memory_order_relaxed)) {}
    return word;
  }

  static TimePoint due_time(const Waiter& waiter) noexcept {
    return waiter.since + std::chrono::milliseconds(1);
  }

  // Tells the first in line to try again; false if it is awake and may have looked already.
  bool nudge(Line& line) noexcept {
    if (!line.nudge_front()) return false;
    const auto& first = static_cast<const Waiter&>(line.front());
    due_.store(due_time(first).time_since_epoch().count(), std::memory_order_relaxed);
    word_.fetch_or(nudged, std::memory_order_relaxed);
    return true;
  }

  // A permit goes from hand to hand: at no time can anybody else have it.
  bool hand_over_to(Waiter* first, Line& line) noexcept {
    if (!first) return false;
    begin_granting(*first);
    auto word = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(word, for_first(*first, Permits::give(word, 1)),
                                        std::memory_order_acq_rel, std::memory_order_relaxed)) {}
    grant(line);
    return true;
  }
  std::uint64_t for_first(const Waiter& first, std::uint64_t word) noexcept {
    return Permits::take_for(first, word) | (outlives ? granting : 0);
  }
  void begin_granting(Waiter& first) noexcept {
    if constexpr (requires { first.refused; }) first.refused = false;  // by one who died doing so
    ledger_.begin(first);
  }
  void grant(Line& line) noexcept {
    line.grant_front();
    if constexpr (outlives) finish_granting();
  }
  void finish_granting() noexcept {
    ledger_.finish();
    word_.fetch_and(~granting, std::memory_order_release);
  }
  // The gate's lock was taken over from a dead process, which may have been just about to grant.
  void recover(Line& line) noexcept requires outlives {
    if (!(word() & granting)) return;
    line.finish_front();
    finish_granting();
  }

  // Gives free permits to those in line. Ends with no permit free or nobody in line, and the bits
  // say which in the same instruction, so that no release is missed.
  void serve(Line& line) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    for (;;) {
      if (!line.empty() &&
          Permits::verdict(static_cast<Waiter&>(line.front()), word) != Verdict::wait) {
        if (auto* const first = static_cast<Waiter*>(line.claim_front())) {
          serve_first(*first, line, word);
        }
      } else {
        const auto wanted = (word & ~(waited | nudged)) | (line.empty() ? 0 : waited);
        // The bits change under the gate's lock only, so a release sees them.
        if (wanted == word) return;
        if (word_.compare_exchange_weak(word, wanted, std::memory_order_relaxed)) return;
      }
    }
  }
  void serve_first(Waiter& first, Line& line, std::uint64_t& word) noexcept {
    switch (Permits::verdict(first, word)) {
      case Verdict::take:
        begin_granting(first);
        if (word_.compare_exchange_weak(word, for_first(first, word), std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
          grant(line);
          word = word_.load(std::memory_order_relaxed);
        } else {
          first.wait().unclaim();
        }
        break;
      case Verdict::refused:
        if constexpr (requires { first.refused; }) first.refused = true;
        line.grant_front();
        break;
      case Verdict::wait: first.wait().unclaim(); break;
    }
  }

  typename Atomics::template atomic<std::uint64_t> word_;
  typename Atomics::template atomic<Clock::rep> due_{0};  // when the nudged one must be served
  typename Atomics::template atomic<std::uint64_t> looked_{0};  // when it was not due yet
  [[no_unique_address]] typename Permits::Ledger ledger_;
  G gate_;
};

/// Acquiring one permit, as an operation's Spec. `Then` makes the result: a guard, or nothing.
template <class Semaphore, class Then>
struct AcquirePermit {
  using Result = decltype(std::declval<Then&>()());
  using Place = typename Semaphore::Waiter;
  struct AtOnce {};
  Semaphore* semaphore;
  Then then;

  COHORT_HOT bool try_now(auto&) noexcept { return semaphore->try_acquire(); }
  void arm(Place& place) noexcept { semaphore->arm(place); }
  void disarm(Place& place) noexcept { semaphore->disarm(place); }
  bool retry(Place& place) noexcept { return semaphore->retry(place); }
  COHORT_HOT Result result(auto&) noexcept { return then(); }
};

struct Nothing {
  void operator()() const noexcept {}
};

}  // namespace cohort::inline v0::detail
