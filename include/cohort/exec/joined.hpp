// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Joined<Class>: an object of a Thread's subclass that is joined before its destructor begins.
///
///     struct Cook : Thread { void run() override { … } std::string dish; };
///     Joined<Cook> cook;
///     cook.start();                      // and at the end of the block it is joined, then destroyed

namespace cohort::inline v0 {

/// Constructed as the class itself. A base class's destructor comes too late to wait for a run()
/// that uses the members; this one's comes in time, also for a daemon.
template <class Class>
class Joined final : public Class {
 public:
  using Class::Class;
  Joined(Joined&&) = default;
  Joined& operator=(Joined&&) = default;
  ~Joined() override { this->finish(); }
};

}  // namespace cohort::inline v0
