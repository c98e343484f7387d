// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Process: a function that runs in a process of its own.
///
///     Process p{worker, queue, 42};
///     p.start();
///     p.join().block();                     // or co_await p.join()
///     std::cout << *p.exitcode() << '\n';
///
/// The function may be a coroutine function: it runs on the child's own event loop. Or derive from
/// Process and override run(). The face is that of Thread.

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "cohort/core/coroutine.hpp"           // BlockedSection
#include "cohort/error.hpp"                    // UsageError
#include "cohort/ipc/detail/process_life.hpp"  // Target
#include "cohort/ipc/detail/starting.hpp"      // Start
#include "cohort/ipc/process_options.hpp"      // ProcessOptions
#include "cohort/ipc/process_ref.hpp"          // ProcessWait

namespace cohort::inline v0 {

/// Movable, also while the process runs, unless it is of a derived class. `join`, `is_alive`,
/// `exitcode`, `terminate` and `kill` may be called by any thread at any time; the rest by one. In a
/// child, objects of the parent are useless, and say so by a UsageError.
template <class X = void>
class BasicProcess {
  using Record = ipc::detail::BasicProcessRecord<X>;
  using Target = ipc::detail::BasicTarget<X>;
  using StartOptions = ipc::detail::BasicStartOptions<X>;

 public:
  /// `fn(args…)`, stored as copies and passed on as rvalues.
  template <class Fn, class... Args>
  requires(!std::derived_from<std::decay_t<Fn>, BasicProcess> &&
           !std::same_as<std::decay_t<Fn>, ProcessOptions> && detail::Callable<Fn, Args...>)  //
      explicit BasicProcess(Fn&& fn, Args&&... args)
      : BasicProcess(ProcessOptions{}, std::forward<Fn>(fn), std::forward<Args>(args)...) {}
  template <class Fn, class... Args>
  requires(detail::Callable<Fn, Args...>)  //
      explicit BasicProcess(ProcessOptions options, Fn&& fn, Args&&... args)
      : BasicProcess(std::move(options)) {
    is_object_ = false;
    target_ = std::make_unique<ipc::detail::Call<std::decay_t<Fn>, std::decay_t<Args>...>>(
        std::forward<Fn>(fn), std::forward<Args>(args)...);
  }
  template <class Fn, class... Args>
  requires(!std::derived_from<std::decay_t<Fn>, BasicProcess> &&
           !std::same_as<std::decay_t<Fn>, ProcessOptions> && !detail::Callable<Fn, Args...>)  //
      explicit BasicProcess(Fn&&, Args&&...) {
    static_assert(
        detail::always_false<Fn>,
        "Process{fn, args…}: fn cannot be called with these arguments. They are stored as "
        "copies and passed on as rvalues, as with std::thread: take them by value.");
  }

  BasicProcess(BasicProcess&& other) : BasicProcess(other.give_up(), other) {}
  BasicProcess& operator=(BasicProcess&& other) {
    if (this == &other) return *this;
    auto record = other.give_up();
    finish();
    record_ = std::move(record);
    take_rest(other);
    return *this;
  }
  /// Joins a process that was started, unless it is a daemon, detached or closed.
  virtual ~BasicProcess() { finish(); }

  /// Starts it. Throws UsageError the second time, in a daemon, and where it cannot be done safely;
  /// std::system_error if the system refuses: then it can be tried again.
  void start() {
    Record& record = open("start");
    if (started_) throw UsageError("start(): cannot start a process twice; make a new one");
    record.refuse_elsewhere("start");
    ipc::detail::BasicStart<X> start([this] { run(); },
                                     [this](OutArchive* out) { return ship(out); }, target_.get(),
                                     record_, options_);
    method_ = start.go();
    started_ = true;
    target_.reset();  // what is shared is the child's now
  }

  /// What the child does: by default it calls the target. Called directly it does so here.
  virtual void run() {
    open("run");
    if (const auto target = std::move(target_)) target->run();
  }

  /// Waits until it has ended. Any number of times, and by any number at once.
  auto join() const {
    started("join");
    return Operation(ipc::detail::ProcessWait{record_});
  }
  /// Started and not ended.
  bool is_alive() const {
    const auto& record = open("is_alive");
    record.refuse_elsewhere("is_alive");
    return started_ && !record_->look();
  }
  /// Empty while it runs; then 0; 1 after an exception; n after exit(n); −N if signal N killed it;
  /// and empty, if others took the status (`exit_status_known()`).
  std::optional<int> exitcode() const {
    open("exitcode").refuse_elsewhere("exitcode");
    if (!started_ || !record_->look()) return std::nullopt;
    return record_->exitcode();
  }
  /// False once it has ended and its status went elsewhere.
  bool exit_status_known() const {
    open("exit_status_known").refuse_elsewhere("exit_status_known");
    return !started_ || !record_->look() || record_->exitcode().has_value();
  }
  /// 0 before the start.
  int pid() const { return open("pid").pid(); }

