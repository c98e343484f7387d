// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ProcessOf: the base of a class with a run() of its own that can be started in every way.
///
///     class Cook : public ProcessOf<Cook> {
///      public:
///       std::string dish;
///       void run() override { … }
///       template <class Archive>
///       void serialize(Archive& archive) { archive(dish); }
///     };
///
/// Where the child does not inherit the object, as with spawn and forkserver, it gets a copy: made
/// by the default constructor, filled by `serialize`.

#include <concepts>
#include <type_traits>
#include <utility>

#include "cohort/ipc/process.hpp"            // Process
#include "cohort/wire/codec.hpp"             // Serializable
#include "cohort/wire/shipped_function.hpp"  // thunks

namespace cohort::inline v0 {

template <class Self>
class ProcessOf : public Process {
 protected:
  explicit ProcessOf(ProcessOptions options = {}) : Process(std::move(options)) {}

  bool ship(OutArchive* out) const override {
    static_assert(std::derived_from<Self, ProcessOf>, "write class Cook : public ProcessOf<Cook>");
    static_assert(std::is_default_constructible_v<Self> && Serializable<Self>,
                  "ProcessOf<Self>: Self needs a default constructor and a member "
                  "`template <class Archive> void serialize(Archive& archive)` for its data, to be "
                  "made anew in the child");
    if (out) {
      detail::put_place(*out, detail::Registered<Arrival>::record.place());
      (*out)(static_cast<const Self&>(*this));
    }
    return true;
  }

 private:
  struct Arrival {
    static void run(InArchive& in, OutArchive&, CallRunner&) {
      Self self = in.read<Self>();
      in.finish();
      ipc::detail::ThisProcess::get().forget_children();  // the copy is none
      self.run();
    }
  };
};

namespace ipc {
using cohort::v0::ProcessOf;
}  // namespace ipc

}  // namespace cohort::inline v0
