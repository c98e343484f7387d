// SPDX-License-Identifier: BSL-1.0
// The waits of cohort::ipc under the contract of all waits.

#include "ipc/names.hpp"

#include "contract/waiting_subjects.hpp"

namespace cohort::test {

using Subjects = testing::Types<LockSubject, SemaphoreSubject, EventSubject>;
INSTANTIATE_TYPED_TEST_SUITE_P(Ipc, WaitingContract, Subjects);

}  // namespace cohort::test
