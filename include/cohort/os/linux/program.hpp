// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Linux: this program, started anew. The new process is told what it is by one environment
/// variable, which it removes; all else comes through the descriptors that this names. And the
/// system calls of the fork server: a clone that is its requester's child, descriptors that travel.

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "cohort/os/linux/children.hpp"  // SignalMask, Descriptor

extern "C" char** environ;  // NOLINT: POSIX has it so

namespace cohort::inline v0::os {

/// What a process that was started anew finds.
struct Inheritance {
  Descriptor channel;        // the message, or the fork server's socket; empty: it is none
  Descriptor memory;         // the family's
  std::uint64_t member = 0;  // who it is there; 0: the fork server
};

namespace detail {
inline constexpr char inheritance_variable[] = "COHORT_PROCESS";
inline constexpr int channel_descriptor = 3;
inline constexpr int memory_descriptor = 4;
}  // namespace detail

/// Read once, before main.
inline Inheritance& inheritance() {
  static Inheritance* const inheritance = [] {
    auto* const found = new Inheritance;  // never destroyed
    if (const char* const text = std::getenv(detail::inheritance_variable)) {
      found->member = std::strtoull(text, nullptr, 10);
      found->channel = Descriptor(detail::channel_descriptor);
      found->memory = Descriptor(detail::memory_descriptor);
      ::fcntl(detail::channel_descriptor, F_SETFD, FD_CLOEXEC);
      ::fcntl(detail::memory_descriptor, F_SETFD, FD_CLOEXEC);
      ::unsetenv(detail::inheritance_variable);
    }
    return found;
  }();
  return *inheritance;
}

/// Starts this program again, with nothing but its name, the environment, descriptors 1 and 2, and
/// these two. Throws std::system_error.
template <class = void>
ProcessId start_program(const Descriptor& channel, const Descriptor& memory, std::uint64_t member,
                        const SignalMask& mask) {
  // Out of the way of the numbers that they get there.
  const Descriptor from_channel(::fcntl(channel.get(), F_DUPFD_CLOEXEC, 16));
  const Descriptor from_memory(::fcntl(memory.get(), F_DUPFD_CLOEXEC, 16));
  if (!from_channel || !from_memory) throw_system_error("fcntl");

  std::string variable = std::string(detail::inheritance_variable) + '=' + std::to_string(member);
  std::vector<char*> environment;
  for (char** at = environ; at && *at; ++at) environment.push_back(*at);
  environment.push_back(variable.data());
  environment.push_back(nullptr);
  char name[256] = "cohort";
  if (const int fd = ::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC); fd >= 0) {
    const auto size = ::read(fd, name, sizeof name - 1);
    name[size > 0 ? size : 0] = '\0';
    ::close(fd);
  }
  char* const arguments[] = {name, nullptr};

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, from_channel.get(), detail::channel_descriptor);
  ::posix_spawn_file_actions_adddup2(&actions, from_memory.get(), detail::memory_descriptor);
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
  ::posix_spawn_file_actions_addclosefrom_np(&actions, detail::memory_descriptor + 1);
#endif
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  ::posix_spawnattr_setsigmask(&attributes, &mask.get());
  ProcessId pid = 0;
  const int error =
      ::posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, arguments, environment.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), "posix_spawn");
  return pid;
}

