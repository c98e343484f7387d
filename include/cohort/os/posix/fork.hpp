// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What runs around a fork.

#include <pthread.h>

namespace cohort::inline v0::os {

/// From now on every fork of this process calls `before`, then `in_parent` or `in_child`, on the
/// forking thread. Whether that could be arranged.
inline bool around_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept {
  return ::pthread_atfork(before, in_parent, in_child) == 0;
}

}  // namespace cohort::inline v0::os
