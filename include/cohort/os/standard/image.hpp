// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Nothing but the standard library: the distance from a variable of the same image, unchecked. It
/// holds for a program that is one image.

#include <cstdint>

#include "cohort/os/standard/code_place.hpp"  // CodePlace

namespace cohort::inline v0::os {
namespace standard {
inline const char image_anchor = 0;
inline std::uintptr_t anchor_address() noexcept {
  return reinterpret_cast<std::uintptr_t>(&image_anchor);
}
}  // namespace standard

inline CodePlace place_of_code(const void* code) noexcept {
  return {1, reinterpret_cast<std::uintptr_t>(code) - standard::anchor_address()};
}

inline FoundCode code_at(const CodePlace& place) noexcept {
  if (place.image != 1) return {};
  return {reinterpret_cast<const void*>(standard::anchor_address() +
                                        static_cast<std::uintptr_t>(place.offset)),
          true};
}

}  // namespace cohort::inline v0::os
