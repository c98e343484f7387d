// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ModelAtomics: the atomics policy under which a lock-free core runs in the model checker. Outside
/// of an execution its atomics are plain values.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "clock.hpp"   // ThreadId, max_threads
#include "memory.hpp"  // Cell, Machine

namespace cohort::model {

/// The face of std::atomic, on a Cell.
template <class T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));
  using Order = std::memory_order;
  static constexpr bool adds =
      (std::is_integral_v<T> && !std::is_same_v<T, bool>) || std::is_pointer_v<T>;

  // `atomic<T*>` counts in elements.
  template <class U>
  struct DifferenceOf {
    using type = U;
  };
  template <class U>
  struct DifferenceOf<U*> {
    using type = std::ptrdiff_t;
  };

 public:
  using value_type = T;
  using difference_type = typename DifferenceOf<T>::type;
  static constexpr bool is_always_lock_free = true;

  Atomic() noexcept : Atomic(T{}) {}
  Atomic(T value) noexcept : cell_(to_bits(value)) {}  // implicit, as std::atomic's is
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  [[nodiscard]] bool is_lock_free() const noexcept { return true; }

  T load(Order order = Order::seq_cst) const noexcept {
    Machine* const machine = Machine::active();
    return from_bits(machine ? machine->load(cell_, order) : cell_.newest.bits);
  }
  operator T() const noexcept { return load(); }

  void store(T value, Order order = Order::seq_cst) noexcept {
    if (Machine* const machine = Machine::active()) {
      machine->store(cell_, to_bits(value), order);
    } else {
      cell_.newest.bits = to_bits(value);
    }
  }
  T operator=(T value) noexcept {
    store(value);
    return value;
  }

  T exchange(T value, Order order = Order::seq_cst) noexcept {
    return change(order, [value](T) { return value; });
  }

  bool compare_exchange_strong(T& expected, T desired, Order success, Order failure) noexcept {
    return compare_exchange(expected, desired, success, failure, false);
  }
  bool compare_exchange_strong(T& expected, T desired, Order order = Order::seq_cst) noexcept {
    return compare_exchange(expected, desired, order, without_release(order), false);
  }
  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure) noexcept {
    return compare_exchange(expected, desired, success, failure, true);
  }
  bool compare_exchange_weak(T& expected, T desired, Order order = Order::seq_cst) noexcept {
    return compare_exchange(expected, desired, order, without_release(order), true);
  }

  T fetch_add(difference_type by, Order order = Order::seq_cst) noexcept requires(adds) {
    return change(order, [by](T old) { return plus(old, by); });
  }
  T fetch_sub(difference_type by, Order order = Order::seq_cst) noexcept requires(adds) {
    return change(order, [by](T old) { return minus(old, by); });
  }
  T fetch_or(T bits, Order order = Order::seq_cst) noexcept requires(std::is_integral_v<T>) {
    return change(order, [bits](T old) { return static_cast<T>(old | bits); });
  }
  T fetch_and(T bits, Order order = Order::seq_cst) noexcept requires(std::is_integral_v<T>) {
    return change(order, [bits](T old) { return static_cast<T>(old & bits); });
  }
  T fetch_xor(T bits, Order order = Order::seq_cst) noexcept requires(std::is_integral_v<T>) {
    return change(order, [bits](T old) { return static_cast<T>(old ^ bits); });
  }
  T operator++() noexcept requires(adds) { return plus(fetch_add(1), 1); }
  T operator++(int) noexcept requires(adds) { return fetch_add(1); }
  T operator--() noexcept requires(adds) { return minus(fetch_sub(1), 1); }
  T operator--(int) noexcept requires(adds) { return fetch_sub(1); }

  /// How reports call it.
  void name(const char* text) noexcept { cell_.name = text; }

 private:
  friend struct ModelAtomics;

  static std::uint64_t to_bits(T value) noexcept {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
  }
  static T from_bits(std::uint64_t bits) noexcept {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

  static constexpr Order without_release(Order order) noexcept {
    if (order == Order::acq_rel) return Order::acquire;
    return order == Order::release ? Order::relaxed : order;
  }

  // Atomic arithmetic wraps, for signed numbers too.
  static T plus(T a, difference_type b) noexcept {
    if constexpr (std::is_pointer_v<T>) {
      return a + b;
    } else {
      return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    }
  }
  static T minus(T a, difference_type b) noexcept {
    if constexpr (std::is_pointer_v<T>) {
      return a - b;
    } else {
      return static_cast<T>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
    }
  }

  template <class Change>
  T change(Order order, Change to) noexcept {
    const auto on_bits = [&](std::uint64_t bits) { return to_bits(to(from_bits(bits))); };
    if (Machine* const machine = Machine::active()) {
      return from_bits(machine->exchange(cell_, order, on_bits));
    }
    const std::uint64_t old = cell_.newest.bits;
    cell_.newest.bits = on_bits(old);
    return from_bits(old);
  }

  bool compare_exchange(T& expected, T desired, Order success, Order failure, bool weak) noexcept {
    std::uint64_t bits = to_bits(expected);
    bool done = false;
    if (Machine* const machine = Machine::active()) {
      done = machine->compare_exchange(cell_, bits, to_bits(desired), success, failure, weak);
    } else {
      done = cell_.newest.bits == bits;
      bits = cell_.newest.bits;
      if (done) cell_.newest.bits = to_bits(desired);
    }
    if (!done) expected = from_bits(bits);
    return done;
  }

  mutable Cell cell_;  // the only member: a sleeper on the atomic's address is one on the cell's
};

