// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Linux: how processes are made, watched, told to end, and reaped.

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "cohort/config.hpp"              // COHORT_TSAN
#include "cohort/os/linux/processes.hpp"  // Descriptor, ProcessId, open_process
#include "cohort/os/posix/signal.hpp"     // poll_timeout

namespace cohort::inline v0::os {

inline constexpr int signal_to_terminate = SIGTERM;
inline constexpr int signal_to_kill = SIGKILL;

inline ProcessId parent_process_id() noexcept { return ::getppid(); }

/// The signals that the calling thread does not take. A thread of the library takes none.
class SignalMask {
 public:
  /// The caller's.
  static SignalMask current() noexcept {
    SignalMask mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask.set_);
    return mask;
  }
  /// Blocks all, and yields what it was.
  static SignalMask block_all() noexcept {
    sigset_t all;
    sigfillset(&all);
    SignalMask before;
    ::pthread_sigmask(SIG_SETMASK, &all, &before.set_);
    return before;
  }
  void apply() const noexcept { ::pthread_sigmask(SIG_SETMASK, &set_, nullptr); }
  const sigset_t& get() const noexcept { return set_; }

 private:
  sigset_t set_{};
};

/// Runs `body(argument)` on a thread of its own that takes no signals and has the stack of a
/// process's first thread, as a child may go on on it. Throws std::system_error.
inline void start_library_thread(void* (*body)(void*), void* argument) {
  rlimit limit{};
  ::getrlimit(RLIMIT_STACK, &limit);
  constexpr std::size_t usual = std::size_t{8} << 20;
  const std::size_t stack =
      limit.rlim_cur > usual && limit.rlim_cur <= 8 * usual ? limit.rlim_cur : usual;
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, stack);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  const SignalMask before = SignalMask::block_all();
  pthread_t thread;
  const int error = ::pthread_create(&thread, &attributes, body, argument);
  before.apply();
  ::pthread_attr_destroy(&attributes);
  if (error != 0) throw std::system_error(error, std::generic_category(), "pthread_create");
}

/// A copy of this process with only the calling thread in it: 0 there, its id here.
inline ProcessId fork_process() {
  const ProcessId pid = ::fork();
  if (pid < 0) throw_system_error("fork");
  return pid;
}

/// From now on the calling process is killed when `parent` ends; at once if it has.
inline void die_with(ProcessId parent) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != parent) ::raise(SIGKILL);
}

/// Descriptor 0 is at its end from now on.
inline void forget_standard_input() noexcept {
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0) return;
  if (null == 0) {  // it was closed
    ::fcntl(0, F_SETFD, 0);
    return;
  }
  ::dup2(null, 0);
  ::close(null);
}

/// Ends the process with nothing run any more.
[[noreturn]] inline void exit_now(int code) noexcept { ::_exit(code); }

/// `call(code)` when the process exits, after all that is registered later.
inline void on_exit_with_code(void (*call)(int code)) noexcept {
#if defined(__GLIBC__)
  ::on_exit([](int code, void* f) { reinterpret_cast<void (*)(int)>(f)(code); },
            reinterpret_cast<void*>(call));
#else
  static void (*registered)(int) = nullptr;  // there is no way to learn what exit() was given
  registered = call;
  std::atexit([] { registered(0); });
#endif
}

/// What became of a child.
enum class Reaped { not_yet, ended, by_others };

/// Takes the status of a child that has ended; never waits. `process` may be an empty descriptor.
inline Reaped reap(ProcessId pid, const Descriptor& process, int& exitcode) noexcept {
  siginfo_t info{};
  const auto by_descriptor = static_cast<idtype_t>(3);  // P_PIDFD
  // Looked at before it is taken: whoever traces a child has also its stops here, asked for or not.
  for (const int also : {WNOWAIT, 0}) {
    for (;;) {
      const int options = WEXITED | WNOHANG | also;
      info.si_pid = 0;
      int result = -1;
      errno = EINVAL;
      if (process) {
        result = ::waitid(by_descriptor, static_cast<id_t>(process.get()), &info, options);
      }
      if (result != 0 && errno == EINVAL) {
        result = ::waitid(P_PID, static_cast<id_t>(pid), &info, options);
      }
      if (result == 0) break;
      if (errno != EINTR) return Reaped::by_others;
    }
    if (info.si_pid == 0 || info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED) {
      return Reaped::not_yet;
    }
  }
  exitcode = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
  return Reaped::ended;
}

