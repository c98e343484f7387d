// SPDX-License-Identifier: BSL-1.0
#pragma once

/// InlineExecutor: `submit` finishes on the caller before it returns. For tests, and where a
/// template wants an Executor and one thread is right.

#include "cohort/exec/event_loop.hpp"  // runs coroutine functions
#include "cohort/exec/run.hpp"         // block of a PoolTask

namespace cohort::inline v0 {

/// Stateless but for the shut-down flag. Any thread.
class InlineExecutor : public detail::PoolFace<InlineExecutor> {
 public:
  /// Runs `fn(args…)` now, to its end; the future is done. Throws ShutDown after shutdown().
  template <class Fn, class... Args>
  requires detail::Callable<Fn, Args...> Future<detail::launched_t<Fn, Args...>> submit(
      Fn&& fn, Args&&... args) {
    if (closed_.load(std::memory_order_acquire)) {
      throw ShutDown("this InlineExecutor was shut down: it takes no more work");
    }
    EventLoop loop(&stop_);
    auto future = loop.submit(std::forward<Fn>(fn), std::forward<Args>(args)...);
    loop.run();
    return future;
  }
  std::size_t concurrency() const noexcept { return 1; }
  /// For the library: asks what runs in a call of submit to stop.
  void stop_tasks() noexcept { stop_.request_stop(); }
  /// Takes no more work; done at once.
  auto shutdown() {
    closed_.store(true, std::memory_order_release);
    done_.set();
    return detail::drained(done_, nullptr);
  }
  using PoolFace::shutdown;

 private:
  detail::StopScope stop_;
  std::atomic<bool> closed_{false};
  detail::BasicEvent<detail::Gate> done_;
};

}  // namespace cohort::inline v0
