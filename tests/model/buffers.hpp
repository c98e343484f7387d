// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The store buffers of total store order.
///
/// A buffered store is not moved at every possible moment. It arrives, at the latest, when another
/// thread looks at its cell; only there, and only if its own thread has read memory since (else the
/// same is seen by running that thread later), does the chooser say whether it is kept back. Where
/// stores of two threads to one cell are under way, their order is chosen, too. `litmus_test.cpp`
/// compares the results with those of a simulation that moves stores at any time.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "cell.hpp"       // Cell, Message
#include "chooser.hpp"    // Question
#include "scheduler.hpp"  // Scheduler

namespace cohort::model {

class StoreBuffers : public Scheduler {
 protected:
  struct Pending {
    Cell* cell;
    Message message;
    bool passed;           // its thread has read memory since
    std::uint8_t refused;  // how often it was kept back
  };

  void buffer(Cell& cell, Message message) {
    buffers_[current()].push_back({&cell, std::move(message), false, 0});
  }

  void drop(const Cell& cell) {
    for (auto& buffer : buffers_) {
      std::erase_if(buffer, [&](const Pending& pending) { return pending.cell == &cell; });
    }
  }

  void forget_buffers() noexcept {
    for (auto& buffer : buffers_) buffer.clear();
  }

  const Pending* own_pending(const Cell& cell) const {
    const auto& buffer = buffers_[current()];
    for (auto i = buffer.rbegin(); i != buffer.rend(); ++i) {
      if (i->cell == &cell) return &*i;
    }
    return nullptr;
  }

  // What a load reads from the own buffer. If another's store to the cell is under way as well,
  // the own one may have arrived and been overwritten before the load.
  const Pending* forwarded(const Cell& cell) {
    for (std::size_t i = 1; i < threads(); ++i) {
      if (i == current() || own_pending(cell) == nullptr) continue;
      if (position(static_cast<ThreadId>(i), cell) == 0 || !either()) continue;
      while (const std::size_t end = position(current(), cell)) flush(current(), end);
    }
    return own_pending(cell);
  }

  // A load overtakes the buffered stores, or those behind the one that it has read.
  void mark_passed(const Pending* read = nullptr) {
    auto& buffer = buffers_[current()];
    for (auto i = buffer.rbegin(); i != buffer.rend() && &*i != read; ++i) i->passed = true;
  }

  void arrive_at(const Cell& cell) {
    for (std::size_t i = 1; i < threads(); ++i) {
      if (i != current() && !buffers_[i].empty()) arrive_from(static_cast<ThreadId>(i), cell);
    }
  }

  /// The oldest `count` stores arrive. A store of another thread to the same cell may come first.
  /// `busy` are the threads whose buffers are being emptied already.
  bool flush(ThreadId thread, std::size_t count = SIZE_MAX, unsigned busy = 0) {
    auto& buffer = buffers_[thread];
    if (buffer.empty()) return false;
    busy |= 1U << thread;
    for (count = std::min(count, buffer.size()); count > 0; --count) {
      for (std::size_t i = 1; i < threads(); ++i) {
        const auto other = static_cast<ThreadId>(i);
        if (((busy >> i) & 1U) != 0) continue;
        while (const std::size_t end = position(other, *buffer.front().cell)) {
          if (!either()) break;
          flush(other, end, busy);
        }
      }
      arrive(thread);
    }
    changed();
    return true;
  }

  bool drain() override {
    bool any = false;
    while (conflict()) {
      Question question;
      std::array<ThreadId, max_threads> fronts{};
      for (std::size_t i = 1; i < threads(); ++i) {
        if (buffers_[i].empty()) continue;
        fronts[question.size()] = static_cast<ThreadId>(i);
        question.add(Cost::none);
      }
      arrive(fronts[ask(question)]);
      any = true;
    }
    for (std::size_t i = 1; i < threads(); ++i) any = flush(static_cast<ThreadId>(i)) || any;
    if (any) changed();
    return any;
  }
  void drain(ThreadId thread) override { flush(thread); }

 private:
  static constexpr std::uint8_t most_refusals = 4;

  void arrive_from(ThreadId thread, const Cell& cell) {
    auto& buffer = buffers_[thread];
    std::array<std::size_t, Question::capacity> ends{};
    Question question;
    for (std::size_t i = buffer.size(); i > 0; --i) {
      Pending& pending = buffer[i - 1];
      if (pending.cell != &cell) continue;
      if (question.size() == 0) {
        ends[0] = i;
        question.add(Cost::none);
      } else {
        ends[question.size() - 1] = i;  // what is kept back begins after the store before it
      }
      if (!pending.passed || pending.refused == most_refusals) break;
      if (question.size() == Question::capacity) break;
      ends[question.size()] = 0;
      question.add(Cost::surprise);
    }
    if (question.size() == 0) return;
    const std::size_t end = ends[ask(question)];
    for (std::size_t i = end; i < buffer.size(); ++i) {
      if (buffer[i].cell == &cell) ++buffer[i].refused;
    }
    flush(thread, end);
  }

  void arrive(ThreadId thread) {
    Pending& pending = buffers_[thread].front();
    if (logging()) {
      note(thread, "  " + label(*pending.cell) + " = " + std::to_string(pending.message.bits) +
                       " arrives in memory");
    }
    pending.cell->newest = std::move(pending.message);
    buffers_[thread].pop_front();
  }

  // One more than the place of the oldest store to the cell; 0 if there is none.
  [[nodiscard]] std::size_t position(ThreadId thread, const Cell& cell) const noexcept {
    const auto& buffer = buffers_[thread];
    for (std::size_t i = 0; i < buffer.size(); ++i) {
      if (buffer[i].cell == &cell) return i + 1;
    }
    return 0;
  }

  bool either() {
    Question question;
    question.add(Cost::none);
    question.add(Cost::none);
    return ask(question) != 0;
  }

  // Only where two buffers hold stores to one cell does it matter whose come first.
  [[nodiscard]] bool conflict() const noexcept {
    for (std::size_t i = 1; i < threads(); ++i) {
      for (const Pending& pending : buffers_[i]) {
        for (std::size_t other = i + 1; other < threads(); ++other) {
          if (position(static_cast<ThreadId>(other), *pending.cell) != 0) return true;
        }
      }
    }
    return false;
  }

  std::array<std::deque<Pending>, max_threads> buffers_{};
};

}  // namespace cohort::model
