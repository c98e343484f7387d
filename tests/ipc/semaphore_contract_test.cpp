// SPDX-License-Identifier: BSL-1.0
// ipc::Semaphore under the contract of cohort's, in one process.

#include "ipc/names.hpp"

#include "contract/semaphore_contract.hpp"
