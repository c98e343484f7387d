// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The memory that a pool shares with one of its workers: tasks in, answers out, and who sleeps.
///
/// Tasks and answers stand in rings of places, each written by one side and read by the other, so
/// that neither needs a lock and nothing of a worker that dies is left half done: what it has
/// published is whole, and a task's word says whether it was begun. The pool may take back what was
/// not. Bytes that a place has no room for lie in a block of their own.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <utility>

#include "cohort/core/detail/atomics.hpp"  // relax
#include "cohort/ipc/array.hpp"            // shared memory
#include "cohort/ipc/detail/heap.hpp"      // Heap
#include "cohort/os/select.hpp"            // wait_shared

namespace cohort::inline v0::detail {

/// Where one thread sleeps until another, of whatever process, rings.
class Doorbell {
 public:
  enum Sleep : std::uint32_t {
    awake,
    asleep,   // everybody rings
    napping,  // only those who have no more to say; the sleeper wakes soon by itself
  };
  /// Returns early if `ready()` or without reason.
  template <class Ready>
  void sleep(Sleep how, TimePoint until, Ready ready) noexcept {
    word_.store(how, std::memory_order_seq_cst);
    if (!ready()) os::wait_shared(word_, how, until);
    word_.store(awake, std::memory_order_relaxed);
  }
  /// After what the sleeper waits for was stored, sequentially consistent like all here.
  void ring(bool also_napping = true) noexcept {
    const auto how = word_.load(std::memory_order_seq_cst);
    if (how == awake || (how == napping && !also_napping)) return;
    if (word_.exchange(awake, std::memory_order_seq_cst) != awake) os::wake_shared(word_);
  }
  /// After the death of one who may have rung: he may not have come to wake the sleeper, whom everybody
  /// else takes for awake since.
  void ring_again() noexcept {
    word_.store(awake, std::memory_order_seq_cst);
    os::wake_shared(word_);
  }

 private:
  std::atomic<std::uint32_t> word_{awake};
};

/// Bytes in a ring.
struct LanePlace {
  static constexpr std::size_t room = 88;  // with what is before it 128 bytes

  std::uint64_t task = 0;  // of an answer: which task's; 0: the worker itself has failed
  std::uint64_t size = 0;
  std::uint64_t first = 0;      // of a chunk of elements: from which on it is to be done
  ipc::detail::Offset far = 0;  // where the bytes are, if not here
  std::atomic<std::uint32_t> word{0};
  std::uint32_t last = 0;  // of an answer: nothing follows of this task
  std::byte near[room];

  std::span<const std::byte> bytes() const noexcept {
    if (!far) return {near, static_cast<std::size_t>(size)};
    return {ipc::detail::Family::get().base() + far, static_cast<std::size_t>(size)};
  }
  /// Throws std::system_error if the shared memory is full.
  void put(std::span<const std::byte> from) {
    far = 0;
    size = from.size();
    if (size > room) far = ipc::detail::Heap::allocate(size, ipc::detail::Kind::bytes);
    std::byte* const to = far ? ipc::detail::Family::get().base() + far : near;
    if (!from.empty()) std::memcpy(to, from.data(), from.size());
  }
  void free() noexcept {
    if (far) ipc::detail::Heap::free(std::exchange(far, 0));
  }
};
static_assert(sizeof(LanePlace) == 128);

struct Lane {
  static constexpr std::uint64_t places = 512;
  // What a task's word says.
  static constexpr std::uint32_t given = 1;
  static constexpr std::uint32_t begun = 2;
  static constexpr std::uint32_t revoked = 3;

  using Count = std::atomic<std::uint64_t>;
  // Written by the pool.
  alignas(64) Count tasks_given{0};
  Count answers_read{0};
  Count stop_wanted{0};  // the number, from 1, of the task that shall stop
  std::atomic<bool> closed{false};
  // Written by the worker.
  alignas(64) Count tasks_taken{0};
  Count answers_given{0};
  std::atomic<ipc::detail::Offset> departing{0};  // a block that is about to become the pool's
  std::atomic<std::uint32_t> departing_generation{0};
  // Where the worker's main thread and its listener sleep.
  alignas(64) Doorbell worker;
  Doorbell listener;
  alignas(64) LanePlace tasks[places];
  alignas(64) LanePlace answers[places];

  LanePlace& task(std::uint64_t number) noexcept { return tasks[number % places]; }
  LanePlace& answer(std::uint64_t number) noexcept { return answers[number % places]; }
};

/// What lies in shared memory, and travels as an argument to a process.
using SharedBytes = ipc::Array<std::byte>;
template <class T>
SharedBytes make_shared_place() {
  return SharedBytes(sizeof(T) + alignof(T));
}
template <class T>
T& shared_place(const SharedBytes& bytes) noexcept {
  auto address = reinterpret_cast<std::uintptr_t>(bytes.begin());
  address = (address + alignof(T) - 1) / alignof(T) * alignof(T);
  return *reinterpret_cast<T*>(address);
}
/// By whoever made it, once.
template <class T>
T& begin_shared_place(const SharedBytes& bytes) noexcept {
  return *new (&shared_place<T>(bytes)) T;
}

/// What the pool's thread and all workers share.
struct alignas(64) PoolBell {
  Doorbell bell;
};

}  // namespace cohort::inline v0::detail
