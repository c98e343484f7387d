// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Where an exception comes from, for those who cannot catch it by its type: the name of the type,
/// and the process. Apart from select.hpp because few need it.

#include <cstdlib>
#include <string>
#include <typeinfo>

#include "cohort/config.hpp"  // COHORT_HAS_CXXABI

#if defined(_WIN32)
#include <process.h>
#else
#include <unistd.h>
#endif
#if COHORT_HAS_CXXABI
#include <cxxabi.h>
#endif

namespace cohort::inline v0::os {

inline int own_process_id() noexcept {
#if defined(_WIN32)
  return ::_getpid();
#else
  return ::getpid();
#endif
}

/// The name of the type of the exception that is being handled; inside a catch block only.
template <class = void>
std::string type_of_current_exception() {
#if COHORT_HAS_CXXABI
  const std::type_info* const type = abi::__cxa_current_exception_type();
  if (!type) return "unknown";
  int status = 0;
  struct Readable {
    ~Readable() { std::free(text); }
    char* text;
  };
  const Readable readable{abi::__cxa_demangle(type->name(), nullptr, nullptr, &status)};
  return readable.text ? readable.text : type->name();
#else
  return "unknown";
#endif
}

}  // namespace cohort::inline v0::os
