// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Linux: the loaded images as the dynamic linker lists them. An image is known by its build-id, or
/// by a hash of its code where it was linked without one.

#include <elf.h>
#include <link.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cohort/os/standard/code_place.hpp"  // CodePlace

namespace cohort::inline v0::os {
namespace linux_image {

using Address = std::uintptr_t;

inline std::uint64_t hash(std::uint64_t seed, const void* data, std::size_t n) noexcept {
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (; n >= 8; n -= 8, bytes += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes, 8);
    seed = (seed ^ word) * 0x9e3779b97f4a7c15u;
    seed ^= seed >> 29;
  }
  for (; n > 0; --n, ++bytes) seed = (seed ^ *bytes) * 0x100000001b3u;
  return seed;
}

/// The program's headers of one image, which lie in its memory.
struct Image {
  Address base = 0;
  const ElfW(Phdr) * headers = nullptr;
  std::size_t count = 0;

  bool has_code_at(Address address) const noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      const auto& h = headers[i];
      if (h.p_type == PT_LOAD && (h.p_flags & PF_X) != 0 && address >= base + h.p_vaddr &&
          address - base - h.p_vaddr < h.p_memsz) {
        return true;
      }
    }
    return false;
  }
  /// Never 0.
  std::uint64_t id() const noexcept {
    std::uint64_t result = 0;
    for (std::size_t i = 0; i < count && result == 0; ++i) {
      if (headers[i].p_type == PT_NOTE) result = build_id(headers[i]);
    }
    for (std::size_t i = 0; i < count && result == 0; ++i) {
      const auto& h = headers[i];
      if (h.p_type == PT_LOAD && (h.p_flags & PF_X) != 0 && (h.p_flags & PF_R) != 0) {
        result = hash(h.p_vaddr, pointer(h.p_vaddr), h.p_filesz);
      }
    }
    return result | 1;
  }

 private:
  const unsigned char* pointer(Address offset) const noexcept {
    return reinterpret_cast<const unsigned char*>(base + offset);
  }
  /// The hash of the note's build-id; 0 if there is none.
  std::uint64_t build_id(const ElfW(Phdr) & notes) const noexcept {
    const std::size_t align = notes.p_align == 8 ? 8 : 4;
    const auto round_up = [align](std::size_t n) { return (n + align - 1) / align * align; };
    for (std::size_t at = 0; at + sizeof(ElfW(Nhdr)) <= notes.p_memsz;) {
      ElfW(Nhdr) note;
      std::memcpy(&note, pointer(notes.p_vaddr + at), sizeof note);
      const std::size_t name = at + sizeof note;
      const std::size_t text = name + round_up(note.n_namesz);
      if (text + note.n_descsz > notes.p_memsz) return 0;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
          std::memcmp(pointer(notes.p_vaddr + name), "GNU", 4) == 0) {
        return hash(1, pointer(notes.p_vaddr + text), note.n_descsz);
      }
      at = text + round_up(note.n_descsz);
    }
    return 0;
  }
};

/// Calls visit(image) for each until it yields true. The program itself comes first.
template <class Visit>
void each(Visit visit) noexcept {
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* context) -> int {
        return (*static_cast<Visit*>(context))(
                   Image{info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum})
                   ? 1
                   : 0;
      },
      &visit);
}

/// The program itself is never unloaded, so nearly every question is answered without a lock.
struct Program {
  Program() noexcept {
    each([this](const Image& first) {
      image = first;
      return true;
    });
    id = image.id();
  }
  Image image;
  std::uint64_t id;
};
inline const Program& program() noexcept {
  static const Program it;
  return it;
}

}  // namespace linux_image

inline CodePlace place_of_code(const void* code) noexcept {
  const auto address = reinterpret_cast<linux_image::Address>(code);
  const auto& program = linux_image::program();
  if (program.image.has_code_at(address)) return {program.id, address - program.image.base};
  CodePlace place;
  linux_image::each([&](const linux_image::Image& image) {
    if (!image.has_code_at(address)) return false;
    place = {image.id(), address - image.base};
    return true;
  });
  return place;
}

inline FoundCode code_at(const CodePlace& place) noexcept {
  const auto in = [&place](const linux_image::Image& image) -> FoundCode {
    const auto address = image.base + static_cast<linux_image::Address>(place.offset);
    if (!image.has_code_at(address)) return {nullptr, true};
    return {reinterpret_cast<const void*>(address), true};
  };
  const auto& program = linux_image::program();
  if (place.image == program.id) return in(program.image);
  FoundCode found;
  linux_image::each([&](const linux_image::Image& image) {
    if (place.image != image.id()) return false;
    found = in(image);
    return true;
  });
  return found;
}

}  // namespace cohort::inline v0::os
