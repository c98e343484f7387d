// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The warden: one thread of the library for each process that starts others or waits for them. It
/// makes the children, because what is to end with its parent ends with the thread that made it;
/// it hears of every end that concerns this process; and it puts in order what the dead have left.
///
/// Who watches whom: a process its children and its parent, and everybody those whose parent is
/// dead or unknown. So every member is watched by somebody, and a family of n needs 2n descriptors.
/// Whoever hears of a death puts things in order and rings all the bells; those who hear them look
/// whether somebody has become an orphan.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "cohort/core/detail/quiet_threads.hpp"  // QuietSection
#include "cohort/ipc/detail/family.hpp"          // Family
#include "cohort/ipc/detail/process_record.hpp"  // ProcessRecord
#include "cohort/ipc/detail/sweep.hpp"           // sweep

namespace cohort::inline v0::ipc::detail {

template <class>
class BasicWarden;

/// Makes one process. Lives until it is made.
template <class X = void>
class BasicCreation {
  using ProcessRecord = BasicProcessRecord<X>;

 public:
  /// On the warden's thread, which takes no signals. Does not return in a forked child. Throws
  /// std::system_error.
  virtual os::ProcessId make() = 0;

 protected:
  ~BasicCreation() = default;

 private:
  template <class>
  friend class BasicWarden;
  std::shared_ptr<ProcessRecord> record_;
  Member member_;
  std::error_code error_;
  std::string call_;
  std::atomic<std::uint32_t> done_{0};
};
using Creation = BasicCreation<>;

template <class X = void>
class BasicWarden {
  using ProcessRecord = BasicProcessRecord<X>;
  using Creation = BasicCreation<X>;

 public:
  static BasicWarden& get() {
    static BasicWarden* const warden = new BasicWarden;  // never destroyed
    return *warden;
  }

  /// Has the child made, and watches it; `member`: what it will be in the family, if anything.
  /// Throws std::system_error, and nothing has happened.
  void create(Creation& creation, std::shared_ptr<ProcessRecord> record, Member member) {
    creation.record_ = std::move(record);
    creation.member_ = member;
    {
      const std::lock_guard lock(mutex_);
      start();
      creations_.push_back(&creation);
    }
    os::set_flag(flag_);
    while (creation.done_.load(std::memory_order_acquire) == 0) {
      os::wait_word(creation.done_, 0, cohort::detail::never);
    }
    if (creation.error_) throw std::system_error(creation.error_, creation.call_);
  }

  /// The children that have not ended, in the order in which they were started.
  std::vector<std::shared_ptr<ProcessRecord>> children() {
    std::vector<std::shared_ptr<ProcessRecord>> living;
    {
      const std::lock_guard lock(mutex_);
      for (const Watched& watched : watched_) {
        if (watched.record->kind() == ProcessRecord::Kind::child) living.push_back(watched.record);
      }
    }
    std::erase_if(living, [](const auto& record) { return record->look(); });
    return living;
  }

  /// From now on this process hears of the deaths that concern it; and looks for orphans now.
  void watch_over_family() {
    {
      const std::lock_guard lock(mutex_);
      start();
    }
    rescan_.store(true, std::memory_order_release);
    os::set_flag(flag_);
  }

  /// Has somebody watched who is no child.
  void watch_too(std::shared_ptr<ProcessRecord> record) {
    {
      const std::lock_guard lock(mutex_);
      start();
      to_watch_.push_back(std::move(record));
    }
    os::set_flag(flag_);
  }

  /// The same for a helper, on the warden's thread.
  void watch_helper(std::shared_ptr<ProcessRecord> record) { watch(std::move(record), Member{}); }

  /// Marks it as dead, and has it swept soon.
  void report(Member member) {
    mark_dead(member);
    {
      const std::lock_guard lock(mutex_);
      start();
    }
    sweep_.store(true, std::memory_order_release);
    os::set_flag(flag_);
  }

 private:
  struct Watched {
    std::shared_ptr<ProcessRecord> record;
    Member member;
    std::uint64_t key;
    bool is_polled;
  };

  BasicWarden() = default;

