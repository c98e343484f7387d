// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A wait at a shared gate, as its own process sees it: a place that an Operation can stand on, and
/// the table of all such places, through which a thread of the library, the bell's, finds the
/// coroutine that another process has served. A blocked thread is woken directly.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cohort/core/coroutine.hpp"          // current_context
#include "cohort/core/waiter.hpp"             // Waiter
#include "cohort/ipc/detail/shared_gate.hpp"  // SharedWaiter
#include "cohort/ipc/detail/warden.hpp"       // hears of deaths

namespace cohort::inline v0::ipc::detail {

/// A place in this process's table. Those that are listed are alive.
template <class = void>
class BasicLocalPlace : public cohort::detail::Waiter {
 public:
  /// Something has become of it, or may have. With the table's lock; yields what is to be called
  /// without it.
  virtual cohort::detail::Wakeup look() noexcept = 0;

 protected:
  using cohort::detail::Waiter::Waiter;
  ~BasicLocalPlace() = default;
};
using LocalPlace = BasicLocalPlace<>;

/// The places of this process. Never destroyed.
template <class X = void>
class BasicWaitTable {
  using LocalPlace = BasicLocalPlace<X>;

 public:
  // Made without a guard, which a fork could leave taken for ever in its child.
  static BasicWaitTable& get() {
    auto* table = instance_.load(std::memory_order_acquire);
    if (table) return *table;
    Family::get().on_fork([] {  // no thread of the parent is here, and none holds the lock
      if (auto* const inherited = instance_.load(std::memory_order_acquire)) {
        new (inherited) BasicWaitTable;
      }
    });
    auto* const fresh = new BasicWaitTable;
    if (instance_.compare_exchange_strong(table, fresh, std::memory_order_acq_rel)) return *fresh;
    delete fresh;
    return *table;
  }

  std::mutex& mutex() noexcept { return mutex_; }

  /// An index of its own; the bell rings from now on.
  std::uint32_t reserve() {
    const std::lock_guard lock(mutex_);
    if (!started_) start();
    if (free_.empty()) {
      if (places_.size() == WakeBits::count) {
        throw Error("more than " + std::to_string(WakeBits::count) +
                    " waits of one process for other processes at the same time");
      }
      places_.push_back(nullptr);
      free_.reserve(places_.size());
      return static_cast<std::uint32_t>(places_.size() - 1);
    }
    const auto index = free_.back();
    free_.pop_back();
    return index;
  }
  // With the lock.
  void list(std::uint32_t index, LocalPlace& place) noexcept { places_[index] = &place; }
  void unlist(std::uint32_t index) noexcept { places_[index] = nullptr; }
  void give_back(std::uint32_t index) noexcept {
    const std::lock_guard lock(mutex_);
    free_.push_back(index);
  }

  /// One of the family has died, and what it held was put in order: what it did not come to deliver.
  void look_at_all() noexcept {
    for (std::uint32_t i = 0; look_at(i); ++i) {}
  }

 private:
  bool look_at(std::uint32_t index) noexcept {
    cohort::detail::Wakeup wakeup;
    {
      const std::lock_guard lock(mutex_);
      if (index >= places_.size()) return false;
      if (LocalPlace* const place = places_[index]) wakeup = place->look();
    }
    wakeup();
    return true;
  }

  void start() {
    Family& family = Family::get();
    MemberSlot& slot = family.slot(family.me());
    // They stay the slot's for good: somebody may be about to set one for a process that has died.
    Offset wakes = slot.wakes.load(std::memory_order_acquire);
    if (!wakes) {
      wakes = Heap::allocate(sizeof(WakeBits), Kind::bytes);
      new (&family.at<WakeBits>(wakes)) WakeBits{};
      slot.wakes.store(wakes, std::memory_order_release);
      Heap::share(wakes);  // or who sweeps here does
    }
    slot.bell.store(0, std::memory_order_relaxed);
    Warden::get().watch_over_family();
    os::start_library_thread(
        [](void* self) -> void* {
          static_cast<BasicWaitTable*>(self)->listen();
          return nullptr;
        },
        this);
    started_ = true;
  }

  [[noreturn]] void listen() noexcept {
    const cohort::detail::QuietSection harmless;
    const Family& family = Family::get();
    MemberSlot& slot = family.slot(self());
    auto& wakes = family.at<WakeBits>(slot.wakes.load(std::memory_order_acquire));
    std::uint32_t epoch = 0;
    std::uint32_t deaths = 0;
    for (;;) {
      slot.bell.store(0, std::memory_order_seq_cst);
      const auto epoch_now = family.header().epoch.load(std::memory_order_seq_cst);
      const auto deaths_now = family.header().deaths.load(std::memory_order_seq_cst);
      if (epoch != epoch_now || deaths != deaths_now) look_for_orphans();
      if (deaths != deaths_now) look_at_all();
      epoch = epoch_now;
      deaths = deaths_now;
      for (std::uint32_t s = 0; s < WakeBits::count / 4096; ++s) {
        auto words = wakes.summary[s].exchange(0, std::memory_order_acq_rel);
        for (; words != 0; words &= words - 1) {
          const auto w = 64 * s + static_cast<std::uint32_t>(std::countr_zero(words));
          auto bits = wakes.bits[w].exchange(0, std::memory_order_acq_rel);
          for (; bits != 0; bits &= bits - 1) {
            look_at(64 * w + static_cast<std::uint32_t>(std::countr_zero(bits)));
          }
        }
      }
      std::uint32_t unrung = 0;
      if (slot.bell.compare_exchange_strong(unrung, 1, std::memory_order_seq_cst)) {
        os::wait_shared(slot.bell, 1, cohort::detail::never);
      }
    }
  }

