// SPDX-License-Identifier: BSL-1.0
// ProcessPool under the contract of every pool.

#include "support/flavours.hpp"

#include "cohort/pool/process_pool.hpp"

#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)

namespace cohort::test {

template <int N>
struct Processes {
  ProcessPool executor{N};
};
using PoolHosts = testing::Types<Processes<1>, Processes<3>>;

}  // namespace cohort::test

#include "contract/pool_contract.hpp"

#endif
