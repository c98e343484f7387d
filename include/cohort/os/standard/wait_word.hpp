// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Wait words from the standard library alone: a word sleeps in one of 64 buckets of mutex and
/// condition variable, chosen by its address, as in WebKit's ParkingLot.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "cohort/os/deadline.hpp"  // TimePoint, never

namespace cohort::inline v0::os {

namespace standard {

struct Bucket {
  std::mutex mutex;
  std::condition_variable condition;
};

inline Bucket& bucket_of(const void* word) noexcept {
  // Never destroyed: words may be woken while the program's static objects are being torn down.
  static Bucket* const buckets = new Bucket[64];
  return buckets[(reinterpret_cast<std::uintptr_t>(word) >> 4) % 64];
}

}  // namespace standard

inline void wait_word(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                      TimePoint deadline) noexcept {
  auto& bucket = standard::bucket_of(&word);
  std::unique_lock lock(bucket.mutex);
  if (word.load(std::memory_order_seq_cst) != expected) return;
  if (deadline == detail::never) {
    bucket.condition.wait(lock);
  } else {
    bucket.condition.wait_until(lock, deadline);
  }
}

inline void wake_word_all(const void* word) noexcept {
  auto& bucket = standard::bucket_of(word);
  // Through the mutex, so that nobody is between looking at the word and sleeping.
  { const std::lock_guard lock(bucket.mutex); }
  bucket.condition.notify_all();
}
// The bucket may hold sleepers on other words, so waking one means waking all.
inline void wake_word_one(const void* word) noexcept { wake_word_all(word); }

inline bool asymmetric_barrier() noexcept { return false; }
inline constexpr bool asymmetric_barrier_known = false;
inline void heavy_barrier() noexcept {}

inline unsigned cpu_count() noexcept {
  const unsigned n = std::thread::hardware_concurrency();
  return n > 0 ? n : 1;
}

}  // namespace cohort::inline v0::os
