// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What every coroutine of the library has in common, and the trampoline that runs them.
/// For people who add a primitive or an executor.
///
/// A coroutine never resumes another one: it names the next to run in its Context and returns to
/// `drive`. So the stack does not grow however many awaits complete at once, with every compiler
/// and at every optimisation level.

#include <coroutine>
#include <cstdint>
#include <exception>
#include <utility>

#include "cohort/config.hpp"                  // COHORT_HOT
#include "cohort/core/detail/hook.hpp"        // on_resume
#include "cohort/core/detail/stop_scope.hpp"  // StopScope
#include "cohort/os/deadline.hpp"             // TimePoint

namespace cohort::inline v0::detail {

class TaskCount;
class TaskExtras;
class TimerNode;

/// What becomes of a coroutine at a point where it could give way.
enum class Turn : std::uint8_t {
  may_end,  ///< it gives way if it asked to
  goes_on,
  ends,
};

/// Where a suspended coroutine goes to run again: the type-erased side of a Scheduler.
class Home {
 public:
  /// Makes the coroutine ready. It will run on this executor, later, never inside this call. Any
  /// thread, and signal handlers.
  virtual void post(Coroutine&) noexcept = 0;
  /// The same for one that only wants to look again: nobody is woken for it.
  virtual void post_quietly(Coroutine& c) noexcept { post(c); }
  /// The same for a coroutine that the current worker would do well to run itself: the newest runs
  /// first, thieves take the oldest. Only called on this executor.
  virtual void push(Context&, Coroutine& c) noexcept;
  /// Takes back `c` if it is what was pushed last and nobody took it.
  virtual bool take_back(Context&, Coroutine&) noexcept { return false; }
  /// Has the node expire at the time point; until `remove_timer`.
  virtual void add_timer(TimerNode&, TimePoint) noexcept = 0;
  virtual void remove_timer(TimerNode&) noexcept = 0;
  virtual TimePoint now() const noexcept { return Clock::now(); }
  /// Expires what is due. For whoever keeps a thread of this executor for long.
  virtual void keep_time() noexcept {}
  /// The coroutine that runs in this context has come to a point where it could give way.
  virtual Turn turn(Context&) noexcept { return Turn::may_end; }
  /// The executor's own home; it differs from this where the executor keeps a record of each task.
  virtual const Home* executor() const noexcept { return this; }
  /// Where a new root task runs: here, or at a home of its own. Its `task_begins` follows at once.
  virtual Home& home_for_task() { return *this; }
  /// A root task begins or ends. Between the two the executor must not go away.
  virtual TaskCount& task_begins() = 0;
  virtual void task_ends(TaskCount&) noexcept = 0;
  /// The calling worker is about to block, or runs again.
  virtual void worker_blocks() noexcept {}
  virtual void worker_unblocks() noexcept {}
  /// The executor without threads, this one or one below, that whoever blocks must run. Null: none.
  virtual Home* driver() noexcept { return nullptr; }
  /// The same, if the calling thread may stand on a coroutine of this executor.
  virtual Home* driver_here() noexcept { return driver(); }
  /// Of a driver: runs on the calling thread until `done(argument)` or the deadline, or waits that
  /// long for the thread that runs it now.
  virtual void run_until(bool (*)(const void*) noexcept, const void*, TimePoint) {}

 protected:
  Home() = default;
  ~Home() = default;
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
};

/// One activation of the trampoline: what this thread runs now.
struct Context {
  Home* home;
  Coroutine* next = nullptr;     // runs when the current coroutine has suspended
  Coroutine* current = nullptr;  // null between coroutines, and inside a plain function
  Coroutine* plain = nullptr;    // whose plain function runs, if one does
  Coroutine* dead = nullptr;     // the coroutine that has just ended
  Context* outer = nullptr;      // the activation below this one on the stack
  void* worker = nullptr;        // the executor's own
  bool blocked = false;          // a BlockedSection has told the home
  // How many stop requests there were when the current coroutine last found that none concerns it.
  std::uint64_t requests_seen = 0;
};

inline thread_local constinit Context* this_context = nullptr;

/// This thread's activation. Compilers that keep the address of a thread-local over a suspension
/// point must not see that it is one.
#if COHORT_CACHES_TLS_ADDRESSES
COHORT_NOINLINE inline Context** context_slot() noexcept {
  Context** slot = &this_context;
  asm volatile("" : "+r"(slot) : : "memory");
  return slot;
}
#else
inline Context** context_slot() noexcept { return &this_context; }
#endif
inline Context* current_context() noexcept { return *context_slot(); }

/// Whom a root belongs to: the coroutine that is suspended until it has ended, if one is.
struct Above {
  Coroutine* parent = nullptr;
  bool same_task = false;  // a part of the parent's task, only under a stop scope of its own
};

/// Told when a coroutine ends.
class Completion : public Hook {
 public:
  /// The coroutine has ended, its result is delivered, and its frame is gone with all it held.
  /// Yields who runs next, or null.
  virtual Coroutine* ended(Context&) noexcept = 0;
  /// The coroutine ends by an exception; `ended` follows.
  virtual void fail(std::exception_ptr) noexcept = 0;
  /// Of a root.
  virtual Above above() const noexcept { return {}; }
  /// This, if it is what a task has beside its frames.
  virtual TaskExtras* extras() noexcept { return nullptr; }

