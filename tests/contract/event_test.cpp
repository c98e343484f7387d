// SPDX-License-Identifier: BSL-1.0
// Event: a flag, everybody who waits for it, and set() from anywhere.

#include "contract/event_contract.hpp"
