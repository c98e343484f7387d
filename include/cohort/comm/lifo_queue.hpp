// SPDX-License-Identifier: BSL-1.0
#pragma once

/// LifoQueue<T>: a Queue that yields the newest item first.
///
///     LifoQueue<Buffer> spare{8};
///     co_await spare.put(std::move(buffer));
///     Buffer warm = co_await spare.get();

#include <optional>
#include <utility>
#include <vector>

#include "cohort/comm/detail/basic_queue.hpp"  // every verb

namespace cohort::inline v0 {

namespace detail {
struct Lifo {
  static constexpr bool plain = false;
  using Sender = Failure;
  using Receiver = Failure;
  template <class T>
  class Items {
   public:
    void push(T& item) { items_.push_back(std::move(item)); }
    void pop(std::optional<T>& out) noexcept {
      out.emplace(std::move(items_.back()));
      items_.pop_back();
    }
    std::size_t size() const noexcept { return items_.size(); }

   private:
    std::vector<T> items_;
  };
};
}  // namespace detail

/// Last in, first out; otherwise as Queue: those who wait are served first come, first served.
template <class T>
class LifoQueue : public detail::BasicQueue<T, detail::Lifo> {
 public:
  using detail::BasicQueue<T, detail::Lifo>::BasicQueue;
};

}  // namespace cohort::inline v0
