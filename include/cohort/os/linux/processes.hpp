// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Linux: memory that processes share without a name, words they sleep on, and their ends.

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <system_error>

#include "cohort/os/deadline.hpp"  // TimePoint, never

namespace cohort::inline v0::os {

inline constexpr bool has_processes = true;

[[noreturn]] inline void throw_system_error(const char* call) {
  throw std::system_error(errno, std::generic_category(), call);
}

/// A descriptor that is closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = other.release();
    }
    return *this;
  }
  ~Descriptor() { close(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

/// Memory without a name, of which any process that has the descriptor may map the same bytes.
/// Sealed against shrinking; grows in place within what was reserved, without a new mapping.
namespace shared_memory {

inline Descriptor create() {
  const int fd = static_cast<int>(::syscall(SYS_memfd_create, "cohort", 0x0001U | 0x0002U));
  if (fd < 0) throw_system_error("memfd_create");  // MFD_CLOEXEC | MFD_ALLOW_SEALING
  Descriptor memory(fd);
  ::fcntl(fd, 1033, 0x0002);  // F_ADD_SEALS, F_SEAL_SHRINK
  return memory;
}

/// Maps `reserved` bytes from the start; those beyond what `extend` has promised must not be touched.
inline std::byte* map(int fd, std::size_t reserved) {
  void* const at =
      ::mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
  if (at == MAP_FAILED) throw_system_error("mmap");
  ::madvise(at, reserved, MADV_DONTDUMP);
  return static_cast<std::byte*>(at);
}

inline void unmap(std::byte* at, std::size_t size) noexcept { ::munmap(at, size); }

/// Promises the bytes [from, to): false, with errno, if there is no memory for them. Again: nothing.
inline bool extend(int fd, std::uint64_t from, std::uint64_t to) noexcept {
  for (;;) {
    if (::fallocate(fd, 0, static_cast<off_t>(from), static_cast<off_t>(to - from)) == 0)
      return true;
    if (errno != EINTR) return false;
  }
}

}  // namespace shared_memory

/// As wait_word and wake_word, for a word in shared memory.
inline void wait_shared(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                        TimePoint deadline) noexcept {
  const auto since_epoch = deadline.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch);
  timespec until{};
  until.tv_sec = static_cast<std::time_t>(seconds.count());
  until.tv_nsec = static_cast<long>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch - seconds).count());
  ::syscall(SYS_futex, static_cast<const void*>(&word), FUTEX_WAIT_BITSET, expected,
            deadline == detail::never ? nullptr : &until, nullptr, FUTEX_BITSET_MATCH_ANY);
}
inline void wake_shared(const std::atomic<std::uint32_t>& word) noexcept {
  const int saved = errno;  // a signal handler may be the caller
  ::syscall(SYS_futex, static_cast<const void*>(&word), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  errno = saved;
}

using ProcessId = pid_t;

inline ProcessId this_process_id() noexcept { return ::getpid(); }

/// What tells a process from a later one with the same number: when it started. 0 if it has ended,
/// reaped or not.
inline std::uint64_t start_time(ProcessId pid) noexcept {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[1024];
  const auto size = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (size <= 0) return 0;
  text[size] = '\0';
  // "pid (name) state ppid …": the name may hold anything, so from its last bracket on. The start
  // time is the 22nd field.
  const char* at = std::strrchr(text, ')');
  if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X') return 0;
  for (int field = 2; field < 22 && at; ++field) at = std::strchr(at + 1, ' ');
  return at ? std::strtoull(at + 1, nullptr, 10) : 0;
}

/// For tests: as on a system without descriptors of processes.
inline std::atomic<bool> without_process_descriptors{false};

/// A descriptor that becomes readable when the whole process has ended; none where the system does
/// not offer it, or the process is gone.
inline Descriptor open_process(ProcessId pid) noexcept {
  if (without_process_descriptors.load(std::memory_order_relaxed)) return Descriptor();
#ifndef SYS_pidfd_open
  constexpr long SYS_pidfd_open = 434;
#endif
  return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

}  // namespace cohort::inline v0::os
