// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Waiting, seen from below: a `Wait` is one thread or coroutine that waits for something to be
/// decided; a `Waiter` is its place in one line. For people who add a primitive.
///
/// A Wait has one word, and whoever changes it decides the race of grant, time-out and stop:
///
///     waiting ──claim──▶ claimed ──commit──▶ decided ──publish──▶ granted | cancelled
///      ▲   │                │                   ▲
///      │   └──begin_leaving─┼───────────────────┘
///      └──────unclaim───────┘
///
/// `claimed` lasts for a few instructions under a gate's lock, in which nothing else is served: a
/// granter has the wait to itself while it finds out whether there is something to give. `decided`:
/// somebody will publish it soon, as granted or, after taking it out of its line, as cancelled;
/// granters pass it over. `publish` is the last touch; the Wait may be gone after it.
///
/// Beside the state stands the bit `attended`: somebody is about to look at the word again (the
/// coroutine is being suspended, or has been nudged and stands in a ready queue), so a decision
/// need not wake it. A `nudge` says "try again" without deciding anything.

#include <cstdint>
#include <utility>

#include "cohort/core/coroutine.hpp"          // Coroutine::post
#include "cohort/core/detail/atomics.hpp"     // the policy
#include "cohort/core/detail/stop_scope.hpp"  // StopHook

namespace cohort::inline v0::detail {

enum class Outcome : std::uint32_t { waiting, claimed, decided, granted, cancelled };

/// A wake-up to be carried out after the gate is unlocked. Holds no pointer to the Wait.
struct Wakeup {
  void (*call)(void*) noexcept = nullptr;
  void* argument = nullptr;
  void operator()() const noexcept {
    if (call) call(argument);
  }
};

template <class A>
class BasicWait : public StopHook {
 public:
  /// True: nobody else can decide this wait until `unclaim` or `publish`. False: it is decided.
  bool claim() noexcept { return take(claimed_bits); }
  /// True: it will be cancelled, by the caller, who takes it out of its line and publishes.
  bool begin_leaving() noexcept { return take(static_cast<std::uint32_t>(Outcome::decided)); }

  /// Gives up a claim: nothing was there to grant.
  void unclaim() noexcept {
    word_.store(word_.load(std::memory_order_relaxed) - claimed_bits, std::memory_order_release);
  }

  /// What was claimed is given: nobody need wait for an unclaim any more.
  void commit() noexcept {
    const auto bits = static_cast<std::uint32_t>(Outcome::decided) - claimed_bits;
    word_.store(word_.load(std::memory_order_relaxed) + bits, std::memory_order_relaxed);
  }

  /// Decides a claimed wait and wakes whoever waits. The last touch.
  virtual void publish(Outcome outcome) noexcept = 0;

  /// Marks the wait as attended if it is undecided and was not; the result then makes it try
  /// again. Call it under the gate's lock, the result after.
  virtual Wakeup nudge() noexcept = 0;

  /// Whether it is decided or about to be, so that it need not stand in line any more. Under the
  /// gate's lock: whoever decides it without having it from a gate goes there next.
  bool is_over() const noexcept {
    return (word_.load(std::memory_order_relaxed) & 7) > claimed_bits;
  }

  /// Published after all the others, because it may take long.
  bool is_slow() const noexcept { return word_.load(std::memory_order_relaxed) & slow; }

  Outcome outcome() const noexcept { return outcome_of(word_.load(std::memory_order_acquire)); }

 protected:
  ~BasicWait() = default;
  static constexpr std::uint32_t attended = 8;
  static constexpr std::uint32_t listed = 16;  // stands in a stop scope's list, too
  static constexpr std::uint32_t slow = 32;    // publish runs the user's code
  static constexpr std::uint32_t claimed_bits = static_cast<std::uint32_t>(Outcome::claimed);

  static Outcome outcome_of(std::uint32_t word) noexcept { return Outcome{word & 7}; }

  // Waiting → claimed or leaving; false if it is decided.
  bool take(std::uint32_t bits) noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    for (unsigned round = 0;;) {
      if (outcome_of(word) == Outcome::waiting) {
        // Acquire: the granter will write into the waiter; pairs with the release in leave().
        if (word_.compare_exchange_weak(word, word + bits, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
          return true;
        }
      } else if (outcome_of(word) == Outcome::claimed) {
        A::relax(round++);
        word = word_.load(std::memory_order_relaxed);
      } else {
        return false;
      }
    }
  }

  /// Before anyone else can see the wait: it is over.
  void decide_alone(Outcome outcome) noexcept {
    word_.store(static_cast<std::uint32_t>(outcome), std::memory_order_relaxed);
  }
  /// Before anyone else can see the wait: it stands in a stop scope's list from now on.
  void set_listed() noexcept { word_.store(attended | listed, std::memory_order_relaxed); }
  bool is_listed() const noexcept { return word_.load(std::memory_order_relaxed) & listed; }

