// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Happens-before for the model checker: vector clocks and a race detector for plain data.
///
/// A clock is advanced by its own thread after every atomic operation and is carried to other
/// threads only by the memory orders that the code declares (Lamport 1978; Mattern 1989). The
/// detector keeps, for each address, the last write and the last read of every thread, and wants
/// each new access to be ordered after the conflicting old ones (as Djit+ and FastTrack do:
/// Flanagan & Freund, PLDI 2009).

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace cohort::model {

/// Slot 0 sets the scene and makes the final check; the others are the scenario's threads.
inline constexpr std::size_t max_threads = 8;

using ThreadId = std::uint8_t;
inline constexpr ThreadId nobody = 255;

class Clock {
 public:
  [[nodiscard]] std::uint32_t of(ThreadId thread) const noexcept { return ticks_[thread]; }
  [[nodiscard]] bool covers(ThreadId thread, std::uint32_t tick) const noexcept {
    return ticks_[thread] >= tick;
  }
  void set(ThreadId thread, std::uint32_t tick) noexcept { ticks_[thread] = tick; }
  void advance(ThreadId thread) noexcept { ++ticks_[thread]; }
  void join(const Clock& other) noexcept {
    for (std::size_t i = 0; i < max_threads; ++i) ticks_[i] = std::max(ticks_[i], other.ticks_[i]);
  }

 private:
  std::array<std::uint32_t, max_threads> ticks_{};
};

/// Two accesses that nothing orders. `where` is the number of the datum, by order of first use.
struct Race {
  std::uint32_t where = 0;
  ThreadId earlier = nobody;
  bool earlier_wrote = false;
  std::uint32_t earlier_tick = 0;
};

class RaceDetector {
 public:
  /// Each execution starts with a fresh epoch, so that nothing need be cleared.
  void reset() noexcept {
    ++epoch_;
    known_ = 0;
  }

  /// Returns a race with `earlier != nobody` when this access is unordered with an older one.
  Race access(const void* where, bool writes, ThreadId thread, const Clock& now) {
    Shadow& shadow = find(where);
    Race race{.where = shadow.number};
    if (shadow.writer != nobody && !now.covers(shadow.writer, shadow.written)) {
      race.earlier = shadow.writer;
      race.earlier_wrote = true;
      race.earlier_tick = shadow.written;
      return race;
    }
    if (!writes) {
      shadow.reads.set(thread, now.of(thread));
      return race;
    }
    for (ThreadId other = 0; other < max_threads; ++other) {
      if (now.covers(other, shadow.reads.of(other))) continue;
      race.earlier = other;
      race.earlier_tick = shadow.reads.of(other);
      return race;
    }
    shadow.writer = thread;
    shadow.written = now.of(thread);
    shadow.reads = Clock{};
    return race;
  }

  /// The address is given to a new object; what was there before does not matter.
  void forget(const void* where) {
    Shadow& shadow = find(where);
    shadow.writer = nobody;
    shadow.reads = Clock{};
  }

  std::uint32_t number_of(const void* where) { return find(where).number; }

 private:
  struct Shadow {
    const void* where = nullptr;
    std::uint64_t epoch = 0;
    std::uint32_t number = 0;
    std::uint32_t written = 0;
    ThreadId writer = nobody;
    Clock reads;
  };

  Shadow& find(const void* where) {
    if (2 * known_ >= table_.size()) grow();
    Shadow& shadow = slot(where);
    if (shadow.epoch != epoch_) {
      shadow = Shadow{};
      shadow.where = where;
      shadow.epoch = epoch_;
      shadow.number = ++known_;
    }
    return shadow;
  }

  // Open addressing; an entry of an old epoch is a free one.
  Shadow& slot(const void* where) {
    const std::size_t mask = table_.size() - 1;
    std::size_t at = std::hash<const void*>{}(where);
    at = (at ^ (at >> 7U)) & mask;
    while (table_[at].epoch == epoch_ && table_[at].where != where) at = (at + 1) & mask;
    return table_[at];
  }

  void grow() {
    std::vector<Shadow> old(std::max<std::size_t>(64, 2 * table_.size()));
    old.swap(table_);
    for (const Shadow& shadow : old) {
      if (shadow.epoch == epoch_) slot(shadow.where) = shadow;
    }
  }

  std::vector<Shadow> table_;
  std::uint64_t epoch_ = 1;
  std::uint32_t known_ = 0;
};

}  // namespace cohort::model
