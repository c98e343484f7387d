// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The memory of the modelled machine, on top of its scheduler.
///
///   sequential  each access takes effect at once; only the interleaving varies.
///   tso         a store that is not seq_cst waits in its thread's FIFO buffer, from which the
///               thread itself already reads (x86-TSO: Sewell et al., CACM 2010). Read-modify-
///               writes, seq_cst stores, wakes and heavy barriers empty the buffer first.
///   weak        a load may yield any store that coherence, happens-before and the order of the
///               seq_cst accesses do not hide from it (the "views" of Kang et al., POPL 2017,
///               without promises). A heavy barrier shows its thread what the others had seen or
///               stored before their last light barriers, and shows them what its thread has seen
///               from their next light barriers on, as in P1202 (asymmetric fences).
///
/// In all three, happens-before comes only from the declared orders, and the checker reports plain
/// data that is accessed without it, and atomics that are used before they are published to the
/// user or destroyed without being ordered after their last use.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "buffers.hpp"  // StoreBuffers
#include "cell.hpp"     // Cell, Message, View
#include "clock.hpp"    // Clock, RaceDetector

namespace cohort::model {

enum class Memory : std::uint8_t { sequential, tso, weak };

class Machine final : public StoreBuffers {
 public:
  explicit Machine(Memory memory, bool asymmetric = true)
      : memory_(memory), asymmetric_(asymmetric) {}

  /// The machine whose execution is under way, or null: then atomics behave plainly.
  static Machine*& active() noexcept {
    static Machine* machine = nullptr;
    return machine;
  }

  std::uint64_t load(Cell& cell, std::memory_order order) {
    step();
    const ThreadId self = current();
    visit(cell, "load");
    std::uint64_t bits = 0;
    if (const Pending* own = forwarded(cell)) {
      bits = own->message.bits;
      mark_passed(own);
      if (logging()) log("load", cell, bits, ", its own buffered store");
    } else {
      arrive_at(cell);
      mark_passed();
      const Message& message = recall(cell, order);
      bits = message.bits;
      if (acquires(order)) learn(self, message);
      if (logging()) log("load", cell, bits, &message == &cell.newest ? "" : ", an old value");
    }
    advance();
    return bits;
  }

  void store(Cell& cell, std::uint64_t bits, std::memory_order order) {
    step();
    const ThreadId self = current();
    visit(cell, "store");
    const bool buffered = memory_ == Memory::tso && running() && order != std::memory_order_seq_cst;
    if (!buffered) flush(self);
    arrive_at(cell);
    Message message;
    message.bits = bits;
    if (releases(order)) message.clock = clocks_[self];
    if (logging()) log("store", cell, bits, buffered ? ", buffered" : "");
    if (buffered) {
      changed();
      buffer(cell, std::move(message));
    } else {
      publish(cell, std::move(message), order);
    }
    advance();
  }

  template <class Change>
  std::uint64_t exchange(Cell& cell, std::memory_order order, Change change) {
    step();
    visit(cell, "read-modify-write");
    flush(current());
    arrive_at(cell);
    const std::uint64_t old = cell.newest.bits;
    replace(cell, change(old), order);
    advance();
    return old;
  }

  bool compare_exchange(Cell& cell, std::uint64_t& expected, std::uint64_t desired,
                        std::memory_order success, std::memory_order failure, bool weak) {
    step();
    const ThreadId self = current();
    visit(cell, "compare-exchange");
    if (own_pending(cell) != nullptr) flush(self);
    arrive_at(cell);
    const std::uint64_t old = cell.newest.bits;
    bool done = old == expected;
    if (done && weak && running()) done = !surprised();
    if (done) {
      flush(self);
      replace(cell, desired, success);
    } else {
      // Not a barrier: it only reads, as on machines with load-linked and store-conditional.
      mark_passed();
      if (memory_ == Memory::weak) see(cell, newest_index(cell), failure);
      if (acquires(failure)) learn(self, cell.newest);
      if (logging()) {
        log("compare-exchange fails,", cell, old, old == expected ? ", spuriously" : "");
      }
      expected = old;
    }
    advance();
    return done;
  }

  /// Whether heavy barriers work here, so that others need only light ones.
  [[nodiscard]] bool asymmetric() const noexcept { return asymmetric_; }

  void light_barrier() {
    const ThreadId self = current();
    if (memory_ != Memory::weak) return;
    views_[self].join(awaited_[self]);
    shown_[self] = views_[self];
  }

