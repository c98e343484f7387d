// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::wait: until one or more of several connections or receivers have something.
///
///     for (auto& reader : co_await ipc::wait(readers)) use(reader.recv().block());
///     auto ready = ipc::wait(left, right).within(1s).block();

#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "cohort/core/operation.hpp"           // Operation
#include "cohort/ipc/detail/queue_object.hpp"  // QueueObject
#include "cohort/ipc/detail/shared_wait.hpp"   // SharedPlace

namespace cohort::inline v0::ipc {

namespace detail {

/// What can be waited for along with others: there is something, or the end has come.
template <class X>
concept Pollable = requires(const X& x) {
  { x.pollable() } -> std::same_as<QueueObject&>;
};

/// Waiting for the first of several, as an operation's Spec. `Then` makes the result of which are
/// ready.
template <class Then>
struct WaitForSome {
  using Result = decltype(std::declval<Then&>()(std::declval<std::vector<std::size_t>>()));
  using Leg = SharedPlace<QueueObject::Receivers>;
  struct Place : cohort::detail::Waiter {
    using cohort::detail::Waiter::Waiter;
    std::vector<std::unique_ptr<Leg>> legs;  // they stay where they are
  };
  std::vector<QueueObject*> queues;
  Then then;

  bool try_now(Place& place) {
    for (QueueObject* const queue : queues) {
      if (queue->ready()) return true;
    }
    if (queues.empty()) return true;
    while (place.legs.size() < queues.size()) {
      QueueObject* const queue = queues[place.legs.size()];
      place.legs.push_back(std::make_unique<Leg>(place.wait()));
      Leg& leg = *place.legs.back();
      leg.prepare(queue->receivers, queue, false);
      leg.node().role = QueueObject::Waiter::looks;
    }
    return false;
  }
  void arm(Place& place) noexcept {
    for (const auto& leg : place.legs) {
      leg->arm();
      if (place.wait().outcome() != cohort::detail::Outcome::waiting) return;
    }
  }
  bool disarm(Place& place) noexcept {
    bool granted = false;
    for (const auto& leg : place.legs) {
      granted |= leg->was_granted() || leg->disarm();
    }
    return granted;
  }
  bool retry(Place&) noexcept { return false; }
  void put_back(Place&) noexcept {}
  Result result(Place& place) {
    disarm(place);
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < queues.size(); ++i) {
      if (queues[i]->ready()) ready.push_back(i);
    }
    return then(std::move(ready));
  }
};

/// Copies of those that are ready, of a range that it keeps or refers to.
template <class Range>
struct PickReady {
  using Element = std::remove_cvref_t<decltype(*std::begin(std::declval<Range&>()))>;
  Range range;
  std::vector<Element> operator()(const std::vector<std::size_t>& ready) const {
    std::vector<Element> result;
    result.reserve(ready.size());
    auto at = std::begin(range);
    std::size_t i = 0;
    for (const std::size_t which : ready) {
      for (; i != which; ++i) ++at;
      result.push_back(*at);
    }
    return result;
  }
};
struct WhichAreReady {
  template <class Ready>
  Ready operator()(Ready ready) const {
    return ready;
  }
};

}  // namespace detail

/// Waits for a range of connections or receivers: yields copies of those that would not have to wait
/// to receive, in their order; of none at once nothing. Another may receive it first, so one that was
/// ready may have to wait all the same. An lvalue range is referred to until the operation ends.
template <class Range>
requires requires(Range& range) { std::begin(range) != std::end(range); }
auto wait(Range&& range) {
  using Kept = std::conditional_t<std::is_lvalue_reference_v<Range>, Range, std::decay_t<Range>>;
  std::vector<detail::QueueObject*> queues;
  for (const auto& element : range) queues.push_back(&element.pollable());
  return Operation(detail::WaitForSome<detail::PickReady<Kept>>{std::move(queues),
                                                                {std::forward<Range>(range)}});
}
/// The same for those given: yields copies of those that are ready, or, if they are of different
/// types, their positions.
template <detail::Pollable First, detail::Pollable... Rest>
auto wait(const First& first, const Rest&... rest) {
  if constexpr ((std::is_same_v<First, Rest> && ...)) {
    return wait(std::vector<First>{first, rest...});
  } else {
    return Operation(
        detail::WaitForSome<detail::WhichAreReady>{{&first.pollable(), &rest.pollable()...}, {}});
  }
}

}  // namespace cohort::inline v0::ipc
