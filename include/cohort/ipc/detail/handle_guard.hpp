// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What `hold()` of a handle yields: a guard that keeps what it holds alive.

#include <utility>

#include "cohort/sync/guard.hpp"  // Guard

namespace cohort::inline v0 {

/// For classes that say `holds_by_handle`; gives back through their `give_back()`.
template <class H>
requires(H::holds_by_handle) class [[nodiscard(
    "a dropped guard releases at once: keep it in a variable")]] Guard<H> {
 public:
  /// For the library: adopts what was acquired.
  explicit Guard(const H& handle) : handle_(handle), owns_(true) {}
  Guard(Guard && other) noexcept
      : handle_(std::move(other.handle_)), owns_(std::exchange(other.owns_, false)) {}
  Guard& operator=(Guard&& other) noexcept {
    Guard(std::move(other)).swap(*this);
    return *this;
  }
  ~Guard() {
    if (owns_) handle_.give_back();
  }
  void swap(Guard & other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(owns_, other.owns_);
  }

  /// Whether it still holds.
  bool owns() const noexcept { return owns_; }
  /// Releases now.
  void release() {
    if (std::exchange(owns_, false)) handle_.give_back();
  }

 private:
  H handle_;
  bool owns_;
};

namespace ipc::detail {
/// What an acquiring operation makes for `hold()`.
template <class H>
struct MakeHandleGuard {
  H handle;
  Guard<H> operator()() const { return Guard<H>(handle); }
};
}  // namespace ipc::detail

}  // namespace cohort::inline v0
