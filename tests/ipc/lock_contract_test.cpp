// SPDX-License-Identifier: BSL-1.0
// ipc::Lock under the contract of cohort's, in one process.

#include "ipc/names.hpp"

#include "contract/lock_contract.hpp"
