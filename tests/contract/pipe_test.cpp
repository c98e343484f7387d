// SPDX-License-Identifier: BSL-1.0
// Pipe under contract: whoever waits, and however.

#include "contract/pipe_contract.hpp"
