// SPDX-License-Identifier: BSL-1.0
#pragma once

/// How a process of the family ends: its daemons are ended, its other children waited for, what it
/// has printed is flushed. A forked child leaves its parent's exit handlers and static objects alone.

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <vector>

#include "cohort/ipc/detail/fork_server.hpp"  // ends, too
#include "cohort/ipc/detail/warden.hpp"       // the children

namespace cohort::inline v0::ipc::detail {

/// Ends the daemons and waits for all other children.
template <class = void>
void end_children() noexcept {
  try {
    for (;;) {
      const auto children = Warden::get().children();
      if (children.empty()) break;
      for (const auto& child : children) {
        if (child->daemon()) child->send_signal(os::signal_to_terminate);
      }
      const TimePoint patience = Clock::now() + std::chrono::seconds(2);
      for (const auto& child : children) {
        if (child->daemon() && !child->wait(patience)) child->send_signal(os::signal_to_kill);
      }
      for (const auto& child : children) child->wait(cohort::detail::never);
    }
  } catch (...) {  // no memory even for that
  }
  ForkServer::get().stop();
}

template <class = void>
void flush_standard_output() noexcept {
  try {
    std::cout.flush();
    std::clog.flush();
  } catch (...) {}
  std::fflush(stdout);
}
template <class = void>
void flush_output() noexcept {
  flush_standard_output();
  std::fflush(nullptr);
}

/// Whose children the handler of the exit is to end: a process that inherits it by fork has others.
template <class = void>
std::atomic<os::ProcessId>& ends_with_children() noexcept {
  static std::atomic<os::ProcessId> process{0};
  return process;
}

/// Before the first child is started.
template <class = void>
void end_children_at_exit() {
  if (ends_with_children().exchange(os::this_process_id()) != 0) return;
  std::atexit([] {
    if (ends_with_children().load() == os::this_process_id()) end_children();
  });
}

/// In a forked child: what is registered from here on runs at its exit, and then nothing any more.
template <class = void>
void end_here_at_exit() noexcept {
  // Nothing of the parent's runs, so its handler for children will not.
  ends_with_children().store(os::this_process_id());
  os::on_exit_with_code([](int code) {
    end_children();
    flush_output();
    os::exit_now(code);
  });
}

}  // namespace cohort::inline v0::ipc::detail
