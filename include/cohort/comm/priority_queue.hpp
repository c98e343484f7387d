// SPDX-License-Identifier: BSL-1.0
#pragma once

/// PriorityQueue<T>: a Queue that yields the smallest item first.
///
///     PriorityQueue<std::pair<int, std::string>> jobs;
///     co_await jobs.put({2, "tidy up"});
///     co_await jobs.put({1, "put out the fire"});
///     auto [urgency, job] = co_await jobs.get();  // the fire

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cohort/comm/detail/basic_queue.hpp"  // every verb

namespace cohort::inline v0 {

namespace detail {

/// A binary heap. It first compares and then moves, so that `Compare` may throw.
template <class Value, class Compare>
struct Smallest {
  static constexpr bool plain = false;
  using Sender = Failure;
  using Receiver = Failure;
  template <class T>
  class Items {
   public:
    void push(T& item) {
      std::size_t place = heap_.size();
      while (place != 0 && less(item, heap_[parent(place)])) place = parent(place);
      heap_.push_back(std::move(item));
      for (auto i = heap_.size() - 1; i != place; i = parent(i))
        exchange(heap_[i], heap_[parent(i)]);
    }
    void pop(std::optional<T>& out) {
      const std::size_t last = heap_.size() - 1;
      std::size_t place = 0;  // where the last goes, when everything on the way moves up
      for (std::size_t child = 1; child < last; child = 2 * place + 1) {
        if (child + 1 < last && less(heap_[child + 1], heap_[child])) ++child;
        if (!less(heap_[child], heap_[last])) break;
        place = child;
      }
      if (last != 0) exchange(heap_[last], heap_[place]);
      for (; place != 0; place = parent(place)) exchange(heap_[last], heap_[parent(place)]);
      out.emplace(std::move(heap_.back()));
      heap_.pop_back();
    }
    std::size_t size() const noexcept { return heap_.size(); }

   private:
    static std::size_t parent(std::size_t place) noexcept { return (place - 1) / 2; }
    bool less(const T& a, const T& b) const {
      return compare_(Element<Value>::value(a), Element<Value>::value(b));
    }
    // By construction: an element need not be assignable.
    static void exchange(T& a, T& b) noexcept {
      T held(std::move(a));
      std::destroy_at(&a);
      std::construct_at(&a, std::move(b));
      std::destroy_at(&b);
      std::construct_at(&b, std::move(held));
    }
    std::vector<T> heap_;
    [[no_unique_address]] Compare compare_{};
  };
};

}  // namespace detail

/// The smallest first, in the order of `Compare`; equal ones in any order. Otherwise as Queue: those
/// who wait are served first come, first served. If `Compare` throws, so does the put or the get it
/// was called for, and nothing has changed. It is called under the queue's lock: it must be short,
/// and must not use the queue.
template <class T, class Compare = std::less<T>>
class PriorityQueue : public detail::BasicQueue<T, detail::Smallest<T, Compare>> {
 public:
  using detail::BasicQueue<T, detail::Smallest<T, Compare>>::BasicQueue;
};

}  // namespace cohort::inline v0
