// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a process does that is this program, started anew.

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>
#include <vector>

#include "cohort/ipc/detail/process_life.hpp"  // begin_life
#include "cohort/ipc/detail/starting.hpp"      // lost

namespace cohort::inline v0::ipc::detail {

/// One that was made by StartMethod::spawn.
template <class = void>
[[noreturn]] void live_second_life() {
  const os::Descriptor channel = std::move(os::inheritance().channel);
  std::exit(exit_code_of([&channel] {
    const std::vector<std::byte> message = os::read_message(channel);
    InArchive in({message.data(), message.size()});
    begin_life(in.read<Birth>());
    run_shipped(in);
  }));
}

/// One that the fork server has just made.
template <class = void>
[[noreturn]] void live_as_copy(std::array<os::Descriptor, 4>& given, std::int64_t present) {
  std::size_t next = 1;
  for (int i = 0; i < 3; ++i) {
    os::Descriptor fd;
    if (present >> (2 - i) & 1) fd = std::move(given[next++]);
    if (i != 0) {
      os::put_in_place(fd, i);
    } else if (fd) {
      os::enter_directory(fd);
    }
  }
  Family::after_clone();
  end_here_at_exit();
  std::exit(exit_code_of([&given] {
    const std::vector<std::byte> message = os::read_message(given[0]);
    given[0].close();
    InArchive in({message.data(), message.size()});
    in.read<os::Surroundings>().apply();
    const Birth birth = in.read<Birth>();
    begin_life(birth);
    // The server's answer may have been lost, so that another was made in this one's place.
    MemberSlot& slot = Family::get().slot(Member{birth.member});
    if (slot.pid.load() != os::this_process_id()) os::exit_now(0);
    run_shipped(in);
  }));
}

/// The fork server: until its requester is gone.
template <class = void>
[[noreturn]] void serve_forks() {
  const os::ProcessId requester = os::parent_process_id();
  os::die_with(requester);
  os::Descriptor socket = std::move(os::inheritance().channel);
  auto* const before = std::signal(SIGINT, SIG_IGN);  // Ctrl-C is for those who do something
  for (;;) {
    std::array<os::Descriptor, 4> given;
    std::int64_t present = 0;
    if (!os::receive_packet(socket, present, given)) os::exit_now(0);
    // A thread that a static object has started would not be in the copy.
    errno = EBUSY;
    const os::ProcessId pid = os::count_threads() > 1 ? -1 : os::clone_for_parent();
    if (pid == 0) {
      socket.close();
      std::signal(SIGINT, before);
      live_as_copy(given, present);
    }
    os::send_packet(socket, pid > 0 ? pid : -errno, nullptr, 0);
  }
}

}  // namespace cohort::inline v0::ipc::detail
