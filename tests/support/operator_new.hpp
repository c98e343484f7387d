// SPDX-License-Identifier: BSL-1.0
#pragma once

/// COHORT_TESTS_MAY_REPLACE_OPERATOR_NEW: ThreadSanitizer has its own operator new, beside which a
/// program can have no other, so what replaces it is not tested there.

#if defined(__SANITIZE_THREAD__)
#define COHORT_TESTS_MAY_REPLACE_OPERATOR_NEW 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COHORT_TESTS_MAY_REPLACE_OPERATOR_NEW 0
#endif
#endif
#ifndef COHORT_TESTS_MAY_REPLACE_OPERATOR_NEW
#define COHORT_TESTS_MAY_REPLACE_OPERATOR_NEW 1
#endif
