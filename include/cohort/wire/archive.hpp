// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Archives: values into bytes and back. The layout is fixed: little-endian, packed, lengths in
/// eight bytes; a value's type is not in it, so both sides must name the same one.
///
///     OutArchive out;                     InArchive in(out.bytes());
///     out(name, sizes, 1.5);              in(name, sizes, ratio);       // or auto n = in.read<int>();
///
/// An OutArchive grows, or writes into a given place, or only counts. An InArchive trusts nothing
/// it reads. What can be written and read is said in codec.hpp, which is the header to include.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>

#include "cohort/config.hpp"  // COHORT_COLD
#include "cohort/error.hpp"   // CodecError

namespace cohort::inline v0 {

class OutArchive;
class InArchive;

namespace detail {
template <class T>
void put_value(OutArchive& out, const T& value);  // codec.hpp
template <class T>
T get_value(InArchive& in);
template <class T>
void fill_value(InArchive& in, T& value);

/// One level of nesting, as long as it lives.
class Level {
 public:
  explicit Level(std::size_t& depth) noexcept : depth_(depth) { ++depth_; }
  ~Level() { --depth_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

 private:
  std::size_t& depth_;
};
}  // namespace detail

/// What a message may ask of its reader, beyond what the number of its bytes allows.
struct DecodeLimits {
  /// Containers within containers, aggregates within aggregates, and so on.
  std::size_t depth = 256;
  /// Bytes that the elements of all containers take in memory.
  std::size_t memory = SIZE_MAX;
  /// Whether function pointers are accepted: only from a process of the same family.
  bool functions = true;
};

/// Writes values. One thread at a time.
class OutArchive {
 public:
  static constexpr bool writing = true;
  /// To count the bytes and write none.
  struct Count {};

  /// Grows as needed; the first bytes need no allocation.
  OutArchive() noexcept : next_(own_), end_(own_ + sizeof own_), begin_(own_), kind_(Kind::grows) {}
  /// Writes into `place`; throws CodecError if that is too small.
  explicit OutArchive(std::span<std::byte> place) noexcept
      : next_(place.data()), end_(next_ + place.size()), begin_(next_), kind_(Kind::fixed) {}
  explicit OutArchive(Count) noexcept : kind_(Kind::counts) {}
  OutArchive(const OutArchive&) = delete;
  OutArchive& operator=(const OutArchive&) = delete;
  ~OutArchive() { delete[] block_; }

  /// Appends the values, in order. Throws CodecError where one cannot be encoded.
  template <class... T>
  OutArchive& operator()(const T&... values) {
    (detail::put_value(*this, values), ...);
    return *this;
  }
  /// Appends bytes as they are.
  void write(const void* from, std::size_t n) {
    if (n <= room()) {
      if (n == 0) return;  // `from` may be null
      std::memcpy(next_, from, n);
      next_ += n;
    } else if (kind_ == Kind::counts) {
      counted_ += n;
    } else {
      spill(from, n);
    }
  }

  /// How much was written, or counted.
  std::size_t size() const noexcept { return counted_ + static_cast<std::size_t>(next_ - begin_); }
  /// What was written, until more is. Empty if it only counts.
  std::span<const std::byte> bytes() const noexcept {
    return {begin_, static_cast<std::size_t>(next_ - begin_)};
  }
  /// Takes back what was written after the first `n` bytes. An archive that grew keeps its memory,
  /// so that `truncate(0)` makes it ready for the next message.
  void truncate(std::size_t n) noexcept {
    if (kind_ == Kind::counts) {
      counted_ = n;
    } else {
      next_ = begin_ + n;
    }
  }

  /// For codecs: entered once for each value that holds others, so that a structure too deep to be
  /// read fails where it is written.
  detail::Level descend() {
    if (depth_ >= DecodeLimits{}.depth) too_deep();
    return detail::Level(depth_);
  }
  /// For layers above: what they keep with a message while it is encoded.
  void* context() const noexcept { return context_; }
  void set_context(void* context) noexcept { context_ = context; }

 private:
  enum class Kind : unsigned char { grows, fixed, counts };

  std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - next_); }

  COHORT_COLD void spill(const void* from, std::size_t n) {
    if (kind_ == Kind::fixed) {
      throw CodecError("no room for " + std::to_string(n) + " bytes in a place of " +
                       std::to_string(end_ - begin_) + ", of which " + std::to_string(size()) +
                       " are written");
    }
    grow(n);
    write(from, n);
  }
  void grow(std::size_t n) {
    const std::size_t used = size();
    std::size_t capacity = static_cast<std::size_t>(end_ - begin_);
    capacity = n > capacity ? used + n : capacity * 2;
    auto* const block = new std::byte[capacity];
    std::memcpy(block, begin_, used);
    delete[] block_;
    begin_ = block_ = block;
    next_ = begin_ + used;
    end_ = begin_ + capacity;
  }
  [[noreturn]] COHORT_COLD void too_deep() const {
    throw CodecError("nested deeper than " + std::to_string(depth_) + " levels");
  }