  static bool& is_warden() noexcept {
    static thread_local constinit bool here = false;
    return here;
  }
  // In a child that the warden's thread has forked: the descriptors are not its own.
  void forget() noexcept {
    for (Watched& watched : watched_) watched.record->disown();
    set_.reset();
    flag_.close();
  }

  void start() {
    if (started_) return;
    static const bool once = (Family::get().on_fork([] {
      cohort::detail::quiet_threads.store(0, std::memory_order_relaxed);
      BasicWarden& inherited = get();
      if (std::exchange(is_warden(), false)) inherited.forget();
      new (&inherited) BasicWarden;  // no thread of the parent is here
    }),
                              true);
    static_cast<void>(once);
    set_ = std::make_unique<os::DescriptorSet>();
    flag_ = os::make_flag();
    set_->add(flag_.get(), 0);
    os::start_library_thread(
        [](void* self) -> void* {
          static_cast<BasicWarden*>(self)->run();
          return nullptr;
        },
        this);
    started_ = true;
  }

  [[noreturn]] void run() noexcept {
    const cohort::detail::QuietSection quiet;
    is_warden() = true;
    for (;;) {
      while (Creation* const creation = next_creation()) serve(*creation);
      watch_others();
      const bool polls = poll();
      if (rescan_.exchange(false, std::memory_order_acquire)) rescan();
      if (sweep_.exchange(false, std::memory_order_acquire)) sweep_all();
      std::uint64_t keys[16];
      const std::size_t n =
          set_->wait(keys, 16, polls ? Clock::now() + poll_interval : cohort::detail::never);
      for (std::size_t i = 0; i < n; ++i) {
        if (keys[i] == 0) {
          os::clear_flag(flag_);
        } else {
          look(keys[i]);
        }
      }
    }
  }

  void watch_others() noexcept {
    std::vector<std::shared_ptr<ProcessRecord>> others;
    {
      const std::lock_guard lock(mutex_);
      others.swap(to_watch_);
    }
    for (auto& record : others) watch(std::move(record), Member{});
  }

  Creation* next_creation() noexcept {
    const std::lock_guard lock(mutex_);
    if (creations_.empty()) return nullptr;
    Creation* const creation = creations_.front();
    creations_.erase(creations_.begin());
    return creation;
  }

  void serve(Creation& creation) noexcept {
    try {
      const os::ProcessId pid = creation.make();
      if (creation.member_) Family::get().make_live(creation.member_, pid);
      creation.record_->begin(pid, os::open_process(pid));
      watch(std::move(creation.record_), creation.member_);
    } catch (const std::system_error& error) {
      creation.error_ = error.code();
      creation.call_ = error.what();
      const auto colon = creation.call_.rfind(": ");
      if (colon != std::string::npos) creation.call_.resize(colon);
    } catch (...) {
      creation.error_ = std::make_error_code(std::errc::not_enough_memory);
    }
    // The creation may be gone as soon as this is seen.
    auto* const done = &creation.done_;
    done->store(1, std::memory_order_release);
    os::wake_word_all(done);
  }

  void watch(std::shared_ptr<ProcessRecord> record, Member member) {
    const std::uint64_t key = ++last_key_;
    const bool listens = record->has_descriptor() && set_->add(record->descriptor(), key);
    const std::lock_guard lock(mutex_);
    watched_.push_back({std::move(record), member, key, !listens});
  }

  // One of them may have ended.
  void look(std::uint64_t key) noexcept {
    for (Watched& watched : watched_) {
      if (watched.key != key) continue;
      if (watched.record->look()) return bury(watched);
      set_->remove(watched.record->descriptor());  // somebody traces it and has not let go yet
      watched.is_polled = true;
      return;
    }
  }
  // Looks at those of whom nobody tells. True if there are any.
  bool poll() noexcept {
    bool any = false;
    for (std::size_t i = 0; i < watched_.size();) {
      if (watched_[i].is_polled && watched_[i].record->look()) {
        bury(watched_[i]);
      } else {
        any = any || watched_[i].is_polled;
        ++i;
      }
    }
    return any;
  }
  void bury(Watched& watched) noexcept {
    if (!watched.is_polled) set_->remove(watched.record->descriptor());
    const Member member = watched.member;
    {
      std::shared_ptr<ProcessRecord> record;
      const std::lock_guard lock(mutex_);
      record = std::move(watched.record);
      watched_.erase(watched_.begin() + (&watched - watched_.data()));
    }
    if (!member) return;
    mark_dead(member);
    sweep_.store(true, std::memory_order_relaxed);
    rescan_.store(true, std::memory_order_relaxed);
    os::set_flag(flag_);
  }

