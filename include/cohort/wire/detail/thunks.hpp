// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The thunks of this program: functions that read a call from bytes and make it. Naming one in a
/// template registers it before main, in every process of the program; nothing else is ever called
/// because some bytes say so.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "cohort/os/image.hpp"    // place_of_code, code_at
#include "cohort/wire/codec.hpp"  // OutArchive, InArchive

namespace cohort::inline v0 {

class CallRunner;  // remote_call.hpp

namespace detail {

using Thunk = void (*)(InArchive& in, OutArchive& out, CallRunner& runner);

inline const void* code_address(Thunk thunk) noexcept {
  return reinterpret_cast<const void*>(thunk);
}

/// The places of all thunks. Only grows: a library that comes back registers the same places. Any
/// thread, also while a library's constructors run on another.
class ThunkTable {
 public:
  static void add(const os::CodePlace& place) {
    if (has(place)) return;
    auto& first = bucket(place);
    auto* const node = new Node{place, first.load(std::memory_order_relaxed)};
    // Pairs with the acquire in has().
    while (!first.compare_exchange_weak(node->next, node, std::memory_order_release,
                                        std::memory_order_relaxed)) {}
  }
  static bool has(const os::CodePlace& place) noexcept {
    for (const Node* n = bucket(place).load(std::memory_order_acquire); n; n = n->next) {
      if (n->place.image == place.image && n->place.offset == place.offset) return true;
    }
    return false;
  }

 private:
  struct Node {
    os::CodePlace place;
    const Node* next;
  };
  static constexpr std::size_t size = 256;
  static std::atomic<const Node*>& bucket(const os::CodePlace& place) noexcept {
    static constinit std::atomic<const Node*> buckets[size]{};
    return buckets[(place.offset ^ place.offset >> 8) / 4 % size];
  }
};

class ThunkRecord {
 public:
  explicit ThunkRecord(Thunk thunk) : place_(os::place_of_code(code_address(thunk))) {
    if (place_.image != 0) ThunkTable::add(place_);
  }
  const os::CodePlace& place() const noexcept { return place_; }

 private:
  os::CodePlace place_;
};
/// `Call::run` is the thunk. Using the record is what registers it.
template <class Call>
struct Registered {
  static const ThunkRecord record;
};
template <class Call>
const ThunkRecord Registered<Call>::record{&Call::run};

/// So that a damaged place is not taken for one of this program.
inline std::uint32_t check_of(const os::CodePlace& place) noexcept {
  std::uint64_t x = place.image * 0x9e3779b97f4a7c15u + place.offset;
  x = (x ^ x >> 31) * 0xd6e8feb86659fd93u;
  return static_cast<std::uint32_t>(x >> 32);
}
template <class = void>
void put_place(OutArchive& out, const os::CodePlace& place) {
  if (place.image == 0) {
    throw CodecError("the function lies in no module that another process could find it in");
  }
  out(place.image, place.offset, check_of(place));
}
template <class = void>
os::CodePlace get_place(InArchive& in) {
  const auto image = in.read<std::uint64_t>();
  const auto offset = in.read<std::uint64_t>();
  const os::CodePlace place{image, offset};
  if (in.read<std::uint32_t>() != check_of(place)) in.fail("a damaged function address");
  return place;
}
/// Where it is here.
template <class = void>
const void* find_code(InArchive& in, const os::CodePlace& place) {
  const os::FoundCode found = os::code_at(place);
  if (!found.image_is_loaded) {
    in.fail(
        "a function of a program or library that is not loaded here, or of another build of it");
  }
  if (!found.address) in.fail("an address that is no function's");
  return found.address;
}
template <class = void>
Thunk get_thunk(InArchive& in) {
  const os::CodePlace place = get_place(in);
  const void* const address = find_code(in, place);
  if (!ThunkTable::has(place)) in.fail("a function that this program never calls so");
  return reinterpret_cast<Thunk>(reinterpret_cast<std::uintptr_t>(address));
}

}  // namespace detail
}  // namespace cohort::inline v0
