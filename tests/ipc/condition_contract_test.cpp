// SPDX-License-Identifier: BSL-1.0
// ipc::Condition under the contract of cohort's, in one process.

#include "ipc/names.hpp"

#include "contract/condition_contract.hpp"
