// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Terminals, as every POSIX system knows them.

#include <unistd.h>

namespace cohort::inline v0::os {

inline bool stderr_is_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace cohort::inline v0::os
