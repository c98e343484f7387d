// SPDX-License-Identifier: BSL-1.0

// The fields of a base class cannot be named.
// expect: an aggregate with a base class cannot be taken apart: give it a member

#include <cohort/wire/codec.hpp>

struct Base {
  int x;
};
struct Derived : Base {
  int y;
#if !defined(MUST_NOT_COMPILE)
  template <class Archive>
  void serialize(Archive& archive) {
    archive(x, y);
  }
#endif
};

void use(cohort::OutArchive& out) { out(Derived{{1}, 2}); }