  std::string name() const {
    if (!record_) throw UsageError("name(): this Process was moved from");
    return record_->name();
  }
  void set_name(std::string name) { open("set_name").set_name(std::move(name)); }
  bool daemon() const { return open("daemon").daemon(); }
  void set_daemon(bool daemon) {
    Record& record = open("set_daemon");
    if (started_) throw UsageError("set_daemon(): the process has already started");
    record.set_daemon(daemon);
  }
  /// The destructor will not join it: that is done at this process's end.
  void detach() {
    started("detach");
    detached_ = true;
  }

  /// Asks it to end by SIGTERM, or kills it; it ends soon after. Nothing, if it has ended.
  void terminate() const { started("terminate").send_signal(os::signal_to_terminate); }
  void kill() const { started("kill").send_signal(os::signal_to_kill); }
  /// A descriptor for poll and the like that is readable once it has ended. It is the object's.
  int sentinel() const { return started("sentinel").sentinel(); }
  /// A copyable handle to the process. Throws UsageError before start().
  ProcessRef ref() const {
    started("ref");
    return ProcessRef(record_);
  }
  /// For ipc::wait.
  auto pollable() const { return ref().pollable(); }
  /// Gives up what the object holds. Throws UsageError while the process runs. Afterwards only
  /// name() may be called.
  void close() {
    if (closed_) return;
    Record& record = open("close");
    if (started_) {
      record.refuse_elsewhere("close");
      if (!record.look()) {
        throw UsageError("close(): the process is still running; join() or terminate() it first");
      }
    }
    target_.reset();
    record_ = std::make_shared<Record>(record.name(), record.daemon(), Record::Kind::child);
    closed_ = true;
  }

  /// What it will have as current_authkey(): by default this process's.
  std::string authkey() const {
    open("authkey");
    return options_.authkey.empty() ? ipc::detail::ThisProcess::get().authkey() : options_.authkey;
  }
  void set_authkey(std::string key) {
    open("set_authkey");
    options_.authkey = std::move(key);
  }
  /// How it was started; before that, how it will be if nothing else is chosen.
  StartMethod start_method() const {
    open("start_method");
    if (method_) return *method_;
    return options_.method.value_or(get_start_method());
  }

 protected:
  /// For derived classes, which override run(). A started one cannot be moved.
  explicit BasicProcess(ProcessOptions options = {})
      : record_(std::make_shared<Record>("", false, Record::Kind::child)) {
    auto& here = ipc::detail::ThisProcess::get();
    options_.identity = here.next_identity();
    options_.die_with_parent = options.die_with_parent;
    options_.method = options.start_method;
    record_->set_name(options.name.empty() ? "Process-" + options_.identity
                                           : std::move(options.name));
    record_->set_daemon(options.daemon.value_or(here.daemon()));
  }

  /// For the library: whether it can be sent to another process; into `out` it is.
  virtual bool ship(OutArchive* out) const { return target_ && target_->ship(out); }

 private:
  BasicProcess(std::shared_ptr<Record> record, BasicProcess& other) : record_(std::move(record)) {
    take_rest(other);
  }
  void take_rest(BasicProcess& other) noexcept {
    target_ = std::move(other.target_);
    options_ = std::move(other.options_);
    method_ = other.method_;
    started_ = other.started_;
    closed_ = other.closed_;
    detached_ = other.detached_;
    is_object_ = other.is_object_;
  }
  std::shared_ptr<Record> give_up() {
    if (is_object_ && started_) {
      throw UsageError("a started Process of a derived class cannot be moved");
    }
    return std::move(record_);
  }

  Record& open(const char* call) const {
    if (!record_) throw UsageError(std::string(call) + "(): this Process was moved from");
    if (closed_) throw UsageError(std::string(call) + "(): the process object is closed");
    return *record_;
  }
  Record& started(const char* call) const {
    Record& record = open(call);
    if (!started_) {
      throw UsageError(std::string(call) + "(): can only " + call +
                       " a started process; call start() first");
    }
    record.refuse_elsewhere(call);
    return record;
  }

  void finish() noexcept {
    if (!record_ || !started_ || closed_ || detached_ || record_->daemon()) return;
    if (!record_->is_of_here()) return;
    const detail::BlockedSection blocked(detail::current_context());
    record_->wait(detail::never);
  }

  std::shared_ptr<Record> record_;  // null: moved from
  std::unique_ptr<Target> target_;
  StartOptions options_;
  std::optional<StartMethod> method_;
  bool started_ = false;
  bool closed_ = false;
  bool detached_ = false;
  bool is_object_ = true;  // of a derived class
};
using Process = BasicProcess<>;

namespace ipc {
using cohort::v0::Process;
using cohort::v0::ProcessOptions;
using cohort::v0::ProcessRef;
using cohort::v0::StartMethod;
}  // namespace ipc

}  // namespace cohort::inline v0
