// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A platform whose processes are not supported yet: the same names, of which those that would make
/// something throw UsageError. So what needs processes compiles, and says so when it is used.

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cohort/error.hpp"        // UsageError
#include "cohort/os/deadline.hpp"  // TimePoint

namespace cohort::inline v0::os {

inline constexpr bool has_processes = false;

[[noreturn]] inline void refuse_processes() {
  throw UsageError("processes and what they share are not supported on this platform yet");
}
[[noreturn]] inline void throw_system_error(const char* call) {
  throw std::system_error(errno, std::generic_category(), call);
}

using ProcessId = int;
inline constexpr int signal_to_terminate = 15;
inline constexpr int signal_to_kill = 9;

class Descriptor {
 public:
  int get() const noexcept { return -1; }
  explicit operator bool() const noexcept { return false; }
  void close() noexcept {}
};

namespace shared_memory {
inline Descriptor create() { refuse_processes(); }
inline std::byte* map(int, std::size_t) { refuse_processes(); }
inline void unmap(std::byte*, std::size_t) noexcept {}
inline bool extend(int, std::uint64_t, std::uint64_t) noexcept { return false; }
}  // namespace shared_memory
inline void wait_shared(const std::atomic<std::uint32_t>&, std::uint32_t, TimePoint) noexcept {}
inline void wake_shared(const std::atomic<std::uint32_t>&) noexcept {}

inline ProcessId this_process_id() noexcept { return 1; }
inline ProcessId parent_process_id() noexcept { return 0; }
inline std::uint64_t start_time(ProcessId) noexcept { return 0; }
inline std::atomic<bool> without_process_descriptors{true};
inline Descriptor open_process(ProcessId) noexcept { return {}; }

struct SignalMask {
  static SignalMask current() noexcept { return {}; }
  void apply() const noexcept {}
};
inline void start_library_thread(void* (*)(void*), void*) { refuse_processes(); }
inline ProcessId fork_process() { refuse_processes(); }
inline void die_with(ProcessId) noexcept {}
inline void forget_standard_input() noexcept {}
[[noreturn]] inline void exit_now(int code) noexcept { std::_Exit(code); }
inline void on_exit_with_code(void (*)(int)) noexcept {}
enum class Reaped { not_yet, ended, by_others };
inline Reaped reap(ProcessId, const Descriptor&, int&) noexcept { return Reaped::by_others; }
inline void send_signal(ProcessId, const Descriptor&, int) noexcept {}

inline bool wait_readable(int, TimePoint) noexcept { return false; }
inline Descriptor make_flag() { refuse_processes(); }
inline void set_flag(const Descriptor&) noexcept {}
inline void clear_flag(const Descriptor&) noexcept {}
struct DescriptorSet {
  bool add(int, std::uint64_t) noexcept { return false; }
  void remove(int) noexcept {}
  std::size_t wait(std::uint64_t*, std::size_t, TimePoint) noexcept { return 0; }
};

inline unsigned count_threads() noexcept { return 0; }
inline void random_bytes(void*, std::size_t) { refuse_processes(); }

struct Inheritance {
  Descriptor channel;
  Descriptor memory;
  std::uint64_t member = 0;
};
inline Inheritance& inheritance() {
  static Inheritance none;
  return none;
}
inline ProcessId start_program(const Descriptor&, const Descriptor&, std::uint64_t,
                               const SignalMask&) {
  refuse_processes();
}
inline Descriptor make_message(const void*, std::size_t) { refuse_processes(); }
inline std::vector<std::byte> read_message(const Descriptor&) { refuse_processes(); }
struct SocketPair {
  Descriptor mine;
  Descriptor other;
};
inline SocketPair make_socket_pair() { refuse_processes(); }
inline bool send_packet(const Descriptor&, std::int64_t, const int*, std::size_t) noexcept {
  return false;
}
inline bool receive_packet(const Descriptor&, std::int64_t&, std::array<Descriptor, 4>&) noexcept {
  return false;
}
inline ProcessId clone_for_parent() noexcept { return -1; }
struct Surroundings {
  std::vector<std::string> environment;
  static Surroundings of_here(const SignalMask&) { refuse_processes(); }
  void apply() const {}
};
inline Descriptor open_working_directory() noexcept { return {}; }
inline void enter_directory(const Descriptor&) noexcept {}
inline void put_in_place(const Descriptor&, int) noexcept {}
inline bool is_open(int) noexcept { return false; }

}  // namespace cohort::inline v0::os
