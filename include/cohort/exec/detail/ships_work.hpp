// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the face of a pool asks about it: does its work stay in this process?

#include "cohort/exec/detail/chunk.hpp"    // mapped_t
#include "cohort/exec/detail/map_run.hpp"  // MapRun
#include "cohort/exec/launch.hpp"          // launched_t

namespace cohort::inline v0::detail {

/// A pool of other processes: it says itself what its maps are and yield.
template <class Pool>
inline constexpr bool ships_work = requires {
  typename Pool::Shipped;
};
template <class Pool, class Fn, class E>
struct MapOf {
  using Run = MapRun<Fn, E>;
  using Value = mapped_t<Fn, E>;
};
template <class Pool, class Fn, class E>
requires ships_work<Pool>
struct MapOf<Pool, Fn, E> {
  using Run = typename Pool::template Map<Fn, E>;
  using Value = typename Pool::template MapValue<Fn, E>;
};
template <class Pool, class Fn, class... Args>
struct ApplyOf {
  using type = launched_t<Fn, Args...>;
};
template <class Pool, class Fn, class... Args>
requires ships_work<Pool>
struct ApplyOf<Pool, Fn, Args...> {
  using type = typename Pool::template SubmitValue<Fn, Args...>;
};
template <class Pool, class Fn, class... Args>
using applied_t = typename ApplyOf<Pool, Fn, Args...>::type;

}  // namespace cohort::inline v0::detail
