// SPDX-License-Identifier: BSL-1.0

// A view read from a message would show memory that nobody owns.
// expect: a view cannot travel: it does not own what it shows. Pass std::string

#include <cohort/wire/codec.hpp>

#include <string>
#include <string_view>

template <class Text>
struct Named {
  int number;
  Text name;
};

void use(cohort::InArchive& in) {
#if defined(MUST_NOT_COMPILE)
  static_cast<void>(in.read<Named<std::string_view>>());
#else
  static_cast<void>(in.read<Named<std::string>>());
#endif
}
