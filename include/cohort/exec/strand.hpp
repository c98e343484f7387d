// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Strand: one at a time, on any scheduler.
///
///     Strand strand{pool};
///     spawn(strand, update, 1);      // never at the same time
///     spawn(strand, update, 2);      // as this

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cohort/exec/detail/drain_wait.hpp"    // drained
#include "cohort/exec/detail/injector.hpp"      // the way in
#include "cohort/exec/detail/layered_core.hpp"  // LayeredCore
#include "cohort/exec/executor.hpp"             // SchedulerFace
#include "cohort/exec/run.hpp"                  // block of a PoolTask

namespace cohort::inline v0 {

namespace detail {

/// A list of ready coroutines, resumed in one turn at a time.
template <class = void>
class BasicStrandCore final : public LayeredCore {
 public:
  explicit BasicStrandCore(Home& below) noexcept : LayeredCore(below, "Strand", 1) {}

  void post(Coroutine& c) noexcept override {
    const Posting posting(*this);
    posted_.push(c);
  }

  // Whoever blocks this thread in the middle of a turn drives the strand meanwhile, as with a loop.
  Home* driver_here() noexcept override {
    for (const Context* c = current_context(); c; c = c->outer) {
      if (c->home == this) return this;
    }
    return below_.driver_here();
  }
  void run_until(bool (*done)(const void*) noexcept, const void* argument,
                 TimePoint deadline) override {
    Context context{this};
    const ActivationGuard active(context);
    while (!done(argument)) {
      if (Coroutine* const c = ready_.next(posted_)) {
        drive(context, c);
      } else if (Clock::now() >= deadline) {
        return;
      } else {
        look_below(done, argument);
      }
    }
  }

 private:
  ~BasicStrandCore() = default;

  void take_turn() noexcept override {
    Context context{this};
    const ActivationGuard active(context);
    // A strand that is never idle lets others have the thread now and then.
    Coroutine* c = nullptr;
    for (int i = 0; i < 64 && (c = ready_.next(posted_)); ++i) drive(context, c);
    left_over_.store(!ready_.empty(), std::memory_order_relaxed);
  }
  bool work_in_sight() const noexcept override {
    return !posted_.empty() || left_over_.load(std::memory_order_relaxed);
  }
  void sweep() noexcept override {
    detail::drop_queued(posted_.take_all_in_order(), [this](Coroutine& c) { post(c); });
  }

  // Nothing is ready here. Nobody rings, so not for long.
  void look_below(bool (*done)(const void*) noexcept, const void* argument) {
    const TimePoint soon = Clock::now() + std::chrono::microseconds(200);
    if (Home* const driver = below_.driver_here()) {
      struct Until {
        BasicStrandCore* self;
        bool (*done)(const void*) noexcept;
        const void* argument;
      };
      const Until until{this, done, argument};
      const auto enough = [](const void* p) noexcept {
        const auto& u = *static_cast<const Until*>(p);
        return !u.self->posted_.empty() || u.done(u.argument);
      };
      driver->run_until(enough, &until, soon);
    } else {
      const std::atomic<std::uint32_t> nobody{0};
      RealAtomics::wait(nobody, 0, soon);
    }
  }

  BasicInjector<RealAtomics, Coroutine> posted_;
  ReadyList<Coroutine> ready_;  // the turn's
  std::atomic<bool> left_over_{false};
};
using StrandCore = BasicStrandCore<>;

}  // namespace detail

/// A Scheduler on top of another: its tasks run on that one's threads, one at a time, first come
/// first served. Any thread may use it. Its tasks may outlive it; neither may outlive the executor
/// below.
template <class X = void>
class BasicStrand : public detail::SchedulerFace<BasicStrand<X>> {
 public:
  template <Scheduler S>
  explicit BasicStrand(S& below) : core_(new detail::StrandCore(below.home())) {}
  BasicStrand(const BasicStrand&) = delete;
  BasicStrand& operator=(const BasicStrand&) = delete;
  ~BasicStrand() { core_->abandon(); }

  std::size_t concurrency() const noexcept { return 1; }
  /// Takes no more work; done when what was begun has ended.
  auto shutdown() { return detail::drained(core_->close(), core_->driver()); }
  using detail::SchedulerFace<BasicStrand>::shutdown;
  detail::Home& home() noexcept { return *core_; }
  /// For the library: asks every task to stop.
  void stop_tasks() noexcept { core_->stop_tasks(); }
  /// For the library: what has not begun never will.
  void drop_queued() noexcept { core_->drop_queued(); }

 private:
  detail::StrandCore* core_;
};
using Strand = BasicStrand<>;

}  // namespace cohort::inline v0
