// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Any POSIX system: what dladdr says about one image, that which has this header's code in it.
/// Code elsewhere has no place.

#include <dlfcn.h>

#include <cstdint>

#include "cohort/os/standard/code_place.hpp"  // CodePlace

namespace cohort::inline v0::os {
namespace posix {

inline const char image_anchor = 0;

inline std::uintptr_t image_base(const void* address) noexcept {
  Dl_info info{};
  return ::dladdr(address, &info) != 0 ? reinterpret_cast<std::uintptr_t>(info.dli_fbase) : 0;
}

}  // namespace posix

inline CodePlace place_of_code(const void* code) noexcept {
  const std::uintptr_t base = posix::image_base(&posix::image_anchor);
  if (base == 0 || posix::image_base(code) != base) return {};
  return {1, reinterpret_cast<std::uintptr_t>(code) - base};
}

inline FoundCode code_at(const CodePlace& place) noexcept {
  if (place.image != 1) return {};
  const std::uintptr_t base = posix::image_base(&posix::image_anchor);
  const auto* const code =
      reinterpret_cast<const void*>(base + static_cast<std::uintptr_t>(place.offset));
  if (base == 0 || posix::image_base(code) != base) return {nullptr, true};
  return {code, true};
}

}  // namespace cohort::inline v0::os
