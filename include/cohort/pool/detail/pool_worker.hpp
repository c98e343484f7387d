// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The life of a worker of a ProcessPool, in its own process.

#include <csignal>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

#include "cohort/exec/event_loop.hpp"         // coroutine functions
#include "cohort/exec/run.hpp"                // run
#include "cohort/ipc/channel.hpp"             // Sender, Receiver
#include "cohort/ipc/detail/queue_specs.hpp"  // ReceiveShared
#include "cohort/ipc/process_exit.hpp"        // ProcessExit
#include "cohort/wire/remote_call.hpp"        // answer_call

namespace cohort::inline v0::detail {

/// What a message to the pool is about; what follows depends on it.
enum class Report : std::uint8_t {
  answer,  // what became of the worker's next task
  broken,  // the initializer threw: an exception
  ended,   // from the pool itself: the worker's process has ended
  stop,    // from the pool itself
};

/// Who says it: a worker's place in the pool, and the how manieth process there.
struct WorkerName {
  std::uint32_t place = 0;
  std::uint32_t life = 0;
};

/// Any bytes: tasks and reports are no values of one type.
using RawSender = ipc::Sender<std::uint8_t>;
using RawReceiver = ipc::Receiver<std::uint8_t>;

struct RawMessages {
  using Received = ipc::detail::Message;
  Received received(ipc::detail::Message message) const noexcept { return message; }
  [[noreturn]] static void refuse() { throw Closed("the pool is gone"); }
};
inline ipc::detail::Message receive_raw(const RawReceiver& from) {
  return Operation(ipc::detail::ReceiveShared<RawMessages>{&from.queue()}).block();
}
inline auto raw_sending(const RawSender& to, const OutArchive& out) {
  auto message = ipc::detail::Message::of_bytes(out.bytes(), to.name());
  return Operation(ipc::detail::SendShared<RawMessages>{&to.queue(), std::move(message)});
}
inline void send_raw(const RawSender& to, const OutArchive& out) { raw_sending(to, out).block(); }

/// Runs a task's coroutine to its end.
struct OnOwnLoop final : CallRunner {
  void run(Task<> work) override { cohort::run(std::move(work)); }
};

inline OutArchive& begin_report(OutArchive& out, Report report, const WorkerName& me) {
  out.truncate(0);
  out(report, me.place, me.life);
  return out;
}

using PoolInitializer = std::optional<ShippedFunction<void (*)()>>;

/// The mark of `tasks` rises before each task is begun, so that the pool knows which one died with
/// its worker.
inline void pool_worker(RawReceiver tasks, RawSender reports, std::uint32_t place,
                        std::uint32_t life, PoolInitializer initializer) {
  std::signal(SIGINT, SIG_IGN);  // the pool's owner decides what Ctrl-C means
  const WorkerName me{place, life};
  OutArchive out;
  out.set_context(&out);  // handles in results depart
  if (initializer) {
    try {
      (*initializer)();
    } catch (...) {
      const auto error = std::current_exception();
      begin_report(out, Report::broken, me)(error);
      return send_raw(reports, out);
    }
  }
  OnOwnLoop loop;
  std::uint64_t count = 0;
  while (ipc::detail::Message task = receive_raw(tasks)) {
    tasks.queue().mark.store(++count, std::memory_order_release);
    begin_report(out, Report::answer, me);
    InArchive in(task.bytes());
    in.set_context(&in);
    answer_call(in, out, loop);
    task = ipc::detail::Message();
    send_raw(reports, out);
  }
}

}  // namespace cohort::inline v0::detail
