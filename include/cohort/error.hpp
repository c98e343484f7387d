// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Every error the library throws. `catch (const cohort::Error&)` catches all but two: `Cancelled`,
/// which is no failure and derives from nothing, so that `catch (const std::exception&)` does not
/// swallow it; and the standard `std::invalid_argument` for arguments out of range.

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace cohort::inline v0 {

/// The base of the library's errors.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Thrown by a wait whose task was asked to stop. Let it pass; do not swallow it.
struct Cancelled {};

// clang-format off
/// A call in the wrong order or by the wrong party; the text names the call and the cure.
class UsageError : public Error { public: using Error::Error; };
/// Releasing what another owns.
class NotOwner : public UsageError { public: using UsageError::UsageError; };
/// Releasing more often than was acquired.
class OverRelease : public UsageError { public: using UsageError::UsageError; };
/// A result that was set twice or asked for too early.
class InvalidState : public UsageError { public: using UsageError::UsageError; };
/// `get_nowait()` on an empty queue.
class Empty : public Error { public: Empty() : Error("the queue is empty") {} };
/// `put_nowait()` on a full queue.
class Full : public Error { public: Full() : Error("the queue is full") {} };
/// A queue or pool that takes no more work.
class ShutDown : public Error { public: using Error::Error; };
/// Sending into a channel that has no receiver or was closed.
class Closed : public Error { public: using Error::Error; };
/// Receiving from a pipe whose other end is closed everywhere.
class EndOfStream : public Error { public: using Error::Error; };
/// Writing to a pipe whose other end is closed everywhere.
class BrokenPipe : public Error { public: using Error::Error; };
/// A message cut off or damaged.
class BadMessage : public Error { public: using Error::Error; };
/// A peer that does not know the key.
class AuthFailed : public Error { public: using Error::Error; };
/// `timeout(d, …)` or `as_completed(futures, d)` that ran out. Timed waits themselves yield a value, never this.
class TimedOut : public Error { public: TimedOut() : Error("timed out") {} using Error::Error; };
/// Waiting at a barrier that was broken.
class BrokenBarrier : public Error { public: using Error::Error; };
/// A shared lock whose owner's process has ended.
class OwnerDied : public Error { public: using Error::Error; };
/// A pool that can run nothing more.
class BrokenPool : public Error { public: using Error::Error; };
/// Bytes that do not decode.
class CodecError : public Error { public: using Error::Error; };
// clang-format on

/// Receiving too late from a broadcast, which keeps only so many messages.
class Lagged : public Error {
 public:
  explicit Lagged(std::uint64_t missed)
      : Error("a broadcast was received too slowly: " + std::to_string(missed) +
              " messages were missed"),
        missed_(missed) {}
  /// How many messages this receiver will never see. The next it gets is the one after them.
  std::uint64_t missed() const noexcept { return missed_; }

 private:
  std::uint64_t missed_;
};

/// A message longer than the buffer given for it.
class BufferTooShort : public Error {
 public:
  using Error::Error;
  BufferTooShort(const std::string& what, std::string message)
      : Error(what), message_(new std::string(std::move(message))) {}
  /// The whole message: it is not lost.
  std::string message() const { return message_ ? *message_ : std::string(); }

 private:
  std::shared_ptr<const std::string> message_;  // an exception's copy must not throw
};

/// A worker process that ended with the task in it.
class WorkerDied : public Error {
 public:
  WorkerDied(const std::string& what, int pid, std::optional<int> exitcode, const std::string& task)
      : Error(what), pid_(pid), exitcode_(exitcode), task_(task) {}

  int pid() const noexcept { return pid_; }
  /// As a process's: −N when killed by signal N; empty if nobody could learn it.
  std::optional<int> exitcode() const noexcept { return exitcode_; }
  /// Which task it was.
  std::string task() const { return task_.what(); }

 private:
  int pid_;
  std::optional<int> exitcode_;
  std::runtime_error task_;  // a text whose copy never throws, as an exception's must not
};

/// An exception of another process that cannot be rebuilt here: `what()` is its text.
class RemoteError : public Error {
 public:
  RemoteError(const std::string& type, const std::string& what, int pid)
      : Error(what), type_(type), pid_(pid) {}

  /// The name of its type there, as a C++ programmer writes it where the compiler can tell.
  std::string type() const { return type_.what(); }
  /// The process in which it was thrown.
  int pid() const noexcept { return pid_; }

 private:
  std::runtime_error type_;
  int pid_;
};

/// Called with every exception that nobody can fetch any more: of a dropped Future, of a loser of
/// `when_any`, of a callback. May be called by any thread, several at a time; must not throw.
using UnobservedHook = void (*)(std::exception_ptr) noexcept;

namespace detail {

/// The text of any exception.
inline std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (const Cancelled&) {
    return "cancelled";
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

inline void print_unobserved(std::exception_ptr error) noexcept {
  try {
    std::fprintf(stderr, "cohort: an exception nobody fetched: %s\n", describe(error).c_str());
  } catch (...) {
    std::fputs("cohort: an exception nobody fetched\n", stderr);
  }
}

inline std::atomic<UnobservedHook> unobserved_hook{print_unobserved};

/// A Cancelled is no failure.
inline bool is_cancelled(const std::exception_ptr& error) noexcept {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const Cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
}

/// Hands an exception that cannot be thrown to the hook.
inline void report_unobserved(const std::exception_ptr& error) noexcept {
  if (!is_cancelled(error)) unobserved_hook.load(std::memory_order_acquire)(error);
}

}  // namespace detail

/// Replaces the hook (default: one line on stderr) and yields the one before. Null restores the
/// default. Any thread, at any time.
inline UnobservedHook set_unobserved_hook(UnobservedHook hook) noexcept {
  return detail::unobserved_hook.exchange(hook ? hook : detail::print_unobserved);
}

}  // namespace cohort::inline v0
