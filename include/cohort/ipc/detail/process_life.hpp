// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The life of a child, from its first instruction that is ours to its exit.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <tuple>
#include <utility>

#include "cohort/exec/launch.hpp"              // make_task
#include "cohort/exec/run.hpp"                 // the child's own loop
#include "cohort/ipc/detail/handle.hpp"        // book_all_holds
#include "cohort/ipc/detail/process_end.hpp"   // exit
#include "cohort/ipc/detail/this_process.hpp"  // Birth
#include "cohort/ipc/process_exit.hpp"         // ProcessExit
#include "cohort/wire/remote_call.hpp"         // CallRunner
#include "cohort/wire/shipped_function.hpp"    // what can be sent

namespace cohort::inline v0::ipc::detail {

/// Keeps what an argument refers to for a process that is about to be made; or, in that process, for
/// itself. What a closure has captured cannot be known: then all that its parent holds is kept.
template <class T>
void book(const T& value, Member member) {
  if constexpr (requires { value.book(member); }) {
    value.book(member);
  } else if constexpr (std::is_class_v<T> && !std::is_empty_v<T> && !cohort::detail::travels<T>) {
    book_all_holds(member);
  }
}

/// What a Process does, stored with its arguments.
template <class = void>
class BasicTarget {
 public:
  virtual ~BasicTarget() = default;
  /// Once, in the child.
  virtual void run() = 0;
  /// Keeps what is shared for the child, before it is made.
  virtual void book(Member child) = 0;
  /// Whether it can be sent to a process that does not inherit it; into `out` it is.
  virtual bool ship(OutArchive* out) const = 0;
};
using Target = BasicTarget<>;

/// How a target arrives: what the bytes name is called with them, and does what it is for. `W` are
/// the types as which the arguments travel: a text literal as std::string, for one.
template <class Fn, class Wire>
struct ShippedCall;
template <class Fn, class... W>
struct ShippedCall<Fn, cohort::detail::Types<W...>> {
  static constexpr bool possible() {
    if constexpr (cohort::detail::TravellingFunction<Fn> && (cohort::detail::travels<W> && ...)) {
      return std::is_invocable_v<Fn, W...>;
    } else {
      return false;
    }
  }
  static void run(InArchive& in, OutArchive&, CallRunner&);
  template <class... Args>
  static void encode(OutArchive& out, const Fn& fn, const Args&... args) {
    cohort::detail::put_place(out, cohort::detail::Registered<ShippedCall>::record.place());
    cohort::detail::put_function(out, fn);
    (cohort::detail::put_argument<W>(out, args), ...);
  }
};
template <class Fn, class... Args>
using shipped_call_t =
    ShippedCall<Fn, typename cohort::detail::WireArguments<
                        typename cohort::detail::CallableParameters<Fn>::type, Args...>::type>;

template <class Fn, class... Args>
class Call final : public Target {
 public:
  template <class F, class... A>
  explicit Call(F&& fn, A&&... args) : call_(std::forward<F>(fn), std::forward<A>(args)...) {}

  void run() override {
    book(self());
    std::apply(
        [](Fn& fn, Args&... args) {
          if constexpr (cohort::detail::is_task<cohort::detail::called_t<Fn, Args...>>) {
            cohort::detail::run_privately(
                cohort::detail::make_task(std::move(fn), std::move(args)...), nullptr);
          } else {
            static_cast<void>(std::invoke(std::move(fn), std::move(args)...));
          }
        },
        call_);
  }
  void book(Member member) override {
    std::apply([member](const auto&... x) { (detail::book(x, member), ...); }, call_);
  }
  bool ship(OutArchive* out) const override {
    if constexpr (shipped_call_t<Fn, Args...>::possible()) {
      if (out) {
        std::apply([out](const auto&... x) { shipped_call_t<Fn, Args...>::encode(*out, x...); },
                   call_);
      }
    }
    return shipped_call_t<Fn, Args...>::possible();
  }

 private:
  std::tuple<Fn, Args...> call_;
};

template <class Fn, class... W>
void ShippedCall<Fn, cohort::detail::Types<W...>>::run(InArchive& in, OutArchive&, CallRunner&) {
  Fn fn = cohort::detail::get_function<Fn>(in);
  std::tuple<W...> args{in.read<W>()...};
  in.finish();
  std::apply([&](W&... x) { Call<Fn, W...>(std::move(fn), std::move(x)...).run(); }, args);
}

/// Runs what was shipped.
template <class = void>
void run_shipped(InArchive& in) {
  struct Nobody final : CallRunner {
    void run(Task<>) override {}
  } nobody;
  OutArchive nothing{OutArchive::Count{}};
  cohort::detail::get_thunk(in)(in, nothing, nobody);
}

/// Says on stderr how the process ended, and flushes that.
template <class = void>
void complain(const std::string& text) noexcept {
  std::fprintf(stderr, "%s\n", text.c_str());
  std::fflush(stderr);
}

/// Runs what the child is for, and yields its exit code.
template <class Body>
int exit_code_of(Body&& body) noexcept {
  try {
    body();
    return 0;
  } catch (const ProcessExit& exit) {
    if (!exit.text.empty()) complain(exit.text);
    return exit.code;
  } catch (...) {
    const std::string name = ThisProcess::get().self()->name();
    complain("Process " + name + ": " + cohort::detail::describe(std::current_exception()));
    return 1;
  }
}

/// In the new process: it becomes what it is to be.
template <class = void>
void begin_life(const Birth& birth) {
  if (birth.daemon || birth.die_with_parent) os::die_with(birth.parent);
  os::inheritance().member = birth.member;
  ThisProcess::get().become(birth);
  Family::get().become(Member{birth.member});
}

}  // namespace cohort::inline v0::ipc::detail