  static void look_for_orphans() noexcept {
    try {
      Warden::get().watch_over_family();
    } catch (...) {  // it runs already
    }
  }

  static inline constinit std::atomic<BasicWaitTable*> instance_{nullptr};
  std::mutex mutex_;
  std::vector<LocalPlace*> places_;
  std::vector<std::uint32_t> free_;
  bool started_ = false;
};
using WaitTable = BasicWaitTable<>;

/// Where an operation stands that waits at a shared machine: BasicSemaphore<SharedGate> and such.
template <class Machine>
class SharedPlace : public LocalPlace {
 public:
  using Node = typename Machine::Waiter;
  explicit SharedPlace(cohort::detail::Wait& wait) noexcept : LocalPlace(wait) {}
  SharedPlace(const SharedPlace&) = delete;
  SharedPlace& operator=(const SharedPlace&) = delete;
  ~SharedPlace() {
    if (!node_) return;
    if (armed_) {
      node_->let_go();
    } else {
      Heap::free(Family::get().offset_of(node_));
    }
    WaitTable::get().give_back(index_);
  }

  /// All that may fail, before it stands in line; true if it had to be done. Throws
  /// std::system_error if the shared memory is full.
  /// `alone`: a thread may sleep on this place's word; of several it sleeps on its own.
  bool prepare(Machine& machine, void* object, bool alone = true) {
    if (node_) return false;
    machine_ = &machine;
    const auto* const context = cohort::detail::current_context();
    thread_ = alone && !(context && context->current);
    index_ = WaitTable::get().reserve();
    try {
      const Offset at = Heap::allocate(sizeof(Node), Kind::waiter);
      Family& family = Family::get();
      node_ = new (&family.at<Node>(at)) Node(self(), family.offset_of(object), index_, thread_);
    } catch (...) {
      WaitTable::get().give_back(index_);
      throw;
    }
    return true;
  }
  Node& node() noexcept { return *node_; }
  bool was_prepared() const noexcept { return node_ != nullptr; }

  void arm() noexcept {
    {
      const std::lock_guard lock(WaitTable::get().mutex());
      if (gone_) return;  // it was late or stopped on its way here
      armed_ = true;
      node_->begin();
      WaitTable::get().list(index_, *this);
    }
    machine_->arm(*node_);
    settle();
  }
  /// True: it was granted all the same. Perhaps while `arm` is under way, in another thread, or
  /// before it; a second time it says the same again.
  bool disarm() noexcept {
    {
      const std::lock_guard lock(WaitTable::get().mutex());
      if (std::exchange(gone_, true)) return granted_;
      if (!armed_) return false;
      WaitTable::get().unlist(index_);
    }
    const bool cancelled = machine_->disarm(*node_);
    if (thread_) Delivery::wake_state(node_->word());
    return granted_ = !cancelled;
  }
  /// For whoever has been nudged or woken. True: it shall come again soon.
  bool retry() noexcept {
    if (settle() || !node_->was_nudged()) return false;
    const bool again = machine_->retry(*node_);
    if (settle()) return false;
    if (!again) node_->calm();
    return again;
  }
  /// A blocked thread sleeps here; may return early.
  void sleep(TimePoint deadline) noexcept {
    const auto word = node_->word().load(std::memory_order_acquire);
    if (node_->decided() || node_->was_nudged()) return;
    os::wait_shared(Delivery::word_of(node_->word()), static_cast<std::uint32_t>(word), deadline);
  }
  /// Of several places of one wait: whether it was this one.
  bool was_granted() const noexcept { return granted_; }

 private:
  // Ends the wait if it was granted; true if it was.
  bool settle() noexcept {
    if (node_->state() != SharedWaiter::granted) return false;
    {
      const std::lock_guard lock(WaitTable::get().mutex());
      if (!claim_if_granted()) return true;
    }
    publish();
    return true;
  }
  // With the table's lock. Neither the bell's thread nor this one has done it yet.
  bool claim_if_granted() noexcept {
    if (granted_ || !wait().claim()) return false;
    granted_ = true;
    WaitTable::get().unlist(index_);
    return true;
  }
  void publish() noexcept {
    wait().commit();
    wait().publish(cohort::detail::Outcome::granted);
  }

  cohort::detail::Wakeup look() noexcept override {
    if (thread_) {  // it looks itself
      Delivery::wake_state(node_->word());
      return {};
    }
    if (node_->state() == SharedWaiter::granted) {
      if (!claim_if_granted()) return {};
      return {[](void* self) noexcept { static_cast<SharedPlace*>(self)->publish(); }, this};
    }
    if (!node_->was_nudged()) return {};
    if (const cohort::detail::Wakeup wakeup = wait().nudge(); wakeup.call) return wakeup;
    // It is about to sleep, or another race's leg of it looks: then it shall be given what is there.
    node_->calm();
    machine_->serve_now();
    return {};
  }

  Machine* machine_ = nullptr;
  Node* node_ = nullptr;
  std::uint32_t index_ = 0;
  bool thread_ = false;
  bool armed_ = false;
  bool gone_ = false;  // it shall not be armed any more
  bool granted_ = false;
};

}  // namespace cohort::inline v0::ipc::detail
