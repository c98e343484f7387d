// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Plain memory that processes share: what ipc::Value, Array and Buffer refer to.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "cohort/ipc/detail/handle.hpp"  // Handle
#include "cohort/ipc/rlock.hpp"          // RLock

namespace cohort::inline v0::ipc {
namespace detail {

/// Elements follow it, zeroed.
struct alignas(16) ValueObject {
  static constexpr Kind kind = Kind::value;

  ValueObject(std::uint64_t n, std::uint64_t) noexcept : count(n) {}
  static std::uint64_t size_for(std::uint64_t n, std::uint64_t element) {
    if (element != 0 && n > (std::numeric_limits<std::uint64_t>::max() >> 8) / element) {
      throw std::bad_alloc();
    }
    return sizeof(ValueObject) + n * element;
  }
  void bury(Member) noexcept {}
  template <class T>
  T* elements() noexcept {
    static_assert(std::is_trivially_copyable_v<T>,
                  "what lies in shared memory is read and written as bytes: the element must be "
                  "trivially copyable; put others through an ipc::Queue");
    static_assert(alignof(T) <= 16);
    return reinterpret_cast<T*>(this + 1);
  }

  ObjectHead head;
  const std::uint64_t count;
};

/// A number of elements, checked.
template <class Int>
std::uint64_t checked_size(Int n, const char* what) {
  if (std::cmp_less(n, 0)) {
    throw std::invalid_argument(std::string(what) + ": the size is " + std::to_string(n) +
                                ", must be 0 or more");
  }
  return static_cast<std::uint64_t>(n);
}

/// A handle to such memory, and to the lock that its users agree on.
template <class Object = ValueObject>
class LockedValue : public Handle<Object> {
  using Base = Handle<Object>;

 public:
  /// The lock of this value, for more than one access at a time. The same one at every call.
  const RLock& get_lock() const noexcept { return lock_; }

  // For the library: how it travels.
  void depart(OutArchive& out) const {
    Base::depart(out);
    lock_.depart(out);
  }
  void arrive(InArchive& in) {
    Base::arrive(in);
    lock_.arrive(in);
  }
  void book(Member member) const {
    Base::book(member);
    lock_.book(member);
  }

 protected:
  explicit LockedValue(ByName by_name) noexcept : Base(by_name), lock_(by_name) {}
  LockedValue(std::uint64_t count, std::uint64_t element, RLock lock)
      : Base(std::in_place, count, element), lock_(std::move(lock)) {}

 private:
  RLock lock_;
};

}  // namespace detail
}  // namespace cohort::inline v0::ipc