  void heavy_barrier() {
    step();
    if (!asymmetric_) return;
    note(current(), "heavy barrier");
    for (std::size_t i = 1; i < threads(); ++i) flush(static_cast<ThreadId>(i));
    if (memory_ == Memory::weak) {
      View& view = views_[current()];
      for (const View& shown : shown_) view.join(shown);
      for (View& awaited : awaited_) awaited.join(view);
      shown_[current()] = view;
    }
    changed();
    advance();
  }

  void wait(Cell& word, std::uint64_t expected, bool timed) {
    step();
    visit(word, "wait");
    std::uint64_t bits = 0;
    if (const Pending* own = own_pending(word)) {
      bits = own->message.bits;
    } else {
      arrive_at(word);
      bits = word.newest.bits;
    }
    bool sleeps = bits == expected;
    if (sleeps && running()) sleeps = !surprised();
    if (logging()) log(sleeps ? "sleeps on" : "does not sleep on", word, bits, "");
    advance();
    if (sleeps) {
      sleep_on(&word, label(word), timed);
      if (logging()) note(current(), "is awake");
    }
  }

  /// Only the address counts: the word may be gone, and then there is nobody to wake.
  void wake_sleepers(const void* word, bool all) {
    step();
    flush(current());
    const std::size_t woken = wake(word, all);
    if (logging()) {
      note(current(), (all ? "wake all: " : "wake one: ") + std::to_string(woken) + " woken");
    }
    advance();
  }

  /// The other's end is a synchronisation, as joining a thread or seeing a process's end is.
  ThreadId await(std::uint32_t threads) {
    step();
    const ThreadId thread = await_end(threads);
    if (logging()) note(current(), "sees the end of thread " + std::to_string(thread));
    flush(thread);
    clocks_[current()].join(clocks_[thread]);
    views_[current()].join(views_[thread]);
    advance();
    return thread;
  }
  bool has_ended(ThreadId thread) {
    step();
    const bool yes = ended(thread);
    if (yes) await(1U << thread);
    return yes;
  }

  void data(const void* where, bool writes) {
    const ThreadId self = current();
    const Race race = races_.access(where, writes, self, clocks_[self]);
    if (race.earlier == nobody) return;
    accuse("data race on d" + std::to_string(race.where) + ": its " + (writes ? "write" : "read") +
           " before its operation #" + std::to_string(clocks_[self].of(self)) +
           " is not ordered after the " + (race.earlier_wrote ? "write" : "read") + " of thread " +
           std::to_string(race.earlier) + " before that one's operation #" +
           std::to_string(race.earlier_tick));
    give_up();
  }
  void new_data(const void* where) { races_.forget(where); }

  void made(Cell& cell) {
    adopt(cell);
    cell.maker = current();
    cell.made = clocks_[current()].of(current());
  }

  void destroyed(Cell& cell) {
    cell.alive = false;
    if (cell.epoch != epoch_) return;
    const Clock& now = clocks_[current()];
    for (ThreadId other = 0; other < max_threads; ++other) {
      if (now.covers(other, cell.touched.of(other)) || failed()) continue;
      accuse(label(cell) + " is destroyed, unordered with operation #" +
             std::to_string(cell.touched.of(other)) + " of thread " + std::to_string(other));
      give_up();
    }
    drop(cell);
  }

  void note(ThreadId thread, std::string_view what) override {
    if (logging())
      write("thread " + std::to_string(thread) + " #" + std::to_string(clocks_[thread].of(thread)) +
            ": " + std::string(what));
  }

 private:
  static constexpr std::uint32_t most_old_values = 4;

  static bool acquires(std::memory_order order) noexcept {
    return order != std::memory_order_relaxed && order != std::memory_order_release;
  }
  static bool releases(std::memory_order order) noexcept {
    return order == std::memory_order_release || order == std::memory_order_acq_rel ||
           order == std::memory_order_seq_cst;
  }
  static std::uint32_t newest_index(const Cell& cell) noexcept {
    return static_cast<std::uint32_t>(cell.older.size());
  }

  bool surprised() {
    Question question;
    question.add(Cost::none);
    question.add(Cost::surprise);
    return ask(question) != 0;
  }

  void advance() noexcept { clocks_[current()].advance(current()); }

  // A cell that outlives executions, or was made outside of one, begins anew with its last value.
  void adopt(Cell& cell) {
    cell.epoch = epoch_;
    cell.id = cells_++;
    cell.older.clear();
    cell.newest.clock = Clock{};
    cell.newest.view.clear();
    cell.touched = Clock{};
    cell.last_seq_cst = 0;
    cell.maker = nobody;
  }

