// SPDX-License-Identifier: BSL-1.0

// Bytes over a connection that carries objects.
// expect: send_bytes and recv_bytes are for byte strings

#include <cohort/cohort.hpp>

#include <string>

cohort::Task<> use(cohort::Connection<int> numbers, cohort::Connection<std::string> texts) {
#if defined(MUST_NOT_COMPILE)
  co_await numbers.send_bytes("four");
#endif
  co_await numbers.send(4);
  co_await texts.send_bytes("four");
}
