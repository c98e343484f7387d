// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ThreadRef: refers to a thread, also after its end; and which threads there are.
///
///     std::cout << current_thread().name() << '\n';
///     for (const ThreadRef& thread : enumerate()) …

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cohort/exec/detail/thread_life.hpp"  // ThreadLife, ThreadRegistry
#include "cohort/exec/detail/worker_life.hpp"  // the verbs: name, is_alive, join

namespace cohort::inline v0 {

/// Copyable; compares equal to others and to the Thread that it refers to. The verbs, `name
/// set_name daemon is_alive ident join`, are those of Thread, for any thread at any time.
class ThreadRef : public detail::WorkerHandle<detail::ThreadLife> {
  using Base = detail::WorkerHandle<detail::ThreadLife>;

 public:
  /// Refers to none: the verbs throw UsageError.
  ThreadRef() = default;
  /// Of a Thread.
  ThreadRef(const Base& thread) noexcept : Base(thread) {}  // NOLINT: meant to convert
  /// For the library.
  explicit ThreadRef(std::shared_ptr<detail::ThreadLife> life) noexcept : Base(std::move(life)) {}
};

/// The thread that calls. One that no Thread has started, as those of a ThreadPool, is named
/// `Dummy-N` and stands in no list.
template <class Life = detail::ThreadLife>
ThreadRef current_thread() {
  if (Life* const life = Life::here()) return ThreadRef(life->shared_from_this());
  static constinit std::atomic<std::size_t> last{0};
  const auto life = std::make_shared<Life>(
      "Dummy-" + std::to_string(last.fetch_add(1, std::memory_order_relaxed) + 1));
  life->adopt_this_thread();
  return ThreadRef(life);
}

/// The thread that runs `main`; in a fork's child the one that forked. It has ended, and its joins
/// return, when `main` has returned.
template <class Registry = detail::ThreadRegistry>
ThreadRef main_thread() {
  return ThreadRef(Registry::get().main());
}

/// The threads that a Thread has started and that have not ended, and the main thread.
template <class Registry = detail::ThreadRegistry>
std::vector<ThreadRef> enumerate() {
  return Registry::get().template living<ThreadRef>();
}

/// How many those are.
template <class Registry = detail::ThreadRegistry>
std::size_t active_count() {
  return Registry::get().size();
}

}  // namespace cohort::inline v0