 protected:
  ~Completion() = default;
};

/// The base of every promise type.
class Coroutine {
 public:
  Coroutine* link;  // the next one in a ready list; whoever queues it sets it

  std::coroutine_handle<> handle() noexcept {
    return std::coroutine_handle<Coroutine>::from_promise(*this);
  }

  // Running.
  Context& context() const noexcept { return *static_cast<Context*>(place_); }
  void enter(Context& context) noexcept { place_ = &context; }

  // Suspended, waiting to be posted.
  void suspend_on(Home& home) noexcept { place_ = &home; }
  Home& home() const noexcept { return *static_cast<Home*>(place_); }
  /// For whoever ends what this coroutine awaited: lets it run next here if this is where it
  /// suspended, else posts it there.
  Coroutine* continue_from(Context& context) noexcept {
    if (place_ == context.home) [[likely]]
      return this;
    post();
    return nullptr;
  }
  /// Makes it ready; with a hook that decides when its turn comes whether it runs.
  void post(Hook* hook = nullptr) noexcept { post_to(*static_cast<Home*>(place_), hook); }
  void post_to(Home& home, Hook* hook = nullptr) noexcept {
    place_ = hook;
    home.post(*this);
  }
  /// Its hook has been called and wants to be again.
  void post_again(Home& home, Hook& hook) noexcept {
    place_ = &hook;
    home.post_quietly(*this);
  }
  /// Ready to be run in place or pushed; no hook.
  void make_ready() noexcept { place_ = nullptr; }
  /// Taken from a ready queue because the executor drops what has not begun: true if this was such
  /// a one, which is gone now.
  bool drop() noexcept { return place_ && static_cast<Hook*>(place_)->on_drop(*this); }
  /// Its turn has come: whether it runs, or its hook has seen to it.
  bool may_resume(Context& context) noexcept {
    if (!place_) return true;
    context.current = this;  // the hook looks at this executor's clock
    const bool runs = static_cast<Hook*>(place_)->on_resume(*this, context);
    if (!runs) context.current = nullptr;
    return runs;
  }

  Completion* completion() const noexcept { return completion_; }
  void set_completion(Completion& completion) noexcept { completion_ = &completion; }

  // A task is the root of an await chain. The root knows the task's stop scope; the coroutines it
  // awaits know the root. One word: the scope's address with the lowest bit set, or the root's.
  void become_root(StopScope& scope) noexcept {
    task_ = reinterpret_cast<std::uintptr_t>(&scope) | 1;
  }
  void join_task_of(Coroutine& parent) noexcept {
    task_ = parent.is_root() ? reinterpret_cast<std::uintptr_t>(&parent) : parent.task_;
  }
  bool is_root() const noexcept { return task_ & 1; }
  Coroutine& root() noexcept { return is_root() ? *this : *reinterpret_cast<Coroutine*>(task_); }
  /// Whether this task was asked to stop; while it runs. As long as nobody is, anywhere, it need not
  /// ask its scope and all above that.
  COHORT_HOT bool stop_requested() noexcept {
    const std::uint64_t requests = StopScope::requests_anywhere();
    Context& here = context();
    return here.requests_seen != requests && ask_for_stop(here, requests);
  }
  StopScope& scope() noexcept { return *reinterpret_cast<StopScope*>(root().task_ - 1); }

 protected:
  Coroutine() = default;
  ~Coroutine() = default;
  Coroutine(const Coroutine&) = delete;
  Coroutine& operator=(const Coroutine&) = delete;

