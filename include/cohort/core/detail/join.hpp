// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Fork and join: several children of one parent, each a task of its own, under one stop scope.
///
/// The first child runs in place, the others wait on the worker's deque. When a child ends and the
/// next is still there, it is taken back and run in place too: as long as nobody steals, joining
/// costs no atomic instruction. That run of children is the *chain*; there is one at a time, it is
/// passed on from child to child, and it settles its account with the thieves once, at its end.

#include <atomic>
#include <cstddef>
#include <exception>
#include <utility>

#include "cohort/config.hpp"          // COHORT_HOT
#include "cohort/core/coroutine.hpp"  // Completion
#include "cohort/core/task.hpp"       // Task, Slot
#include "cohort/error.hpp"           // report_unobserved

namespace cohort::inline v0::detail {

class Join;

/// One child.
class LegBase : public Completion {
 protected:
  explicit LegBase(Coroutine& coroutine) noexcept : coroutine_(&coroutine) {}
  /// Only before it is started.
  LegBase(LegBase&& other) noexcept
      : Completion(), coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Coroutine& coroutine() const noexcept { return *coroutine_; }
  ~LegBase() {
    if (!join_ && coroutine_) coroutine_->handle().destroy();  // never started
  }

 private:
  friend class Join;
  inline Coroutine* ended(Context& context) noexcept final;
  inline void fail(std::exception_ptr error) noexcept final;
  inline Above above() const noexcept final;

  Coroutine* coroutine_;
  Join* join_ = nullptr;
  LegBase* next_;  // the child after this one: below it on the deque
};

class Join {
 public:
  explicit Join(std::size_t count) noexcept : count_(count), open_(count) {}
  /// Only before it is started.
  Join(Join&& other) noexcept : Join(other.count_) {}
  void set_parent(Coroutine& parent) noexcept {
    parent_ = &parent;
    scope_.set_parent(&parent.scope());
  }

  /// Suspends the parent; it continues when all children have ended.
  Context& suspend() noexcept {
    Context& context = parent_->context();
    parent_->suspend_on(*context.home);
    return context;
  }
  /// Starts a child; to be called for the last one first, so that the next to run is on top of the
  /// deque. `next` is the child after this one.
  void start(Context& context, LegBase& leg, LegBase* next) noexcept {
    enter(leg, next);
    context.home->push(context, *leg.coroutine_);
  }
  /// Starts the first child, as the last: it is run in place.
  void start_first(Context& context, LegBase& leg, LegBase* next) noexcept {
    enter(leg, next);
    chain_at_.store(&leg, std::memory_order_relaxed);
    context.next = leg.coroutine_;
  }

  /// The first failure stops the others.
  void fail(std::exception_ptr error) noexcept {
    if (failed_.exchange(true, std::memory_order_acq_rel)) {
      report_unobserved(error);
      return;
    }
    error_ = std::move(error);
    scope_.request_stop();
  }
  /// After all have ended.
  void rethrow_if_failed() {
    if (error_) [[unlikely]]
      std::rethrow_exception(std::move(error_));
  }

 private:
  friend class LegBase;

  void enter(LegBase& leg, LegBase* next) noexcept {
    leg.join_ = this;
    leg.next_ = next;
    leg.coroutine_->set_completion(leg);
    leg.coroutine_->become_root(scope_);
  }

  COHORT_HOT Coroutine* ended(LegBase& leg, Context& context) noexcept {
    std::size_t done = 1;
    if (chain_at_.load(std::memory_order_relaxed) == &leg) {
      ++chain_;
      LegBase* const next = leg.next_;
      if (next && context.home->take_back(context, *next->coroutine_)) {
        // If the child was stolen and has ended, this may be another that got its memory.
        if (next->coroutine_->completion() == next) {
          chain_at_.store(next, std::memory_order_relaxed);
          Coroutine* const c = next->coroutine_;
          return c->may_resume(context) ? c : nullptr;  // it may have been stolen, and nudged
        }
        context.home->push(context, *next->coroutine_);
      }
      if (chain_ == count_) return parent_->continue_from(context);
      done = chain_;
    }
    // Release: this leg's result; acquire: everybody else's.
    if (open_.fetch_sub(done, std::memory_order_acq_rel) != done) return nullptr;
    return parent_->continue_from(context);
  }

  Coroutine* parent_ = nullptr;
  StopScope scope_;
  const std::size_t count_;
  std::size_t chain_ = 0;                    // ended in the chain; belongs to the chain
  std::atomic<std::size_t> open_;            // not ended, or in the chain
  std::atomic<LegBase*> chain_at_{nullptr};  // which child the chain is at
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

inline Coroutine* LegBase::ended(Context& context) noexcept { return join_->ended(*this, context); }
inline void LegBase::fail(std::exception_ptr error) noexcept { join_->fail(std::move(error)); }
inline Above LegBase::above() const noexcept { return {join_->parent_, false}; }

/// A child with its result.
template <class T>
class Leg final : public LegBase {
 public:
  COHORT_HOT explicit Leg(Task<T>&& task) : LegBase(task.release()) {}
  Leg(Leg&&) noexcept = default;
  /// At its final place, right before it is started.
  void prepare() noexcept { static_cast<TaskPromise<T>&>(coroutine()).set_slot(&slot_); }
  /// The result; a monostate where there is none.
  stored_t<T> result() {
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return *std::move(slot_);
    }
  }

 private:
  Slot<T> slot_;
};

}  // namespace cohort::inline v0::detail
