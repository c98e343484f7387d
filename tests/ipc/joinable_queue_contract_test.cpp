// SPDX-License-Identifier: BSL-1.0
// ipc::JoinableQueue under the contract of cohort's, in one process.

#include "ipc/names.hpp"

#include "contract/joinable_queue_contract.hpp"
