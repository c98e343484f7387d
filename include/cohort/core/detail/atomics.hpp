// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The atomics policy. The lock-free cores are templates on it: `RealAtomics` in production; the
/// model checker in `tests/model` puts its own in its place and runs the same source.

#include <atomic>
#include <cstdint>
#include <thread>

#include "cohort/config.hpp"     // COHORT_CACHES_TLS_ADDRESSES
#include "cohort/os/select.hpp"  // wait words, barriers

namespace cohort::inline v0::detail {

struct RealAtomics {
  template <class T>
  using atomic = std::atomic<T>;

  /// A hint to the CPU inside a spin loop.
  static void pause() noexcept { COHORT_PAUSE(); }

  /// Gives up the CPU inside a spin loop whose other party may not be running.
  static void relax(unsigned round) noexcept {
    if (round % 64 == 63) {
      std::this_thread::yield();
    } else {
      pause();
    }
  }

  /// A store that no later load of this thread overtakes in the eyes of whoever calls
  /// `heavy_barrier` between its own store and load: Dekker's pattern with the whole cost on the
  /// rare side. Without the system's help it is an ordinary sequentially consistent store, and the
  /// loads that follow it must be sequentially consistent too.
  template <class T>
  static void store_before_loads(std::atomic<T>& word, T value) noexcept {
    if (os::asymmetric_barrier_known) {
      word.store(value, std::memory_order_release);
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      word.store(value, std::memory_order_seq_cst);
    }
  }
  static void heavy_barrier() noexcept { os::heavy_barrier(); }

  /// Tells threads apart, cheaply: an address that is this thread's, with room for three bits.
#if COHORT_CACHES_TLS_ADDRESSES
  COHORT_NOINLINE static const void* here() noexcept {
    const char* here = &thread_mark;
    asm volatile("" : "+r"(here) : : "memory");
    return here;
  }
#else
  static const void* here() noexcept { return &thread_mark; }
#endif

  /// Tell a checker that the plain data at the address is read or written now.
  static void reads(const void*) noexcept {}
  static void writes(const void*) noexcept {}

  static TimePoint now() noexcept { return Clock::now(); }
  /// Rises by 8192 in well under a millisecond; for "not again so soon".
  static std::uint64_t ticks() noexcept {
#if defined(COHORT_TICKS)
    return COHORT_TICKS();
#else
    return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
#endif
  }

  static void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                   TimePoint deadline = never) noexcept {
    os::wait_word(word, expected, deadline);
  }
  static void wake_one(const void* word) noexcept { os::wake_word_one(word); }
  static void wake_all(const void* word) noexcept { os::wake_word_all(word); }

 private:
  alignas(8) static inline thread_local constinit char thread_mark = 0;
};

}  // namespace cohort::inline v0::detail
