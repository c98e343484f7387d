// SPDX-License-Identifier: BSL-1.0
// ipc::Event under the contract of cohort's, in one process.

#include "ipc/names.hpp"

#include "contract/event_contract.hpp"