  // The written bytes are [begin_, next_), the room for more [next_, end_). All null if it counts.
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
  std::byte* begin_ = nullptr;
  std::byte* block_ = nullptr;  // if it grew out of own_
  std::size_t counted_ = 0;     // only if it counts
  std::size_t depth_ = 0;
  void* context_ = nullptr;
  Kind kind_;
  std::byte own_[256];
};

/// Reads values from bytes that it does not own. Every failure is a CodecError that says what is
/// wrong and where, and leaves the archive unusable. One thread at a time.
class InArchive {
 public:
  static constexpr bool writing = false;

  explicit InArchive(std::span<const std::byte> bytes, const DecodeLimits& limits = {}) noexcept
      : next_(bytes.data()), end_(next_ + bytes.size()), begin_(next_), limits_(limits) {}
  InArchive(const InArchive&) = delete;
  InArchive& operator=(const InArchive&) = delete;

  /// Reads into the variables, in order.
  template <class... T>
  InArchive& operator()(T&... values) {
    (detail::fill_value(*this, values), ...);
    return *this;
  }
  /// Reads one value.
  template <class T>
  T read() {
    return detail::get_value<std::remove_cv_t<T>>(*this);
  }
  /// Throws unless everything was read.
  void finish() const {
    if (remaining() != 0) fail(std::to_string(remaining()) + " bytes too many");
  }

  std::size_t position() const noexcept { return static_cast<std::size_t>(next_ - begin_); }
  std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - next_); }
  const DecodeLimits& limits() const noexcept { return limits_; }

  /// For codecs: the next n bytes, where they are.
  const std::byte* take(std::size_t n) {
    if (n > remaining()) cut_off(n);
    const std::byte* const here = next_;
    next_ += n;
    return here;
  }
  /// For codecs: how many elements follow, each of at least `least` bytes (1 or more) here and of
  /// `in_memory` bytes once they are read. No container may get memory for more.
  template <class Count = std::uint64_t>
  std::size_t count(std::size_t least, std::size_t in_memory) {
    const auto n = read<Count>();
    if (n > remaining() / least) too_many(n);
    claim(n, in_memory);
    return static_cast<std::size_t>(n);
  }
  /// For codecs: before n elements of `in_memory` bytes, 1 or more, get their memory.
  void claim(std::uint64_t n, std::size_t in_memory) {
    if (n > (limits_.memory - claimed_) / in_memory) too_large(n);
    claimed_ += static_cast<std::size_t>(n) * in_memory;
  }
  /// For codecs: entered once for each value that holds others.
  detail::Level descend() {
    if (depth_ >= limits_.depth) {
      fail("nested deeper than " + std::to_string(limits_.depth) + " levels");
    }
    return detail::Level(depth_);
  }
  /// For codecs: what is wrong with the bytes that end here.
  [[noreturn]] COHORT_COLD void fail(const std::string& what) const {
    throw CodecError("byte " + std::to_string(position()) + " of " + std::to_string(end_ - begin_) +
                     ": " + what);
  }
  /// For layers above: what they keep with a message while it is decoded.
  void* context() const noexcept { return context_; }
  void set_context(void* context) noexcept { context_ = context; }

 private:
  [[noreturn]] COHORT_COLD void cut_off(std::size_t n) const {
    fail("cut off: " + std::to_string(n) + " bytes wanted, " + std::to_string(remaining()) +
         " left");
  }
  [[noreturn]] COHORT_COLD void too_many(std::uint64_t n) const {
    fail("a length of " + std::to_string(n) + ", more than the " + std::to_string(remaining()) +
         " bytes that follow can hold");
  }
  [[noreturn]] COHORT_COLD void too_large(std::uint64_t n) const {
    fail("a length of " + std::to_string(n) + ", for which the limit of " +
         std::to_string(limits_.memory) + " bytes of memory does not suffice");
  }

  const std::byte* next_;
  const std::byte* end_;
  const std::byte* begin_;
  DecodeLimits limits_;
  std::size_t claimed_ = 0;  // of limits_.memory
  std::size_t depth_ = 0;
  void* context_ = nullptr;
};

}  // namespace cohort::inline v0
