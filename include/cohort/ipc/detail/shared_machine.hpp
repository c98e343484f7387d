// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Waiting at a shared object that has one machine, as an operation's Spec.

#include <type_traits>
#include <utility>

#include "cohort/ipc/detail/shared_wait.hpp"       // SharedPlace
#include "cohort/sync/detail/basic_semaphore.hpp"  // Nothing

namespace cohort::inline v0::ipc::detail {

/// `Object` has a `machine`, `try_now()`, and, if a grant takes something, `put_back(Waiter&)`. `Then` makes
/// the result.
template <class Object, class Then = cohort::detail::Nothing>
struct WaitShared {
  using Result = decltype(std::declval<Then&>()());
  using Place = SharedPlace<typename Object::Machine>;
  Object* object;
  Then then{};

  bool try_now(Place& place) {
    if (object->try_now()) return true;
    place.prepare(object->machine, object);
    return false;
  }
  void arm(Place& place) noexcept { place.arm(); }
  bool disarm(Place& place) noexcept { return place.disarm(); }
  bool retry(Place& place) noexcept { return place.retry(); }
  void sleep(Place& place, TimePoint until) noexcept { place.sleep(until); }
  void put_back(Place& place) noexcept {
    if constexpr (requires { object->put_back(place.node()); }) object->put_back(place.node());
  }
  Result result(Place&) { return then(); }
};

}  // namespace cohort::inline v0::ipc::detail
