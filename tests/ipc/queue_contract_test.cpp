// SPDX-License-Identifier: BSL-1.0
// ipc::Queue under the contract of cohort's, in one process.

#include "ipc/names.hpp"

#include "contract/queue_contract.hpp"
