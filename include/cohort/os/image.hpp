// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Where code lies, in a way that means the same in another process of this program, whatever
/// addresses the system gave either of them. Apart from select.hpp because few need it. A port
/// implements:
///
///   place_of_code(address)  the image (program or library) whose code it is, and the offset in it
///   code_at(place)          the address here; null if that image is not loaded here, or has no
///                           code at that offset as far as the system can tell

#include "cohort/config.hpp"  // which layer is forced

#if defined(COHORT_FORCE_PORTABLE) || defined(_WIN32)
#include "cohort/os/standard/image.hpp"  // distances inside one image
#elif defined(__linux__) && !defined(COHORT_FORCE_POLL)
#include "cohort/os/linux/image.hpp"  // dl_iterate_phdr, build-id
#else
#include "cohort/os/posix/image.hpp"  // dladdr
#endif
