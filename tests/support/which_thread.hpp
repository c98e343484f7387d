// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Which thread runs this, asked so that it is right in a coroutine, too: clang before 17 takes
/// std::this_thread::get_id() to be the same before and after a suspension (LLVM 47179), so it must
/// not see that this is about it.

#include <thread>

#include "cohort/config.hpp"

namespace {

[[maybe_unused]] COHORT_NOINLINE std::thread::id which_thread() {
  std::thread::id id = std::this_thread::get_id();
  asm volatile("" : : "r"(&id) : "memory");
  return id;
}

}  // namespace
