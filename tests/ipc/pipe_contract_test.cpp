// SPDX-License-Identifier: BSL-1.0
// ipc::Pipe under the contract of cohort's, in one process.

#include "ipc/names.hpp"

#include "contract/pipe_contract.hpp"
