// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Buffers seen as bytes, and messages that are byte strings.

#include <concepts>
#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>

namespace cohort::inline v0::detail {

template <class Byte>
concept ByteType =
    std::same_as<Byte, char> || std::same_as<Byte, unsigned char> || std::same_as<Byte, std::byte>;

/// A sequence of bytes that owns them: std::string, std::vector<std::byte> and the like.
template <class T>
concept ByteString = ByteType<typename T::value_type> && requires(const typename T::value_type* p) {
  T(p, p);
  { T(p, p).data() } -> std::same_as<typename T::value_type*>;
  T(p, p).size();
};

template <class Buffer>
using buffer_element_t = std::remove_pointer_t<decltype(std::data(std::declval<Buffer&>()))>;

/// Elements side by side that may be copied as bytes: a vector, an array, a span, a literal.
template <class Buffer>
concept ByteSource = std::is_trivially_copyable_v<buffer_element_t<Buffer>> &&
    requires(Buffer& buffer) {
  std::size(buffer);
};

/// One that can be written to, and lives on: named, or a view.
template <class Buffer>
concept ByteTarget = ByteSource<Buffer> && !std::is_const_v<buffer_element_t<Buffer>> &&
                     (std::is_lvalue_reference_v<Buffer> ||
                      std::same_as<buffer_element_t<Buffer>, buffer_element_t<const Buffer>>);

/// `Byte` is char or const char; bytes of whatever type may be looked at as that.
template <class Byte>
struct BytesOf {
  Byte* data;
  std::size_t size;
};
/// All of a buffer. A string literal ends before the NUL at its end.
template <class Buffer>
auto bytes_of(Buffer&& buffer) {
  using Element = buffer_element_t<Buffer>;
  using Byte = std::conditional_t<std::is_const_v<Element>, const char, char>;
  std::size_t count = std::size(buffer);
  using Given = std::remove_reference_t<Buffer>;
  if constexpr (std::is_array_v<Given> && std::is_same_v<Element, const char>) {
    if (buffer[count - 1] == '\0') --count;
  }
  return BytesOf<Byte>{reinterpret_cast<Byte*>(std::data(buffer)), count * sizeof(Element)};
}

}  // namespace cohort::inline v0::detail
