// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ipc::Buffer<T>: a block of shared memory that moves through queues and pools as a handle; the
/// elements are never copied.
///
///     ipc::Buffer<float> image(1920 * 1080);
///     fill(image.span());
///     co_await images.put(image);                   // eight bytes go through the queue

#include <concepts>
#include <cstddef>
#include <span>
#include <utility>

#include "cohort/ipc/detail/value_object.hpp"  // ValueObject

namespace cohort::inline v0::ipc {

/// A handle: copies are the same memory, which lasts until the last of them is gone, wherever. Whoever
/// has one may read and write; that they do not do so at the same time is up to them: who sends a
/// buffer on usually drops his own handle.
template <class T>
class Buffer : public detail::Handle<detail::ValueObject> {
  static_assert(std::is_trivially_copyable_v<T>,
                "an ipc::Buffer lies in shared memory: T must be trivially copyable");

 public:
  using value_type = T;

  /// `size` elements, all zero: 0 or more, else std::invalid_argument. Throws std::system_error if
  /// the shared memory is full.
  template <std::integral Int>
  explicit Buffer(Int size)
      : Handle(std::in_place, detail::checked_size(size, "ipc::Buffer"), std::uint64_t{sizeof(T)}) {
  }
  /// For the library.
  explicit Buffer(ByName by_name) noexcept : Handle(by_name) {}

  std::size_t size() const { return static_cast<std::size_t>(object().count); }
  T* data() const { return object().template elements<T>(); }
  std::span<T> span() const { return {data(), size()}; }
  T& operator[](std::size_t i) const { return data()[i]; }
  T* begin() const { return data(); }
  T* end() const { return data() + size(); }
};

}  // namespace cohort::inline v0::ipc
