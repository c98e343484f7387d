// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a timed wait yields: `optional<T>`, `bool` where T is void, and `Timed<T>` where the wait
/// yields an optional already.

#include <optional>
#include <type_traits>
#include <utility>

#include "cohort/os/deadline.hpp"  // TimePoint

namespace cohort::inline v0 {

/// The result of a timed `recv` or `next`: a value, or why there is none.
///
///     auto x = co_await rx.recv().within(1s);
///     if (x) use(*x);
///     else if (x.timed_out()) …   // try again later
///     else …                      // closed: nothing will come any more
template <class T>
class Timed {
 public:
  /// Timed out.
  Timed() noexcept : value_(std::nullopt) {}
  /// Ended in time: with a value, or closed.
  explicit Timed(std::optional<T> value) : value_(std::move(value)), closed_(!value_) {}

  explicit operator bool() const noexcept { return value_.has_value(); }
  bool has_value() const noexcept { return value_.has_value(); }
  bool timed_out() const noexcept { return !value_ && !closed_; }
  bool closed() const noexcept { return closed_; }

  operator std::optional<T>() const& { return value_; }
  operator std::optional<T>() && { return std::move(value_); }

  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return *std::move(value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }
  T& value() & { return value_.value(); }
  const T& value() const& { return value_.value(); }
  T&& value() && { return std::move(value_).value(); }

  /// Whether it has this value; or, with std::nullopt, none.
  template <class U>
  friend bool operator==(const Timed& timed, const U& value) {
    return timed.value_ == value;
  }

 private:
  std::optional<T> value_;
  bool closed_ = false;
};

namespace detail {

template <class T>
struct TimedForm {
  using type = std::optional<std::remove_cvref_t<T>>;
  template <class Get>
  static type in_time(Get get) {
    return type(get());
  }
  static type late() { return {}; }
};
template <>
struct TimedForm<void> {
  using type = bool;
  template <class Get>
  static bool in_time(Get get) {
    get();
    return true;
  }
  static bool late() { return false; }
};
template <class T>
struct TimedForm<std::optional<T>> {
  using type = Timed<T>;
  template <class Get>
  static type in_time(Get get) {
    return type(get());
  }
  static type late() { return {}; }
};

/// How long a wait may take: for ever, for a while from its start, or until a time point.
class Limit {
 public:
  Limit() = default;
  template <class Rep, class Period>
  static Limit within(std::chrono::duration<Rep, Period> d) noexcept {
    return Limit(add_saturating(TimePoint{}, d).time_since_epoch(), true);
  }
  template <class AnyClock, class Duration>
  static Limit until(std::chrono::time_point<AnyClock, Duration> t) noexcept {
    using Wide = std::chrono::duration<long double, Clock::period>;
    const auto point = std::chrono::duration_cast<Wide>(t.time_since_epoch());
    if constexpr (std::is_same_v<AnyClock, Clock>) {
      if (point >= Wide(Clock::duration::max())) return Limit();
      if (point <= Wide(Clock::duration::zero())) return Limit(Clock::duration::zero(), true);
      return Limit(std::chrono::ceil<Clock::duration>(t.time_since_epoch()), false);
    } else {  // another clock is looked at once, now
      return within(point - std::chrono::duration_cast<Wide>(AnyClock::now().time_since_epoch()));
    }
  }

  bool for_ever() const noexcept { return value_ == Clock::duration::max(); }
  /// The deadline of a wait that starts now.
  TimePoint deadline(TimePoint now) const noexcept {
    return relative_ ? add_saturating(now, value_) : TimePoint{value_};
  }
  /// Means "try once".
  bool at_once() const noexcept { return relative_ && value_ <= Clock::duration::zero(); }

 private:
  Limit(Clock::duration value, bool relative) noexcept : value_(value), relative_(relative) {}
  Clock::duration value_ = Clock::duration::max();
  bool relative_ = true;
};

}  // namespace detail
}  // namespace cohort::inline v0
