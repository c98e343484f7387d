// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Faults planted in a core, to see that the scenarios of its test find them: an order that is
/// weakened or an operation that is dropped. The core runs with `Policy` as its atomics.
///
///     EXPECT_TRUE(explore({Op::store, "push", release, relaxed}, options, scenario).failed);

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <type_traits>

#include "model.hpp"  // explore, ModelAtomics

namespace cohort::model {

enum class Op : std::uint8_t {
  none,
  // in the function `in`, those of the order `from` have the order `to`:
  load,
  store,
  change,  ///< exchange, compare-exchange, fetch_...
  // everywhere:
  heavy_barrier,   ///< does nothing
  fence_of_store,  ///< store_before_loads is a plain release store
  wake,            ///< wake_one does nothing
  attend,          ///< a Waiting that woke does not attend before it tries again
};

struct Fault {
  Op op = Op::none;
  std::string_view in{};
  std::memory_order from{};
  std::memory_order to{};
};
inline Fault fault;

inline std::memory_order faulty(Op op, std::string_view in, std::memory_order order) {
  in = in.substr(0, in.find('<'));  // some compilers add the template's arguments
  return fault.op == op && fault.in == in && fault.from == order ? fault.to : order;
}

/// An atomic that asks for each order whether it is a faulty one. The order on failure never is.
template <class T>
class Weakened : public Atomic<T> {
  using Base = Atomic<T>;
  using Order = std::memory_order;
  using Difference = typename Base::difference_type;

 public:
  using Base::Base;
  T load(Order order, const char* in = __builtin_FUNCTION()) const noexcept {
    return Base::load(faulty(Op::load, in, order));
  }
  void store(T value, Order order, const char* in = __builtin_FUNCTION()) noexcept {
    Base::store(value, faulty(Op::store, in, order));
  }
  T exchange(T value, Order order, const char* in = __builtin_FUNCTION()) noexcept {
    return Base::exchange(value, faulty(Op::change, in, order));
  }
  T fetch_add(Difference by, Order order, const char* in = __builtin_FUNCTION()) noexcept {
    return Base::fetch_add(by, faulty(Op::change, in, order));
  }
  T fetch_sub(Difference by, Order order, const char* in = __builtin_FUNCTION()) noexcept {
    return Base::fetch_sub(by, faulty(Op::change, in, order));
  }
  T fetch_or(T bits, Order order, const char* in = __builtin_FUNCTION()) noexcept {
    return Base::fetch_or(bits, faulty(Op::change, in, order));
  }
  T fetch_and(T bits, Order order, const char* in = __builtin_FUNCTION()) noexcept {
    return Base::fetch_and(bits, faulty(Op::change, in, order));
  }
  bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                               const char* in = __builtin_FUNCTION()) noexcept {
    return Base::compare_exchange_strong(expected, desired, faulty(Op::change, in, success),
                                         failure);
  }
  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                             const char* in = __builtin_FUNCTION()) noexcept {
    return Base::compare_exchange_weak(expected, desired, faulty(Op::change, in, success), failure);
  }
  bool compare_exchange_weak(T& expected, T desired, Order order,
                             const char* in = __builtin_FUNCTION()) noexcept {
    return Base::compare_exchange_weak(expected, desired, faulty(Op::change, in, order));
  }
};

/// ModelAtomics with the fault that is planted.
struct Policy : ModelAtomics {
  template <class T>
  using atomic = Weakened<T>;

  static void heavy_barrier() noexcept {
    if (fault.op != Op::heavy_barrier) ModelAtomics::heavy_barrier();
  }
  template <class T>
  static void store_before_loads(Weakened<T>& word, std::type_identity_t<T> value) noexcept {
    if (fault.op == Op::fence_of_store) {
      word.store(value, std::memory_order_release);
    } else {
      ModelAtomics::store_before_loads(word, value);
    }
  }
  static void wake_one(const void* word) noexcept {
    if (fault.op != Op::wake) ModelAtomics::wake_one(word);
  }
};

/// Explores the scenario with the fault in it.
inline Outcome explore(Fault planted, const Options& options,
                       const std::function<void(Execution&)>& scenario) {
  fault = planted;
  auto outcome = explore(options, scenario);
  fault = {};
  return outcome;
}

inline void expect_passed(const Outcome& outcome, std::string_view what = {}) {
  EXPECT_FALSE(outcome.failed) << what << "\n" << outcome;
}
/// All that the options allow, unless the environment asks for so much that it is cut short.
inline void expect_exhausted(const Outcome& outcome, std::string_view what = {}) {
  expect_passed(outcome, what);
  const bool wider = std::getenv("COHORT_MODEL_PREEMPTIONS") || std::getenv("COHORT_MODEL_DEATHS");
  EXPECT_TRUE(outcome.exhausted || wider) << what;
}

}  // namespace cohort::model