 private:
  COHORT_NOINLINE bool ask_for_stop(Context& context, std::uint64_t requests) noexcept {
    if (scope().stop_requested()) return true;
    context.requests_seen = requests;
    return false;
  }

  void* place_ = nullptr;  // running: Context; suspended: Home; ready: Hook or null
  std::uintptr_t task_;    // this and what follows are set when it is started
  Completion* completion_;
};

inline void Home::push(Context&, Coroutine& c) noexcept { post(c); }

/// Drops those of a list that have not begun; calls `keep(coroutine)` for the others.
template <class Keep>
void drop_queued(Coroutine* list, Keep keep) noexcept {
  while (list) {
    Coroutine& c = *std::exchange(list, list->link);
    if (!c.drop()) keep(c);
  }
}

/// Runs `c` and whatever it leads to until nothing follows, or until `goes_on(next)` is false; it
/// has then seen to that one. The trampoline: the only place that resumes, and the only one that
/// destroys what has begun.
template <class GoesOn>
void drive(Context& context, Coroutine* c, GoesOn goes_on) noexcept {
  if (!c->may_resume(context)) return;
  do {
    c->enter(context);
    context.current = c;
    context.next = nullptr;
    context.requests_seen = 0;
    c->handle().resume();
    c = context.next;
    if (Coroutine* const dead = std::exchange(context.dead, nullptr)) {
      Completion& completion = *dead->completion();
      context.current = nullptr;
      dead->handle().destroy();
      c = completion.ended(context);
    }
  } while (c && goes_on(*c));
  context.current = nullptr;
}
inline void drive(Context& context, Coroutine* c) noexcept {
  drive(context, c, [](Coroutine&) noexcept { return true; });
}

/// Makes `context` this thread's for as long as it lives.
class ActivationGuard {
 public:
  explicit ActivationGuard(Context& context) noexcept {
    Context** const slot = context_slot();
    context.outer = *slot;
    *slot = &context;
  }
  ~ActivationGuard() {
    Context** const slot = context_slot();
    *slot = (*slot)->outer;
  }
  ActivationGuard(const ActivationGuard&) = delete;
  ActivationGuard& operator=(const ActivationGuard&) = delete;
};

/// While it lives, the calling thread blocks: the executors that run something on it, from this
/// activation down, make up for it.
class BlockedSection {
 public:
  explicit BlockedSection(Context* context) noexcept : context_(context), end_(context) {
    for (; end_ && !end_->blocked; end_ = end_->outer) {
      end_->blocked = true;
      end_->home->worker_blocks();
    }
  }
  ~BlockedSection() {
    for (Context* c = context_; c != end_; c = c->outer) {
      c->home->worker_unblocks();
      c->blocked = false;
    }
  }
  BlockedSection(const BlockedSection&) = delete;
  BlockedSection& operator=(const BlockedSection&) = delete;

 private:
  Context* context_;
  Context* end_;  // from here on another section's, in which this one lies
};

/// A plain function runs inside a coroutine: until this is gone, the innermost thing that the
/// thread drives is no coroutine, so that blocking is allowed.
class PlainSection {
 public:
  explicit PlainSection(Coroutine& self) noexcept : context_(self.context()), self_(self) {
    context_.plain = std::exchange(context_.current, nullptr);
  }
  ~PlainSection() {
    context_.plain = nullptr;
    context_.current = &self_;
  }
  PlainSection(const PlainSection&) = delete;
  PlainSection& operator=(const PlainSection&) = delete;

 private:
  Context& context_;
  Coroutine& self_;
};

/// Nobody stands on the stack below: until this is gone the thread may block for whatever it is.
class AsideSection {
 public:
  explicit AsideSection(Context* context) noexcept : context_(context) {
    if (!context_) return;
    current_ = std::exchange(context_->current, nullptr);
    plain_ = std::exchange(context_->plain, nullptr);
  }
  ~AsideSection() {
    if (!context_) return;
    context_->current = current_;
    context_->plain = plain_;
  }
  AsideSection(const AsideSection&) = delete;
  AsideSection& operator=(const AsideSection&) = delete;

 private:
  Context* context_;
  Coroutine* current_ = nullptr;
  Coroutine* plain_ = nullptr;
};

/// The coroutine that runs here, or whose plain function does; null outside.
inline Coroutine* this_coroutine() noexcept {
  const Context* const context = current_context();
  if (!context) return nullptr;
  return context->current ? context->current : context->plain;
}

}  // namespace cohort::inline v0::detail
