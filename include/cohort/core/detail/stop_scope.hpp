// SPDX-License-Identifier: BSL-1.0
#pragma once

/// StopScope: where a request to stop is made and from where it reaches every wait below.
///
/// Scopes form a tree that is walked upwards to ask (`stop_requested`) and downwards to tell
/// (`request_stop`). A scope joins its parent's list only when something first stands in its own,
/// so fork-join code that never waits pays for two stores and no lock. A scope that is attached has
/// all above it attached, too: it is told of every request, and while none is on its way it need not
/// ask above. Neither joining nor telling is a recursion: a tree may be as deep as memory allows.

#include <atomic>
#include <cstdint>

#include "cohort/config.hpp"               // COHORT_NOINLINE
#include "cohort/core/detail/atomics.hpp"  // relax, here
#include "cohort/core/detail/hook.hpp"     // on_stop

namespace cohort::inline v0::detail {

class StopScope;

/// A hook that can stand in a scope's list. Its links belong to the scope's lock.
class StopHook : public Hook {
 private:
  friend class StopScope;
  /// A scope that stands in its parent's list.
  virtual StopScope* as_scope() noexcept { return nullptr; }
  // Set when the hook is first given to a scope: most scopes of fork-join code never are.
  StopHook* next_;
  StopHook** link_;  // what points to this hook; null: in no list
};

class StopScope final : private StopHook {
 public:
  explicit StopScope(StopScope* parent = nullptr) noexcept : parent_(parent) {}
  /// Before anything stands below.
  void set_parent(StopScope* parent) noexcept { parent_ = parent; }
  ~StopScope() {
    if (word_.load(std::memory_order_relaxed) & attached) [[unlikely]]
      parent_->remove(*this);
  }

  /// Leaves the tree while others may still request a stop here: the parent is about to go. Nothing
  /// that waits is left below.
  void detach() noexcept {
    lock();
    const bool listed = word_.load(std::memory_order_relaxed) & attached;
    unlock();
    if (listed) parent_->remove(*this);  // never under this scope's lock
    lock();
    parent_ = nullptr;
    word_.store(word_.load(std::memory_order_relaxed) & ~attached, std::memory_order_relaxed);
    unlock();
  }

  /// Whether this scope or one above it was asked to stop. Any thread.
  bool stop_requested() const noexcept {
    for (const StopScope* scope = this; scope; scope = scope->parent_) {
      const auto word = scope->word_.load(std::memory_order_acquire);
      if (word & stopped) return true;
      // In this order: a request that was on its way before, and is not any more, has been told.
      if (word & attached && on_their_way.load(std::memory_order_acquire) == 0) {
        return scope->word_.load(std::memory_order_acquire) & stopped;
      }
    }
    return false;
  }

  /// How many requests there have been, to any scope: as long as it stays the same, so does what
  /// `stop_requested` says. Never 0.
  static std::uint64_t requests_anywhere() noexcept {
    return requests_anywhere_.load(std::memory_order_acquire);
  }

  /// Tells every hook below; true for the first request. When it returns, every wait that stood
  /// here has left its line. Any thread; the caller keeps the scope alive.
  bool request_stop() noexcept {
    const Begun begun = begin_telling();
    if (begun == Begun::telling) tell();
    return begun != Begun::before;
  }

  /// Tells this scope from any other that was or will be at its address. Never 0.
  std::uint32_t id() noexcept {
    auto id = id_.load(std::memory_order_relaxed);
    if (id != 0) return id;
    const auto fresh = fresh_id();
    return id_.compare_exchange_strong(id, fresh, std::memory_order_relaxed) ? fresh : id;
  }
  /// One that no scope has.
  static std::uint32_t fresh_id() noexcept {
    static constinit std::atomic<std::uint32_t> last{0};
    for (;;) {
      if (const auto id = last.fetch_add(1, std::memory_order_relaxed) + 1; id != 0) return id;
    }
  }

  /// Puts the hook in the list; false, and not put, if stop was requested already.
  COHORT_NOINLINE bool add(StopHook& hook) noexcept {
    lock();
    if (is_loose()) attach();
    const bool open = !stop_requested();
    hook.link_ = nullptr;
    if (open) link(hook);
    unlock();
    return open;
  }

  /// Takes a hook out that was given to `add`. Afterwards `on_stop` is not running and never will, except when called
  /// from within it.
  COHORT_NOINLINE void remove(StopHook& hook) noexcept {
    lock();
    if (hook.link_) {
      unlink(hook);
      unlock();
      return;
    }
    use_list();
    const bool mine = teller_ == RealAtomics::here();
    for (unsigned round = 0; !mine && telling_ == &hook; ++round) {
      unlock();
      RealAtomics::relax(round);
      lock();
    }
    unlock();
  }

