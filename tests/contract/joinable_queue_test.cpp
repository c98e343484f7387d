// SPDX-License-Identifier: BSL-1.0
// JoinableQueue under contract: whoever waits, and however.

#include "contract/joinable_queue_contract.hpp"