  /// The caller stops attending and sleeps, unless the wait is decided: then false.
  bool leave() noexcept {
    for (unsigned round = 0;;) {
      auto word = word_.load(std::memory_order_acquire);
      if (outcome_of(word) == Outcome::claimed || outcome_of(word) == Outcome::decided) {
        A::relax(round++);
      } else if (outcome_of(word) != Outcome::waiting) {
        return false;
      } else if (word_.compare_exchange_weak(word, word & ~attended, std::memory_order_release,
                                             std::memory_order_relaxed)) {
        return true;
      }
    }
  }

  /// Waiting and not attended → attended. The caller now owes it a look.
  bool attend() noexcept {
    auto word = word_.load(std::memory_order_relaxed);
    return outcome_of(word) == Outcome::waiting && !(word & attended) &&
           word_.compare_exchange_strong(word, word | attended, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }

  /// Attends unless the wait is decided.
  void attend_again() noexcept {
    for (unsigned round = 0; !attend(); A::relax(round++)) {
      const auto word = word_.load(std::memory_order_acquire);
      if (outcome_of(word) != Outcome::claimed &&
          (outcome_of(word) != Outcome::waiting || word & attended)) {
        return;
      }
    }
  }

  /// Stores the outcome; true if nobody attends, so that the caller must wake.
  bool decide(Outcome outcome) noexcept {
    const auto bits = word_.load(std::memory_order_relaxed) & (attended | listed | slow);
    word_.store(static_cast<std::uint32_t>(outcome) | bits, std::memory_order_release);
    return !(bits & attended);
  }

  typename A::template atomic<std::uint32_t> word_{attended};
};

using Wait = BasicWait<RealAtomics>;

/// A place in one line. The links belong to the gate.
template <class A>
class BasicWaiter {
 public:
  explicit BasicWaiter(BasicWait<A>& wait) noexcept : wait_(&wait) { A::writes(&next_); }
  BasicWaiter(const BasicWaiter&) = delete;
  BasicWaiter& operator=(const BasicWaiter&) = delete;

  BasicWait<A>& wait() const noexcept { return *wait_; }
  /// Of several places of one wait: whether it was this one that was granted.
  bool was_granted() const noexcept {
    A::reads(&next_);
    return prev_ == granted();
  }

 protected:
  ~BasicWaiter() = default;

 private:
  template <class>
  friend class BasicLine;
  template <class>
  friend class BasicGate;
  // What prev_ says of one that was granted; never dereferenced.
  static BasicWaiter* granted() noexcept {
    static char mark;
    return reinterpret_cast<BasicWaiter*>(&mark);
  }
  bool in_line() const noexcept { return prev_ && prev_ != granted(); }

  BasicWait<A>* wait_;
  BasicWaiter* next_ = nullptr;
  BasicWaiter* prev_ = nullptr;  // itself at the front; null or granted(): in no line
};

using Waiter = BasicWaiter<RealAtomics>;

/// A suspended coroutine. `Hook::on_resume`, called when a nudged one's turn comes, is the
/// operation's.
class CoroutineWait : public Wait {
 public:
  void publish(Outcome outcome) noexcept final {
    Coroutine* const coroutine = coroutine_;
    if (decide(outcome)) coroutine->post();
  }

  Wakeup nudge() noexcept final {
    if (!attend()) return {};
    return {[](void* self) noexcept {
              auto& wait = *static_cast<CoroutineWait*>(self);
              wait.coroutine_->post(&wait);
            },
            this};
  }

 protected:
  explicit CoroutineWait(Coroutine& coroutine, bool shielded = false) noexcept
      : shielded_(shielded), coroutine_(&coroutine) {}
  ~CoroutineWait() = default;

  // These two stand where the word leaves room.
  const bool shielded_;  // does not hear of a stop
  bool placed_ = false;  // has had a place in line
  Coroutine* const coroutine_;
};

/// A blocked thread. Sleeps on the word itself.
class ThreadWait : public Wait {
 public:
  void publish(Outcome outcome) noexcept final {
    const void* const address = &word_;
    // By address only: the thread may have returned already.
    if (decide(outcome)) RealAtomics::wake_one(address);
  }

  Wakeup nudge() noexcept final {
    if (!attend()) return {};
    return {[](void* address) noexcept { RealAtomics::wake_one(address); }, &word_};
  }

 protected:
  ~ThreadWait() = default;

  /// Sleeps until decided, nudged or late.
  void sleep(TimePoint deadline) noexcept {
    const auto word = word_.load(std::memory_order_acquire);
    if (outcome_of(word) == Outcome::waiting && !(word & attended)) {
      RealAtomics::wait(word_, word, deadline);
    }
  }
};

}  // namespace cohort::inline v0::detail
