// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::wait: until one or more of several connections or receivers have something, or processes
/// have ended.
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

#include "cohort/core/operation.hpp"             // Operation
#include "cohort/ipc/detail/process_record.hpp"  // a process's end
#include "cohort/ipc/detail/queue_object.hpp"    // QueueObject
#include "cohort/ipc/detail/shared_wait.hpp"     // SharedPlace

namespace cohort::inline v0::ipc {

namespace detail {

/// What a wait for several looks at: a queue that has something or has ended, or a process's end.
struct WaitedFor {
  WaitedFor(QueueObject& q) noexcept : queue(&q) {}
  explicit WaitedFor(std::shared_ptr<ProcessRecord> p) noexcept : process(std::move(p)) {}
  bool ready() const { return queue ? queue->ready() : process->look(); }

  QueueObject* queue = nullptr;
  std::shared_ptr<ProcessRecord> process;
};

/// What can be waited for along with others: there is something, or the end has come.
template <class X>
concept Pollable = requires(const X& x) {
  WaitedFor(x.pollable());
};

/// What is given to the caller of one that is ready: a copy, or of a Process, which has none, its
/// ProcessRef.
template <class X>
const X& handle_of(const X& x) {
  return x;
}
template <class X>
requires requires(const X& x) { x.ref(); }
auto handle_of(const X& x) { return x.ref(); }
template <class X>
using handle_of_t = std::remove_cvref_t<decltype(handle_of(std::declval<const X&>()))>;

/// Where a wait for several stands for one of them.
template <class = void>
class BasicWaitLeg {
  struct Local : cohort::detail::Waiter {
    using cohort::detail::Waiter::Waiter;
  };

 public:
  BasicWaitLeg(cohort::detail::Wait& wait, const WaitedFor& what)
      : what_(what), shared_(wait), local_(wait) {
    if (!what.queue) return;
    shared_.prepare(what.queue->receivers, what.queue, false);
    shared_.node().role = QueueObject::Waiter::looks;
  }
  void arm() noexcept { what_.queue ? shared_.arm() : what_.process->end().arm(local_); }
  bool disarm() noexcept {
    if (what_.queue) return shared_.was_granted() || shared_.disarm();
    what_.process->end().disarm(local_);
    return false;
  }

 private:
  const WaitedFor& what_;
  SharedPlace<QueueObject::Receivers> shared_;
  Local local_;
};
using WaitLeg = BasicWaitLeg<>;

/// Waiting for the first of several, as an operation's Spec. `Then` makes the result of which are
/// ready.
template <class Then>
struct WaitForSome {
  using Result = decltype(std::declval<Then&>()(std::declval<std::vector<std::size_t>>()));
  struct Place : cohort::detail::Waiter {
    using cohort::detail::Waiter::Waiter;
    std::vector<std::unique_ptr<WaitLeg>> legs;  // they stay where they are
  };
  std::vector<WaitedFor> all;
  Then then;

  bool try_now(Place& place) {
    for (const WaitedFor& one : all) {
      if (one.ready()) return true;
    }
    if (all.empty()) return true;
    while (place.legs.size() < all.size()) {
      place.legs.push_back(std::make_unique<WaitLeg>(place.wait(), all[place.legs.size()]));
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
    for (const auto& leg : place.legs) granted |= leg->disarm();
    return granted;
  }
  bool retry(Place&) noexcept { return false; }
  void put_back(Place&) noexcept {}
  Result result(Place& place) {
    disarm(place);
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].ready()) ready.push_back(i);
    }
    return then(std::move(ready));
  }
};

/// Handles of those that are ready, of a range that it keeps or refers to.
template <class Range>
struct PickReady {
  using Element = handle_of_t<std::remove_cvref_t<decltype(*std::begin(std::declval<Range&>()))>>;
  Range range;
  std::vector<Element> operator()(const std::vector<std::size_t>& ready) const {
    std::vector<Element> result;
    result.reserve(ready.size());
    auto at = std::begin(range);
    std::size_t i = 0;
    for (const std::size_t which : ready) {
      for (; i != which; ++i) ++at;
      result.push_back(handle_of(*at));
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

/// Waits for a range of connections, receivers, or processes: yields copies of those that would not
/// have to wait to receive, or have ended, in their order (of a Process, its ProcessRef); of none at
/// once nothing. Another may receive it first, so one that was ready may have to wait all the same. An
/// lvalue range is referred to until the operation ends. Throws UsageError for a process that was not
/// started, or is this one.
template <class Range>
requires requires(Range& range) { std::begin(range) != std::end(range); }
auto wait(Range&& range) {
  using Kept = std::conditional_t<std::is_lvalue_reference_v<Range>, Range, std::decay_t<Range>>;
  std::vector<detail::WaitedFor> all;
  for (const auto& element : range) all.emplace_back(element.pollable());
  return Operation(
      detail::WaitForSome<detail::PickReady<Kept>>{std::move(all), {std::forward<Range>(range)}});
}
/// The same for those given: yields copies of those that are ready, or, if they are of different
/// types, their positions.
template <detail::Pollable First, detail::Pollable... Rest>
auto wait(const First& first, const Rest&... rest) {
  if constexpr ((std::is_same_v<First, Rest> && ...)) {
    return ipc::wait(std::vector<detail::handle_of_t<First>>{detail::handle_of(first),
                                                             detail::handle_of(rest)...});
  } else {
    return Operation(detail::WaitForSome<detail::WhichAreReady>{
        {detail::WaitedFor(first.pollable()), detail::WaitedFor(rest.pollable())...}, {}});
  }
}

}  // namespace cohort::inline v0::ipc
