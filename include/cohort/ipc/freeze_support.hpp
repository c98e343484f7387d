// SPDX-License-Identifier: BSL-1.0
#pragma once
#include "cohort/ipc/process.hpp"
namespace cohort::inline v0 {
inline void freeze_support() {}
namespace ipc::detail {
inline int helper_pid() { return 0; }
}
}
