// SPDX-License-Identifier: BSL-1.0

// Options of ASan for the executable of the model tests.

#include "fiber.hpp"  // COHORT_MODEL_ASAN

#if defined(COHORT_MODEL_ASAN)
// With a fake stack of megabytes for each fiber the tests take minutes and gigabytes.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "detect_stack_use_after_return=0"; }
#endif
