// SPDX-License-Identifier: BSL-1.0
#pragma once

/// StopScope: where a request to stop is made and from where it reaches every wait below.
///
/// Scopes form a tree that is walked upwards to ask (`stop_requested`) and downwards to tell
/// (`request_stop`). A scope joins its parent's list only when something first stands in its own,
/// so fork-join code that never waits pays for two stores and no lock. A scope that is attached has
/// all above it attached, too.

#include <atomic>
#include <cstdint>

#include "cohort/core/detail/atomics.hpp"  // relax, here
#include "cohort/core/detail/hook.hpp"     // on_stop

namespace cohort::inline v0::detail {

/// A hook that can stand in a scope's list. Its links belong to the scope's lock.
class StopHook : public Hook {
 private:
  friend class StopScope;
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
    if (word_.load(std::memory_order_relaxed) & attached) parent_->remove(*this);
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

  /// Whether this scope or one above it was asked to stop. Any thread. One that is attached is
  /// told, but after hooks that may take their time, so it asks all the way up, too.
  bool stop_requested() const noexcept {
    for (const StopScope* scope = this; scope; scope = scope->parent_) {
      if (scope->word_.load(std::memory_order_acquire) & stopped) return true;
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
    lock();
    if (word_.load(std::memory_order_relaxed) & stopped) {
      unlock();
      return false;
    }
    use_list();
    Firing firing;
    firing_ = &firing;
    word_.store(word_.load(std::memory_order_relaxed) | stopped, std::memory_order_relaxed);
    requests_anywhere_.fetch_add(1, std::memory_order_release);
    while (StopHook* hook = head_) {
      unlink(*hook);
      firing.hook = hook;
      unlock();
      hook->on_stop();
      lock();
      firing.hook = nullptr;
    }
    firing_ = nullptr;
    unlock();
    return true;
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
  bool add(StopHook& hook) noexcept {
    lock();
    if (parent_ && !(word_.load(std::memory_order_relaxed) & (attached | stopped))) {
      // The parent's lock inside the child's: always in this direction, never the other way,
      // because request_stop lets go of its lock before it calls a hook.
      unlock(parent_->add(*this) ? attached : stopped);
      lock();
    }
    const bool open = !stop_requested();
    hook.link_ = nullptr;
    if (open) {
      use_list();
      hook.next_ = head_;
      hook.link_ = &head_;
      if (head_) head_->link_ = &hook.next_;
      head_ = &hook;
    }
    unlock();
    return open;
  }

  /// Takes a hook out that was given to `add`. Afterwards `on_stop` is not running and never will, except when called
  /// from within it.
  void remove(StopHook& hook) noexcept {
    lock();
    if (hook.link_) {
      unlink(hook);
      unlock();
      return;
    }
    use_list();
    const bool mine = firing_ && firing_->thread == RealAtomics::here();
    for (unsigned round = 0; !mine && firing_ && firing_->hook == &hook; ++round) {
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
  static constexpr std::uint32_t listing = 8;   // head_ and firing_ are in use

  // A request under way: on the stack of the thread that made it.
  struct Firing {
    StopHook* hook = nullptr;
    const void* thread = RealAtomics::here();
  };

  void on_stop() noexcept override { request_stop(); }

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
    firing_ = nullptr;
    word_.store(word | listing, std::memory_order_relaxed);
  }

  alignas(64) static constinit inline std::atomic<std::uint64_t> requests_anywhere_{1};

  StopScope* parent_;
  std::atomic<std::uint32_t> word_{0};
  std::atomic<std::uint32_t> id_{0};  // 0 until somebody asks
  StopHook* head_;
  Firing* firing_;
};

}  // namespace cohort::inline v0::detail
