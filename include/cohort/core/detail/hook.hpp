// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the runtime calls back. Kept in one polymorphic base so that a suspended wait pays for one
/// table pointer only.

namespace cohort::inline v0::detail {

class Coroutine;
struct Context;

class Hook {
 public:
  /// The task was asked to stop.
  virtual void on_stop() noexcept {}
  /// The coroutine was taken from a ready queue with this hook attached: true lets it run, false
  /// leaves it where it is (the hook has seen to it).
  virtual bool on_resume(Coroutine&, Context&) noexcept { return true; }
  /// The coroutine was taken from a ready queue with this hook attached, because the executor drops
  /// what has not begun: true if that is so and both are gone.
  virtual bool on_drop(Coroutine&) noexcept { return false; }

 protected:
  Hook() = default;
  ~Hook() = default;
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;
};

}  // namespace cohort::inline v0::detail