/// Every call is a point at which others may run, apart from `reads`, `writes`, `light_barrier`,
/// `here`.
struct ModelAtomics {
  template <class T>
  using atomic = Atomic<T>;

  static void pause() noexcept {
    if (Machine* const machine = Machine::active()) machine->pause();
  }
  static void relax(unsigned) noexcept { pause(); }

  static void light_barrier() noexcept {
    if (Machine* const machine = Machine::active()) machine->light_barrier();
  }
  static void heavy_barrier() noexcept {
    if (Machine* const machine = Machine::active()) machine->heavy_barrier();
  }
  template <class T>
  static void store_before_loads(Atomic<T>& word, std::type_identity_t<T> value) noexcept {
    Machine* const machine = Machine::active();
    if (machine != nullptr && machine->asymmetric()) {
      word.store(value, std::memory_order_release);
      light_barrier();
    } else {
      word.store(value, std::memory_order_seq_cst);
    }
  }

  /// An address that is the modelled thread's; that of slot 0 outside of an execution.
  static const void* here() noexcept {
    static constexpr std::array<std::uint64_t, max_threads> marks{};  // aligned, as the real one
    Machine* const machine = Machine::active();
    return &marks[machine ? machine->current() : ThreadId{0}];
  }

  static void reads(const void* where) noexcept {
    if (Machine* const machine = Machine::active()) machine->data(where, false);
  }
  static void writes(const void* where) noexcept {
    if (Machine* const machine = Machine::active()) machine->data(where, true);
  }

  /// The time stands still until a scenario sets it, which it does anew for each execution.
  using TimePoint = std::chrono::steady_clock::time_point;
  static TimePoint now() noexcept { return clock(); }
  static std::uint64_t ticks() noexcept {
    static std::uint64_t ticks = 0;  // only differences are looked at: each is a large one
    return ticks += std::uint64_t{1} << 20;
  }
  static void set_now(TimePoint time) noexcept { clock() = time; }

  /// With no deadline, or the latest there is, for ever; else it may end at any time.
  template <class T>
  static void wait(const Atomic<T>& word, std::type_identity_t<T> expected) noexcept {
    if (Machine* const machine = Machine::active()) machine->wait(word.cell_, expected, false);
  }
  template <class T, class When>
  static void wait(const Atomic<T>& word, std::type_identity_t<T> expected,
                   When deadline) noexcept {
    if (Machine* const machine = Machine::active()) {
      machine->wait(word.cell_, expected, deadline != When::max());
    }
  }
  static void wake_one(const void* word) noexcept {
    if (Machine* const machine = Machine::active()) machine->wake_sleepers(word, false);
  }
  static void wake_all(const void* word) noexcept {
    if (Machine* const machine = Machine::active()) machine->wake_sleepers(word, true);
  }
  static void wake_one(const Atomic<std::uint32_t>& word) noexcept { wake_one(address(word)); }
  static void wake_all(const Atomic<std::uint32_t>& word) noexcept { wake_all(address(word)); }

 private:
  static const void* address(const Atomic<std::uint32_t>& word) noexcept { return &word; }
  static TimePoint& clock() noexcept {
    static TimePoint time{};
    return time;
  }
};

/// Plain data whose every access the race detector sees.
template <class T>
class Data {
 public:
  Data() : Data(T{}) {}
  explicit Data(T value) : value_(value) {
    if (Machine* const machine = Machine::active()) machine->new_data(&value_);
    ModelAtomics::writes(&value_);
  }
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;

  [[nodiscard]] T get() const {
    ModelAtomics::reads(&value_);
    return value_;
  }
  void set(T value) {
    ModelAtomics::writes(&value_);
    value_ = value;
  }

 private:
  T value_;
};

}  // namespace cohort::model
