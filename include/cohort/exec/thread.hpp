// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Thread: a thread with a name, as in Python's `threading`.
///
///     Thread cook{ThreadOptions{.name = "cook"}, prepare, "soup", 4};
///     cook.start();
///     cook.join().block();                 // or co_await cook.join(); within(2s), …
///
/// Or derive from it:
///
///     class Cook : public Thread { void run() override { … name() … } };
///     Joined<Cook> cook;

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "cohort/core/task.hpp"                // Task
#include "cohort/exec/detail/thread_life.hpp"  // ThreadLife
#include "cohort/exec/detail/worker_life.hpp"  // Worker: start, join, daemon, detach
#include "cohort/exec/excepthook.hpp"          // what becomes of exceptions
#include "cohort/exec/launch.hpp"              // make_task
#include "cohort/exec/thread_ref.hpp"          // ThreadRef

namespace cohort::inline v0 {

struct ThreadOptions {
  std::string name{};            ///< empty: `Thread-N`, or `Thread-N (Class)` for a functor
  std::optional<bool> daemon{};  ///< empty: as the thread that makes it
};

/// Ends the calling thread as if its target returned; nobody hears of it. (It throws ThreadExit:
/// destructors run.)
[[noreturn]] inline void thread_exit() { throw ThreadExit{}; }

namespace detail {

struct NoObject {};

/// What `Thread(fn, args…)` may take as fn.
template <class Fn>
inline constexpr bool is_thread_target =
    !std::is_same_v<std::remove_cvref_t<Fn>, NoObject> &&
    !std::is_same_v<std::remove_cvref_t<Fn>, ThreadOptions> &&
    !std::is_base_of_v<WorkerHandle<ThreadLife>, std::remove_cvref_t<Fn>>;

/// The name of a class; empty for a closure, a function or a template.
template <class Fn>
std::string_view class_name() noexcept {
#if defined(__GNUC__)
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("Fn = ") + 5);
  text = text.substr(0, text.find_first_of(";]"));
  if (const auto colon = text.rfind("::"); colon != text.npos) text.remove_prefix(colon + 2);
  return std::is_class_v<Fn> && text.find_first_of("<({>)}") == text.npos ? text : "";
#else
  return {};
#endif
}

inline Task<> no_result(Task<> task) { return task; }
template <class R>
Task<> no_result(Task<R> task) {
  [[maybe_unused]] const R& dropped = co_await std::move(task);
}

}  // namespace detail

/// `fn(args…)` runs on a thread of its own after `start()`: a function, or a coroutine function,
/// which gets an event loop there. fn and the arguments are stored copies, passed on as rvalues, as
/// with std::thread (`std::ref`); they are destroyed on the thread. A result is dropped; an
/// exception goes to the excepthook. On the thread `this_task` is a task with the thread's name and
/// stop token.
///
/// The object only owns the thread and may be moved while it runs. The destructor joins, unless the
/// thread is a daemon or `detach()` was called. At the program's end, after `main` and before
/// static objects go, threads that are no daemons are joined; then daemons are asked to stop (their
/// waits throw Cancelled), and after 100 ms the end goes on without those that have not ended.
/// What such a daemon uses must not be destroyed.
///
/// A subclass overrides `run()`, which then runs on the object itself: so a started object cannot
/// be moved (UsageError) and must be joined before its destructor begins, because that destroys
/// what run() uses. No base class can see to this. `Joined<Cook>` does, or join in Cook's
/// destructor. Otherwise `~Thread` waits for run() and reports the mistake to the unobserved hook.
class Thread : public detail::Worker<Thread, detail::ThreadLife> {
  using Base = detail::Worker<Thread, detail::ThreadLife>;

 public:
  template <class Fn, class... Args>
  requires(detail::is_thread_target<Fn>&& detail::Callable<Fn, Args...>) explicit Thread(
      Fn&& fn, Args&&... args)
      : Thread(ThreadOptions{}, std::forward<Fn>(fn), std::forward<Args>(args)...) {}
  template <class Fn, class... Args>
  requires detail::Callable<Fn, Args...> Thread(ThreadOptions options, Fn&& fn, Args&&... args)
      : Base(make_life<detail::ThreadLife>(
            std::move(options), detail::class_name<std::decay_t<Fn>>(),
            detail::no_result(
                detail::make_task(std::forward<Fn>(fn), std::forward<Args>(args)...)))) {}
  template <class Fn, class... Args>
  requires(detail::is_thread_target<Fn> &&
           !detail::Callable<Fn, Args...>) explicit Thread(Fn&&, Args&&...)
      : Base(nullptr) {
    static_assert(detail::always_false<Fn>,
                  "Thread(fn, args…): fn cannot be called with these arguments. They are stored as "
                  "copies and passed on as rvalues, as with std::thread: take them by value, or "
                  "wrap a reference in std::ref. Options come first.");
  }
  Thread(Thread&&) = default;
  Thread& operator=(Thread&&) = default;
  ~Thread() override = default;

 protected:
  /// For a subclass that overrides run().
  template <class Options = ThreadOptions>
  requires std::is_same_v<Options, ThreadOptions>
  explicit Thread(Options options = {})
      : Base(make_life<detail::ThreadLife>(std::move(options), "", std::nullopt)) {}
  /// For the library: a subclass that does not.
  template <class Life>
  Thread(detail::NoObject, std::shared_ptr<Life> life) : Base(std::move(life)) {
    this->life().may_be_object = false;
  }

  template <class Life>
  static std::shared_ptr<Life> make_life(ThreadOptions options, std::string_view function,
                                         std::optional<Task<>> target) {
    static constinit std::atomic<std::size_t> last{0};
    if (options.name.empty()) {
      const auto number = last.fetch_add(1, std::memory_order_relaxed) + 1;
      options.name = "Thread-" + std::to_string(number);
      if (!function.empty()) options.name.append(" (").append(function).append(")");
    }
    if (!options.daemon) {
      const Life* const maker = Life::here();
      options.daemon = maker && maker->daemon();
    }
    return std::make_shared<Life>(std::move(options.name), *options.daemon, std::move(target),
                                  detail::report_uncaught<ExceptHook>);
  }
};

}  // namespace cohort::inline v0
