// SPDX-License-Identifier: BSL-1.0

// An awaitable of another library does not know how to resume a cohort coroutine.
// expect: a foreign awaitable cannot resume a cohort coroutine

#include <cohort/cohort.hpp>

#include <coroutine>

cohort::Task<> use() {
#if defined(MUST_NOT_COMPILE)
  co_await std::suspend_never{};
#endif
  co_await cohort::yield_now();
}
