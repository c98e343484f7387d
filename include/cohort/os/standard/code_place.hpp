// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What every image.hpp yields and takes.

#include <cstdint>

namespace cohort::inline v0::os {

/// A place in the code of an image. Image 0 is none.
struct CodePlace {
  std::uint64_t image = 0;
  std::uint64_t offset = 0;
};

struct FoundCode {
  const void* address = nullptr;
  bool image_is_loaded = false;
};

}  // namespace cohort::inline v0::os
