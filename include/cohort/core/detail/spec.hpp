// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a primitive's Spec may leave out (see core/operation.hpp), and what is then done.

#include <type_traits>

#include "cohort/core/waiter.hpp"  // Outcome

namespace cohort::inline v0::detail {

struct NotAtOnce {};
template <class Spec>
struct AtOnceOf {
  using type = NotAtOnce;
};
template <class Spec>
requires requires { typename Spec::AtOnce; }
struct AtOnceOf<Spec> {
  using type = typename Spec::AtOnce;
};

/// Takes the place of a wait that is decided otherwise out of its line; yields how it ends.
template <class Spec>
Outcome leave_line(Spec& spec, typename Spec::Place& place) noexcept {
  if constexpr (std::is_void_v<decltype(spec.disarm(place))>) {
    spec.disarm(place);
    return Outcome::cancelled;
  } else {
    return spec.disarm(place) ? Outcome::granted : Outcome::cancelled;
  }
}

}  // namespace cohort::inline v0::detail
