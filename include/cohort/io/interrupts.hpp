// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Interrupts: Ctrl-C and SIGTERM as an operation.
///
///     Interrupts interrupts;
///     auto first = co_await select(work(), interrupts.wait());

#include <atomic>
#include <thread>

#include "cohort/core/detail/basic_event.hpp"    // set after a signal
#include "cohort/core/detail/quiet_threads.hpp"  // the watcher
#include "cohort/core/operation.hpp"             // Operation
#include "cohort/error.hpp"                      // UsageError
#include "cohort/os/select.hpp"                  // catch_interrupts

namespace cohort::inline v0 {

/// While one lives, SIGINT and SIGTERM do not end the process but set it off; afterwards they do
/// what they do by default. One at a time in a process (UsageError). The handler only rings; a
/// thread of the object's own does the rest, so it may interrupt anything.
template <class = void>
class BasicInterrupts {
  using Core = detail::BasicEvent<detail::Gate>;

 public:
  BasicInterrupts() {
    BasicInterrupts* none = nullptr;
    if (!current().compare_exchange_strong(none, this)) {
      throw UsageError("there is an Interrupts object already: share that one");
    }
    watcher_ = std::thread([this] { watch(); });
    os::catch_interrupts(&handle);
  }
  ~BasicInterrupts() {
    os::catch_interrupts(nullptr);
    current().store(nullptr);
    ends_.store(true);
    bell_.wake();
    watcher_.join();
  }
  BasicInterrupts(const BasicInterrupts&) = delete;
  BasicInterrupts& operator=(const BasicInterrupts&) = delete;

  /// Waits for the first interrupt; returns at once when there was one, until clear().
  auto wait() { return Operation(detail::EventWait<Core>{&event_}); }
  bool interrupted() const noexcept { return event_.is_set(); }
  /// The signal's number, 0 if there was none.
  int signal() const noexcept { return signal_.load(std::memory_order_relaxed); }
  void clear() noexcept {
    signal_.store(0);
    event_.clear();
  }

 private:
  static std::atomic<BasicInterrupts*>& current() noexcept {
    static std::atomic<BasicInterrupts*> instance{nullptr};
    return instance;
  }
  static void handle(int signal) {
    if (BasicInterrupts* const self = current().load()) {
      self->signal_.store(signal);
      self->bell_.wake();
    }
  }
  void watch() noexcept {
    const detail::QuietSection quiet;
    while (!ends_.load()) {
      bell_.wait(detail::never);
      if (signal_.load() != 0) event_.set();
    }
  }

  Core event_;
  std::atomic<int> signal_{0};
  std::atomic<bool> ends_{false};
  os::Poller bell_;
  std::thread watcher_;
};
using Interrupts = BasicInterrupts<>;

}  // namespace cohort::inline v0