/// A message as a descriptor, of any size.
template <class = void>
Descriptor make_message(const void* bytes, std::size_t size) {
  Descriptor message(static_cast<int>(::syscall(SYS_memfd_create, "cohort-message", 1U)));
  if (!message) throw_system_error("memfd_create");
  const auto* at = static_cast<const char*>(bytes);
  for (std::size_t left = size; left > 0;) {
    const auto n = ::write(message.get(), at, left);
    if (n < 0 && errno != EINTR) throw_system_error("write");
    if (n > 0) {
      at += n;
      left -= static_cast<std::size_t>(n);
    }
  }
  return message;
}
template <class = void>
std::vector<std::byte> read_message(const Descriptor& message) {
  struct stat status {};
  if (::fstat(message.get(), &status) != 0) throw_system_error("fstat");
  std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
  for (std::size_t at = 0; at < bytes.size();) {
    const auto n =
        ::pread(message.get(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw_system_error("pread");
    at += static_cast<std::size_t>(n);
  }
  return bytes;
}

/// Two ends that keep the bounds of messages.
struct SocketPair {
  Descriptor mine;
  Descriptor other;
};
template <class = void>
SocketPair make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw_system_error("socketpair");
  }
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// One value, and up to four descriptors with it. False: the other end is gone.
inline bool send_packet(const Descriptor& socket, std::int64_t value, const int* descriptors,
                        std::size_t count) noexcept {
  iovec part{&value, sizeof value};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (count != 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
  }
  for (;;) {
    if (::sendmsg(socket.get(), &message, MSG_NOSIGNAL) >= 0) return true;
    if (errno != EINTR) return false;
  }
}
template <class = void>
bool receive_packet(const Descriptor& socket, std::int64_t& value,
                    std::array<Descriptor, 4>& descriptors) noexcept {
  iovec part{&value, sizeof value};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n = 0;
  do {
    n = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n != sizeof value) return false;
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header && header->cmsg_type == SCM_RIGHTS) {
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count && i < descriptors.size(); ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      descriptors[i] = Descriptor(fd);
    }
  }
  return true;
}

/// A copy of this process, which must have one thread, as a child of its parent: 0 there; here its
/// id, or less than 0, with errno, if the system does not do that.
inline ProcessId clone_for_parent() noexcept {
  int* id_of_thread = nullptr;  // where the C library keeps it; PR_GET_TID_ADDRESS
  if (::prctl(40, &id_of_thread, 0, 0, 0) != 0 || !id_of_thread) return -1;
  void* robust = nullptr;
  std::size_t robust_size = 0;
  ::syscall(SYS_get_robust_list, 0, &robust, &robust_size);
  constexpr unsigned long flags =
      CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
  // The last two are in another order on some machines; the one that is no address is not used.
  const long pid = ::syscall(SYS_clone, flags, nullptr, nullptr, id_of_thread, id_of_thread);
  if (pid == 0 && robust) ::syscall(SYS_set_robust_list, robust, robust_size);
  return static_cast<ProcessId>(pid);
}

/// What a process takes from its surroundings, but for descriptors.
template <class = void>
struct BasicSurroundings {
  std::vector<std::string> environment;
  std::uint32_t file_mask = 022;
  std::array<unsigned char, sizeof(sigset_t)> signal_mask{};

  static BasicSurroundings of_here(const SignalMask& mask) {
    BasicSurroundings here;
    for (char** at = environ; at && *at; ++at) here.environment.emplace_back(*at);
    std::memcpy(here.signal_mask.data(), &mask.get(), sizeof(sigset_t));
    // umask() could only be asked by changing it, for all threads.
    if (std::FILE* const status = std::fopen("/proc/self/status", "re")) {
      char line[256];
      while (std::fgets(line, sizeof line, status)) {
        if (std::strncmp(line, "Umask:", 6) == 0) {
          here.file_mask = static_cast<std::uint32_t>(std::strtoul(line + 6, nullptr, 8));
        }
      }
      std::fclose(status);
    }
    return here;
  }
  void apply() const {
    ::clearenv();
    for (const std::string& entry : environment) {
      const auto equals = entry.find('=', 1);
      if (equals == std::string::npos) continue;
      ::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1);
    }
    ::umask(static_cast<mode_t>(file_mask));
    sigset_t mask;
    std::memcpy(&mask, signal_mask.data(), sizeof mask);
    ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  }
};
using Surroundings = BasicSurroundings<>;

/// The working directory, as a descriptor.
inline Descriptor open_working_directory() noexcept {
  return Descriptor(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
}
inline void enter_directory(const Descriptor& directory) noexcept {
  [[maybe_unused]] const int result = ::fchdir(directory.get());
}
/// `to` becomes what the descriptor is, or closed.
inline void put_in_place(const Descriptor& from, int to) noexcept {
  if (from) {
    ::dup2(from.get(), to);
  } else {
    ::close(to);
  }
}
inline bool is_open(int descriptor) noexcept { return ::fcntl(descriptor, F_GETFD) >= 0; }

}  // namespace cohort::inline v0::os
