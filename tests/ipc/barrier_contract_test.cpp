// SPDX-License-Identifier: BSL-1.0
// ipc::Barrier under the contract of cohort's, in one process.

#include "ipc/names.hpp"

#include "contract/barrier_contract.hpp"
