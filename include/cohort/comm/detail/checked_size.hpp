// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Sizes, capacities and offsets as the user gives them: of any integer type.

#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

namespace cohort::inline v0::detail {

/// Throws std::invalid_argument, which begins with `what`, if `given` is not from `least` to `most`.
template <std::integral Int>
std::size_t checked_size(const char* what, Int given, std::size_t least, std::size_t most) {
  if (std::cmp_less(given, least) || std::cmp_greater(given, most)) {
    throw std::invalid_argument(std::string(what) + " is " + std::to_string(given) + ", must be " +
                                std::to_string(least) + " to " + std::to_string(most));
  }
  return static_cast<std::size_t>(given);
}

/// No channel holds more: 2^40 - 1 items, where that can be counted.
inline constexpr std::size_t largest_capacity = static_cast<std::size_t>(-1) >>
                                                (sizeof(std::size_t) > 4 ? 24 : 1);

}  // namespace cohort::inline v0::detail
