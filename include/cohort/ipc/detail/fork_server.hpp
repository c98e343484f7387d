// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The fork server: this program, started anew, with one thread and nothing done yet, which copies
/// itself on demand. The copies are children of whoever asked, not of the server; so they are reaped
/// and killed like others, and outlive it. One for each process that asks, started when it is first
/// needed, and again when it has died.

#include <array>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>

#include "cohort/ipc/detail/family.hpp"          // its memory
#include "cohort/ipc/detail/process_record.hpp"  // the server's own
#include "cohort/ipc/detail/warden.hpp"          // watches it

namespace cohort::inline v0::ipc::detail {

/// The requester's end.
template <class X = void>
class BasicForkServer {
  using ProcessRecord = BasicProcessRecord<X>;

 public:
  static BasicForkServer& get() {
    static BasicForkServer* const server = new BasicForkServer;  // never destroyed
    return *server;
  }

  /// On the warden's thread. Throws std::system_error.
  os::ProcessId make(const os::Descriptor& message, Member member) {
    const std::lock_guard lock(mutex_);
    const os::Descriptor directory = os::open_working_directory();
    int descriptors[4] = {message.get()};
    std::size_t count = 1;
    std::int64_t present = 0;  // which others there are
    for (const int fd : {directory.get(), 1, 2}) {
      present <<= 1;
      if (!os::is_open(fd)) continue;
      descriptors[count++] = fd;
      present |= 1;
    }
    for (int attempt = 0;; ++attempt) {
      if (!socket_) start();
      std::array<os::Descriptor, 4> none;
      std::int64_t answer = 0;
      if (os::send_packet(socket_, present, descriptors, count) &&
          os::wait_readable(socket_.get(), Clock::now() + patience) &&
          os::receive_packet(socket_, answer, none)) {
        if (answer > 0) return static_cast<os::ProcessId>(answer);
        throw std::system_error(static_cast<int>(-answer), std::generic_category(), "clone");
      }
      end();  // it has died, or is stopped; perhaps after it had made the process
      if (const os::ProcessId made = await_pid_of(member)) return made;
      if (attempt == 2) {
        throw std::system_error(std::make_error_code(std::errc::broken_pipe), "the fork server");
      }
    }
  }

  /// Ends it, before this process does.
  void stop() noexcept {
    const std::lock_guard lock(mutex_);
    if (socket_) end();
  }
  /// 0: there is none.
  os::ProcessId pid() noexcept {
    const std::lock_guard lock(mutex_);
    return socket_ ? record_->pid() : 0;
  }

 private:
  static constexpr auto patience = std::chrono::seconds(20);

  void start() {
    Family& family = Family::get();
    static const bool once = (family.on_fork([] {
      BasicForkServer& inherited = get();
      inherited.socket_.close();  // or the server would not see its requester's end
      new (&inherited) BasicForkServer;
    }),
                              true);
    static_cast<void>(once);
    auto [mine, other] = os::make_socket_pair();
    record_ = std::make_shared<ProcessRecord>("fork server", true, ProcessRecord::Kind::helper);
    const auto pid = os::start_program(other, family.memory_descriptor(), 0, os::SignalMask{});
    record_->begin(pid, os::open_process(pid));
    Warden::get().watch_helper(record_);
    socket_ = std::move(mine);
  }
  // What the process has written of itself.
  static os::ProcessId await_pid_of(Member member) noexcept {
    const std::atomic<std::uint32_t> nobody{0};
    for (int round = 0;; ++round) {
      const auto pid = Family::get().slot(member).pid.load(std::memory_order_acquire);
      if (pid != 0 || round == 100) return pid;
      os::wait_word(nobody, 0, Clock::now() + std::chrono::milliseconds(2));
    }
  }
  void end() noexcept {
    socket_.close();
    record_->send_signal(os::signal_to_kill);
    record_->wait(cohort::detail::never);
  }

  std::mutex mutex_;
  os::Descriptor socket_;  // empty: there is no server
  std::shared_ptr<ProcessRecord> record_;
};
using ForkServer = BasicForkServer<>;

}  // namespace cohort::inline v0::ipc::detail
