// SPDX-License-Identifier: BSL-1.0

// A pointer deep inside is found, and the text says what to do.
// expect: a raw pointer cannot travel: it means nothing in another process. Pass the value

#include <cohort/wire/codec.hpp>

#include <optional>
#include <string>
#include <vector>

template <class Text>
struct Line {
  int number;
  Text text;
};

void use(cohort::OutArchive& out) {
#if defined(MUST_NOT_COMPILE)
  out(std::optional<std::vector<Line<const char*>>>());
#else
  out(std::optional<std::vector<Line<std::string>>>());
#endif
}
