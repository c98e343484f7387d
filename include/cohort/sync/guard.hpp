// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Guard: what `hold()` yields; gives back in its destructor what was acquired.

#include <utility>

namespace cohort::inline v0 {

/// Movable; releases once. May be destroyed on another thread than the one that acquired.
///
///     auto held = co_await lock.hold();
template <class Primitive>
class [[nodiscard("a dropped guard releases at once: keep it in a variable")]] Guard {
 public:
  /// For the library: adopts what was acquired.
  explicit Guard(Primitive & primitive) noexcept : primitive_(&primitive) {}
  Guard(Guard && other) noexcept : primitive_(std::exchange(other.primitive_, nullptr)) {}
  Guard& operator=(Guard&& other) noexcept {
    Guard(std::move(other)).swap(*this);
    return *this;
  }
  ~Guard() {
    if (primitive_) primitive_->release();
  }
  void swap(Guard & other) noexcept { std::swap(primitive_, other.primitive_); }

  /// Whether it still holds.
  bool owns() const noexcept { return primitive_ != nullptr; }
  /// Releases now.
  void release() {
    if (primitive_) std::exchange(primitive_, nullptr)->release();
  }

 private:
  Primitive* primitive_;
};

namespace detail {
/// What AcquirePermit yields for `hold()`.
template <class Primitive>
struct MakeGuard {
  Primitive* primitive;
  Guard<Primitive> operator()() const noexcept { return Guard<Primitive>(*primitive); }
};
}  // namespace detail

}  // namespace cohort::inline v0