 private:
  static constexpr std::uint32_t locked = 1;
  static constexpr std::uint32_t stopped = 2;
  static constexpr std::uint32_t attached = 4;  // this scope stands in its parent's list
  static constexpr std::uint32_t listing = 8;   // head_ and what follows it are in use

  // Scopes of this process, anywhere, in which somebody has yet to be told.
  alignas(64) static inline constinit std::atomic<std::uint32_t> on_their_way{0};

  StopScope* as_scope() noexcept override { return this; }

  enum class Begun { before, done, telling };
  // Marks this scope. Telling: somebody stands here.
  Begun begin_telling() noexcept {
    lock();
    const auto word = word_.load(std::memory_order_relaxed);
    const bool telling = !(word & stopped) && word & listing && head_;
    if (telling) {
      teller_ = RealAtomics::here();
      on_their_way.fetch_add(1, std::memory_order_relaxed);
    }
    unlock(stopped);
    if (word & stopped) return Begun::before;
    requests_anywhere_.fetch_add(1, std::memory_order_release);
    return telling ? Begun::telling : Begun::done;
  }
  // Everybody below, depth first. While a scope is told it is in no list, and remembers in its link
  // where to go on; it cannot go away, because `remove` waits for that.
  void tell() noexcept {
    for (StopScope* scope = this;;) {
      if (StopHook* const hook = scope->next_to_tell()) {
        StopScope* const below = hook->as_scope();
        if (!below) {
          hook->on_stop();
        } else if (below->begin_telling() == Begun::telling) {
          below->next_ = scope;
          scope = below;
        }
      } else if (scope != this) {
        scope = static_cast<StopScope*>(scope->next_);
      } else {
        return;
      }
    }
  }
  // The one before has been told. Null: nobody is left.
  StopHook* next_to_tell() noexcept {
    lock();
    StopHook* const next = telling_ = head_;
    if (next) {
      unlink(*next);
    } else {
      teller_ = nullptr;
    }
    unlock();
    if (!next) on_their_way.fetch_sub(1, std::memory_order_release);
    return next;
  }

  // The parent has yet to be told that something stands here.
  bool is_loose() const noexcept {
    return parent_ && !(word_.load(std::memory_order_relaxed) & (attached | stopped));
  }
  // Joins the parent's list, and so do those above. This scope is locked, then each one above it, up
  // to the first that is not loose: always in this direction, and nobody who holds a lock waits for
  // one below. From there the news comes down whether it was stopped; then each is let go.
  void attach() noexcept {
    StopScope* top = parent_;
    for (top->lock(); top->is_loose(); top->lock()) top = top->parent_;
    const bool open = !top->stop_requested();
    for (StopScope* scope = this; scope != top;) {
      StopScope* const above = scope->parent_;
      if (open) above->link(*scope);
      const auto word = scope->word_.load(std::memory_order_relaxed);
      scope->word_.store(word | (open ? attached : stopped), std::memory_order_relaxed);
      if (scope != this) scope->unlock();
      scope = above;
    }
    top->unlock();
  }

  // Under the lock.
  void link(StopHook& hook) noexcept {
    use_list();
    hook.next_ = head_;
    hook.link_ = &head_;
    if (head_) head_->link_ = &hook.next_;
    head_ = &hook;
  }
  static void unlink(StopHook& hook) noexcept {
    *hook.link_ = hook.next_;
    if (hook.next_) hook.next_->link_ = hook.link_;
    hook.link_ = nullptr;
  }

  // Orders everything under the lock: acquire here pairs with release in unlock.
  void lock() noexcept {
    for (unsigned round = 0; word_.fetch_or(locked, std::memory_order_acquire) & locked; ++round) {
      RealAtomics::relax(round);
    }
  }
  void unlock(std::uint32_t also = 0) noexcept {
    word_.store((word_.load(std::memory_order_relaxed) | also) & ~locked,
                std::memory_order_release);
  }

  void use_list() noexcept {
    const auto word = word_.load(std::memory_order_relaxed);
    if (word & listing) return;
    head_ = nullptr;
    telling_ = nullptr;
    teller_ = nullptr;
    word_.store(word | listing, std::memory_order_relaxed);
  }

  alignas(64) static constinit inline std::atomic<std::uint64_t> requests_anywhere_{1};

  StopScope* parent_;
  std::atomic<std::uint32_t> word_{0};
  std::atomic<std::uint32_t> id_{0};  // 0 until somebody asks
  StopHook* head_;
  StopHook* telling_;   // the hook that is being told
  const void* teller_;  // the thread whose request is under way here; null: none is
};

}  // namespace cohort::inline v0::detail
