// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The end of each thread, which is the main thread, and what is known of the calling one.

#include <atomic>
#include <cstdint>
#include <thread>

#include "cohort/config.hpp"     // COHORT_NOINLINE
#include "cohort/os/select.hpp"  // around_fork

namespace cohort::inline v0::detail {

class WorkerLife;

/// A thread's first object with a destructor, so the last to go: after it nothing of the thread's
/// own code runs any more. On the main thread it goes before all static objects, whose destructors
/// must not find threads that still use them.
struct ThreadEnd {
  ThreadEnd() = default;
  ~ThreadEnd() {
    if (const auto call = ends.load(std::memory_order_acquire)) call();
  }
  ThreadEnd(const ThreadEnd&) = delete;
  ThreadEnd& operator=(const ThreadEnd&) = delete;
  std::atomic<void (*)() noexcept> ends{nullptr};
};

/// The calling thread's.
COHORT_NOINLINE inline ThreadEnd* thread_end() {
  static thread_local ThreadEnd end;
  ThreadEnd* pointer = &end;
#if COHORT_CACHES_TLS_ADDRESSES
  asm volatile("" : "+r"(pointer) : : "memory");
#endif
  return pointer;
}

// The main thread is the one that initialises static objects; in a fork's child the one that
// forked. This is all that a program pays which starts no thread.
inline ThreadEnd* main_thread_end = thread_end();
inline std::thread::id main_thread_id = std::this_thread::get_id();
inline constinit std::uint32_t fork_count = 0;  // from the first process to this one
inline const bool forks_are_seen = os::around_fork(nullptr, nullptr, [] {
  main_thread_end = thread_end();
  main_thread_id = std::this_thread::get_id();
  ++fork_count;
});

// A pointer, because it is asked for even by the destructors of static objects.
inline thread_local constinit WorkerLife* this_thread_life_pointer = nullptr;
/// What the calling thread is known as, if it is.
COHORT_NOINLINE inline WorkerLife** this_thread_life() noexcept {
  WorkerLife** slot = &this_thread_life_pointer;
#if COHORT_CACHES_TLS_ADDRESSES
  asm volatile("" : "+r"(slot) : : "memory");
#endif
  return slot;
}

}  // namespace cohort::inline v0::detail