  // Those whose end this process should hear of and does not yet.
  void rescan() noexcept {
    Family& family = Family::get();
    const Member me = family.me();
    const Member parent{family.slot(me).parent.load(std::memory_order_acquire)};
    for (std::uint32_t i = 1; i < max_members; ++i) {
      MemberSlot& slot = family.header().members[i];
      const auto word = slot.word.load(std::memory_order_acquire);
      const Member member{(word >> 8) << 16 | i};
      const Member its_parent{slot.parent.load(std::memory_order_acquire)};
      const bool orphan = !its_parent || family.state_of(its_parent) != MemberSlot::live;
      if (member == me || !(member == parent || orphan)) continue;
      if ((word & 0xff) == MemberSlot::claimed && its_parent && orphan) {
        mark_dead(member);  // its creator died before it made it
        sweep_.store(true, std::memory_order_relaxed);
      }
      if ((word & 0xff) == MemberSlot::live && !is_watched(member)) watch_member(member, slot);
    }
    if (sweep_.load(std::memory_order_relaxed)) os::set_flag(flag_);
  }
  bool is_watched(Member member) const noexcept {
    for (const Watched& watched : watched_) {
      if (watched.member == member) return true;
    }
    return false;
  }
  void watch_member(Member member, MemberSlot& slot) noexcept {
    try {
      const auto pid = slot.pid.load(std::memory_order_acquire);
      const auto started = slot.started.load(std::memory_order_relaxed);
      auto record = std::make_shared<ProcessRecord>("", pid, started, os::open_process(pid));
      watch(record, member);
      // It may have ended before it could be watched, and its id be another's by now.
      if (record->look()) bury(watched_.back());
    } catch (...) {  // no memory: others will see it
    }
  }

  static void mark_dead(Member member) noexcept {
    auto& word = Family::get().slot(member).word;
    for (const auto state : {MemberSlot::live, MemberSlot::claimed}) {
      auto expected = member.generation() << 8 | state;
      word.compare_exchange_strong(expected, member.generation() << 8 | MemberSlot::dead,
                                   std::memory_order_acq_rel);
    }
  }

  // Puts in order what the dead have left. Whoever dies in the middle leaves it to be done again.
  static void sweep_all() noexcept {
    Family& family = Family::get();
    Header& header = family.header();
    bool any = false;
    header.sweep_lock.lock();
    for (std::uint32_t i = 1; i < max_members; ++i) {
      const auto word = header.members[i].word.load(std::memory_order_acquire);
      if ((word & 0xff) != MemberSlot::dead) continue;
      const Member dead{(word >> 8) << 16 | i};
      sweep(dead);
      family.unclaim_member(dead);
      any = true;
    }
    if (any) header.deaths.fetch_add(1, std::memory_order_acq_rel);
    header.sweep_lock.unlock();
    if (any) family.ring_all();
  }

  static constexpr auto poll_interval = std::chrono::milliseconds(20);

  std::mutex mutex_;
  bool started_ = false;
  std::vector<Creation*> creations_;
  std::vector<std::shared_ptr<ProcessRecord>> to_watch_;
  // Changed by the warden's thread only, under the mutex; so it may read without.
  std::vector<Watched> watched_;
  std::uint64_t last_key_ = 0;
  std::unique_ptr<os::DescriptorSet> set_;
  os::Descriptor flag_;
  std::atomic<bool> rescan_{true};
  std::atomic<bool> sweep_{false};
};
using Warden = BasicWarden<>;

template <class>
void see_death(Member member) noexcept {
  try {
    Warden::get().report(member);
  } catch (...) {  // no thread to be had: whoever finds it next tries again
  }
}

}  // namespace cohort::inline v0::ipc::detail
