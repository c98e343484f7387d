// SPDX-License-Identifier: BSL-1.0
// ipc::RLock under the contract of cohort's, in one process.

#include "ipc/names.hpp"

#include "contract/rlock_contract.hpp"
