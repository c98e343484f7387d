// SPDX-License-Identifier: BSL-1.0
// Grant, time-out and stop race for waits at what processes share, in one process.

#include "ipc/names.hpp"

#include "contract/waiting_races_contract.hpp"