  void visit(Cell& cell, const char* what) {
    const ThreadId self = current();
    if (!cell.alive) {
      accuse(std::string(what) + " on a destroyed atomic");
      give_up();
    }
    if (cell.epoch != epoch_) adopt(cell);
    if (cell.maker != nobody && !clocks_[self].covers(cell.maker, cell.made)) {
      accuse(std::string(what) + " on " + label(cell) + ", which thread " +
             std::to_string(cell.maker) + " has made but not published to this one");
      give_up();
    }
    cell.touched.set(self, clocks_[self].of(self));
  }

  // What `thread` knows after it has acquired the message.
  void learn(ThreadId thread, const Message& message) {
    clocks_[thread].join(message.clock);
    if (memory_ == Memory::weak) views_[thread].join(message.view);
  }

  const Message& recall(Cell& cell, std::memory_order order) {
    if (memory_ != Memory::weak) return cell.newest;
    const ThreadId self = current();
    const std::uint32_t newest = newest_index(cell);
    std::uint32_t oldest = views_[self].of(cell.id);
    if (order == std::memory_order_seq_cst) oldest = std::max(oldest, cell.last_seq_cst);
    if (!running()) oldest = newest;
    Question question;
    question.add(Cost::none);
    for (std::uint32_t i = newest; i > oldest && question.size() < most_old_values; --i) {
      question.add(Cost::surprise);
    }
    const std::uint32_t index = newest - static_cast<std::uint32_t>(ask(question));
    see(cell, index, order);
    return index == newest ? cell.newest : cell.older[index];
  }

  void see(Cell& cell, std::uint32_t index, std::memory_order order) {
    views_[current()].raise(cell.id, index);
    if (order == std::memory_order_seq_cst) cell.last_seq_cst = std::max(cell.last_seq_cst, index);
  }

  void replace(Cell& cell, std::uint64_t bits, std::memory_order order) {
    const ThreadId self = current();
    if (acquires(order)) learn(self, cell.newest);
    Message message;
    message.bits = bits;
    message.clock = cell.newest.clock;  // a read-modify-write continues the release sequence
    message.view = cell.newest.view;
    if (releases(order)) message.clock.join(clocks_[self]);
    if (logging()) {
      log("changes", cell, bits, ", was " + std::to_string(cell.newest.bits));
    }
    publish(cell, std::move(message), order);
  }

  void publish(Cell& cell, Message message, std::memory_order order) {
    if (memory_ == Memory::weak) {
      cell.older.push_back(std::move(cell.newest));
      const std::uint32_t index = newest_index(cell);
      see(cell, index, order);
      if (releases(order)) message.view.join(views_[current()]);
    }
    if (cell.newest.bits != message.bits || memory_ == Memory::weak) changed();
    cell.newest = std::move(message);
  }

  // ------------------------------------------------------------------------------- executions
  void reset_memory() override {
    ++epoch_;
    cells_ = 0;
    forget_buffers();
    races_.reset();
    for (std::size_t i = 0; i < max_threads; ++i) {
      clocks_[i] = Clock{};
      clocks_[i].set(static_cast<ThreadId>(i), 1);
      views_[i].clear();
      awaited_[i].clear();
      shown_[i].clear();
    }
  }
  void begin_threads() override {
    for (std::size_t i = 1; i < threads(); ++i) {
      clocks_[i].join(clocks_[0]);
      views_[i].join(views_[0]);
    }
    clocks_[0].advance(0);
  }
  void end_threads() override {
    drain();
    for (std::size_t i = 1; i < threads(); ++i) clocks_[0].join(clocks_[i]);
  }

  void log(std::string_view what, const Cell& cell, std::uint64_t bits, std::string_view more) {
    note(current(),
         std::string(what) + " " + label(cell) + " = " + std::to_string(bits) + std::string(more));
  }
  const Memory memory_;
  const bool asymmetric_;
  std::uint64_t epoch_ = next_epoch();
  std::uint32_t cells_ = 0;
  RaceDetector races_;
  std::array<Clock, max_threads> clocks_{};
  std::array<View, max_threads> views_{};
  std::array<View, max_threads> awaited_{};  // what heavy barriers show at the next light one
  std::array<View, max_threads> shown_{};    // what a thread's last light barrier shows to them

  // A cell may be seen by several machines.
  static std::uint64_t next_epoch() noexcept {
    static std::uint64_t machines = 0;
    return ++machines << 40U;
  }
};

inline Cell::Cell(std::uint64_t bits) {
  newest.bits = bits;
  if (Machine* machine = Machine::active()) machine->made(*this);
}

inline Cell::~Cell() {
  if (Machine* machine = Machine::active()) machine->destroyed(*this);
  alive = false;
}

}  // namespace cohort::model