/// Sends a signal to a process that has not been reaped yet.
inline void send_signal(ProcessId pid, const Descriptor& process, int signal) noexcept {
#ifndef SYS_pidfd_send_signal
  constexpr long SYS_pidfd_send_signal = 424;
#endif
  if (process && ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) == 0) return;
  if (!process || errno == ENOSYS) ::kill(pid, signal);
}

/// Whether something can be read there, or will be before the deadline.
inline bool wait_readable(int fd, TimePoint deadline) noexcept {
  for (;;) {
    pollfd p{fd, POLLIN, 0};
    const int n = ::poll(&p, 1, posix::poll_timeout(deadline));
    if (n > 0) return true;
    if (n == 0 || errno != EINTR) return false;
  }
}

/// A descriptor that is readable once `set_flag` was called for it.
inline Descriptor make_flag() { return Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }
inline void set_flag(const Descriptor& flag) noexcept {
  const int saved = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(flag.get(), &one, sizeof one);
  errno = saved;
}
inline void clear_flag(const Descriptor& flag) noexcept {
  std::uint64_t value = 0;
  [[maybe_unused]] const auto n = ::read(flag.get(), &value, sizeof value);
}

/// Descriptors of which each is waited for, once.
class DescriptorSet {
 public:
  DescriptorSet() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_) throw_system_error("epoll_create1");
  }
  /// `key` is what `wait` yields, again and again until it is removed.
  bool add(int fd, std::uint64_t key) noexcept {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = key;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  }
  void remove(int fd) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }
  /// Keys of those that are readable, at most `most`; none when the deadline is over.
  std::size_t wait(std::uint64_t* keys, std::size_t most, TimePoint deadline) noexcept {
    epoll_event events[16];
    const int n = ::epoll_wait(epoll_.get(), events, static_cast<int>(most < 16 ? most : 16),
                               posix::poll_timeout(deadline));
    for (int i = 0; i < n; ++i) keys[i] = events[i].data.u64;
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }

 private:
  Descriptor epoll_;
};

#if COHORT_TSAN
inline const ProcessId sanitized_process = ::getpid();
#endif

/// Threads of this process, without those that are about to end. 0: not known.
inline unsigned count_threads() noexcept {
  unsigned count = 0;
  const int directory = ::open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return 0;
  struct Entry {
    std::uint64_t inode;
    std::int64_t next;
    unsigned short length;
    unsigned char type;
    char name[1];
  };
  alignas(8) char buffer[4096];
  for (;;) {
    const long size = ::syscall(SYS_getdents64, directory, buffer, sizeof buffer);
    if (size <= 0) break;
    for (long at = 0; at < size;) {
      const char* const entry = buffer + at;
      unsigned short length = 0;
      std::memcpy(&length, entry + offsetof(Entry, length), sizeof length);
      const char* const name = entry + offsetof(Entry, name);
      at += length;
      if (name[0] < '0' || name[0] > '9') continue;
      char path[64];
      std::snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", name);
      const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
      if (fd < 0) continue;  // gone
      char text[512];
      const auto read = ::read(fd, text, sizeof text - 1);
      ::close(fd);
      if (read <= 0) continue;
      text[read] = '\0';
      const char* field = std::strrchr(text, ')');
      if (!field || field[1] != ' ' || field[2] == 'Z' || field[2] == 'X') continue;
      for (int i = 2; i < 9 && field; ++i) field = std::strchr(field + 1, ' ');
      constexpr unsigned long exiting = 4;
      if (field && (std::strtoul(field + 1, nullptr, 10) & exiting)) continue;
      ++count;
    }
  }
  ::close(directory);
#if COHORT_TSAN
  // The sanitizer's own, which no fork copies.
  if (count > 1 && ::getpid() == sanitized_process) --count;
#endif
  return count;
}

inline void random_bytes(void* to, std::size_t n) {
  for (auto* at = static_cast<char*>(to); n > 0;) {
    const auto got = ::getrandom(at, n, 0);
    if (got < 0 && errno != EINTR) throw_system_error("getrandom");
    if (got > 0) {
      at += got;
      n -= static_cast<std::size_t>(got);
    }
  }
}

}  // namespace cohort::inline v0::os
