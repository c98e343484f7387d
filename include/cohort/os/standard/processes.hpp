// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A platform whose processes are not supported yet. What needs them says so when it is used.

namespace cohort::inline v0::os {

inline constexpr bool has_processes = false;

}  // namespace cohort::inline v0::os
