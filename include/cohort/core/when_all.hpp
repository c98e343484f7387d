// SPDX-License-Identifier: BSL-1.0
#pragma once

/// when_all: several awaitables at the same time, all results.
///
///     auto [a, b] = run(when_all_of_two());        // inside: co_await when_all(left(), right())
///     std::vector<int> all = co_await when_all(std::move(tasks));

#include <coroutine>
#include <cstddef>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/core/detail/frame_pool.hpp"  // allocate_block
#include "cohort/core/detail/join.hpp"        // Join, Leg

namespace cohort::inline v0 {
namespace detail {

/// Legs that move only before the first is started.
template <class T>
class LegArray {
 public:
  LegArray() = default;
  ~LegArray() {
    std::destroy_n(legs_, size_);
    if (legs_) free(legs_, capacity_);
  }
  LegArray(LegArray&& other) noexcept
      : legs_(std::exchange(other.legs_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(other.capacity_) {}

  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    Leg<T>* const legs = allocate(capacity);
    std::uninitialized_move_n(legs_, size_, legs);
    std::destroy_n(legs_, size_);
    if (legs_) free(legs_, capacity_);
    legs_ = legs;
    capacity_ = capacity;
  }
  void push_back(Task<T>&& task) {
    if (size_ == capacity_) reserve(size_ < 4 ? 8 : 2 * size_);
    std::construct_at(legs_ + size_, std::move(task));
    ++size_;
  }
  Leg<T>* begin() noexcept { return legs_; }
  Leg<T>* end() noexcept { return legs_ + size_; }
  std::size_t size() const noexcept { return size_; }

 private:
  static constexpr bool over_aligned = alignof(Leg<T>) > __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  static Leg<T>* allocate(std::size_t n) {
    if constexpr (over_aligned) {
      return static_cast<Leg<T>*>(
          ::operator new (n * sizeof(Leg<T>), std::align_val_t{alignof(Leg<T>)}));
    } else {
      return static_cast<Leg<T>*>(allocate_block(n * sizeof(Leg<T>)));
    }
  }
  static void free(Leg<T>* legs, std::size_t n) noexcept {
    if constexpr (over_aligned) {
      ::operator delete (legs, std::align_val_t{alignof(Leg<T>)});
    } else {
      free_block(legs, n * sizeof(Leg<T>));
    }
  }

  Leg<T>* legs_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Awaits a when_all in place: the legs are built in the call and need not move. (g++ 12 would copy
/// an awaiter that is a reference.)
template <class All>
class AllAwaiter {
 public:
  explicit AllAwaiter(All& all) noexcept : all_(all) {}
  bool await_ready() const noexcept { return all_.empty(); }
  void await_suspend(std::coroutine_handle<>) const noexcept { all_.start(); }
  auto await_resume() const { return all_.results(); }

 private:
  All& all_;
};

template <class... Ts>
class WhenAll {
 public:
  COHORT_HOT explicit WhenAll(Task<Ts>&&... tasks)
      : join_(sizeof...(Ts)), legs_(std::move(tasks)...) {}

  AllAwaiter<WhenAll> as_awaiter(Coroutine& parent) && noexcept {
    join_.set_parent(parent);
    return AllAwaiter<WhenAll>(*this);
  }
  static bool empty() noexcept { return sizeof...(Ts) == 0; }
  void start() noexcept {
    if constexpr (sizeof...(Ts) > 0) start_legs<sizeof...(Ts)>(join_.suspend(), nullptr);
  }
  std::tuple<stored_t<Ts>...> results() {
    join_.rethrow_if_failed();
    return std::apply([](auto&... leg) { return std::tuple<stored_t<Ts>...>(leg.result()...); },
                      legs_);
  }

 private:
  template <std::size_t N>
  void start_legs(Context& context, LegBase* next) noexcept {
    if constexpr (N == 1) {
      std::get<0>(legs_).prepare();
      join_.start_first(context, std::get<0>(legs_), next);
    } else {
      std::get<N - 1>(legs_).prepare();
      join_.start(context, std::get<N - 1>(legs_), next);
      start_legs<N - 1>(context, &std::get<N - 1>(legs_));
    }
  }

  Join join_;
  std::tuple<Leg<Ts>...> legs_;
};

template <class T>
class WhenAllRange {
 public:
  explicit WhenAllRange(LegArray<T>&& legs) noexcept : join_(legs.size()), legs_(std::move(legs)) {}

  AllAwaiter<WhenAllRange> as_awaiter(Coroutine& parent) && noexcept {
    join_.set_parent(parent);
    return AllAwaiter<WhenAllRange>(*this);
  }
  bool empty() const noexcept { return legs_.size() == 0; }
  void start() noexcept {
    Context& context = join_.suspend();
    LegBase* next = nullptr;
    for (Leg<T>* leg = legs_.end() - 1; leg != legs_.begin(); --leg) {
      leg->prepare();
      join_.start(context, *leg, next);
      next = leg;
    }
    legs_.begin()->prepare();
    join_.start_first(context, *legs_.begin(), next);
  }
  std::vector<stored_t<T>> results() {
    join_.rethrow_if_failed();
    std::vector<stored_t<T>> results;
    results.reserve(legs_.size());
    for (auto& leg : legs_) results.push_back(leg.result());
    return results;
  }

 private:
  Join join_;
  LegArray<T> legs_;
};

}  // namespace detail

/// Awaits all at the same time; yields a tuple of their results, `std::monostate` for void. Tasks
/// start on this executor, the first one at once on this thread. Each is a task of its own with a
/// stop scope below this one's. The first failure cancels the rest; all are awaited; then it is
/// rethrown, and further failures go to the unobserved hook.
template <class... Awaitables>
requires(sizeof...(Awaitables) != 1 || !(detail::Range<Awaitables> && ...))
    [[nodiscard("co_await it")]] COHORT_HOT auto when_all(Awaitables&&... awaitables) {
  return detail::WhenAll(detail::as_task(std::forward<Awaitables>(awaitables))...);
}

/// The same over a range of awaitables; yields a vector, in the range's order. An lvalue range's
/// elements are moved from; a view that makes a task of each element needs no container for them.
template <detail::Range Range>
[[nodiscard("co_await it")]] auto when_all(Range&& range) {
  using T = typename decltype(detail::as_task(std::move(*std::begin(range))))::result_type;
  detail::LegArray<T> legs;
  if constexpr (requires { std::size(range); }) legs.reserve(std::size(range));
  for (auto&& element : range) legs.push_back(detail::as_task(std::move(element)));
  return detail::WhenAllRange<T>(std::move(legs));
}

}  // namespace cohort::inline v0
