// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Asking to stop: a StopSource makes the request, its StopTokens see it, StopCallbacks are told.
/// The library's own types, because the standard ones are missing from some standard libraries;
/// constructible from those where they exist.
///
///     StopSource source;
///     auto sum = run(add_up(), source.token());     // throws Cancelled after
///     source.request_stop();                        // this, on any thread

#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <version>
#if defined(__cpp_lib_jthread)
#include <stop_token>
#endif

#include "cohort/core/detail/stop_scope.hpp"  // StopScope, StopHook

namespace cohort::inline v0 {

/// Sees whether stop was requested. Copyable; a default one never stops. Any thread.
class StopToken {
 public:
  StopToken() = default;
#if defined(__cpp_lib_jthread)
  /// Follows a standard token.
  template <std::same_as<std::stop_token> Token>
  StopToken(Token token)  // NOLINT: meant to convert
      : StopToken(std::make_shared<Follower<Token>>(std::move(token))) {}
#endif

  bool stop_requested() const noexcept { return scope_ && scope_->stop_requested(); }
  bool stop_possible() const noexcept { return scope_ != nullptr; }

  /// For the library: where to register a wait. May be null.
  detail::StopScope* scope() const noexcept { return scope_.get(); }
  /// For the library: a token of a scope that lives as long as `owner`.
  template <class Owner>
  StopToken(std::shared_ptr<Owner> owner, detail::StopScope& scope)
      : scope_(std::move(owner), &scope) {}
  /// For the library: a token of a scope that outlives the token.
  explicit StopToken(detail::StopScope& scope) : scope_(std::shared_ptr<void>(), &scope) {}

  friend bool operator==(const StopToken&, const StopToken&) = default;

 private:
#if defined(__cpp_lib_jthread)
  template <class Token>
  struct Follower {
    struct Forward {
      detail::StopScope* scope;
      void operator()() const noexcept { scope->request_stop(); }
    };
    explicit Follower(Token token) : callback(std::move(token), Forward{&scope}) {}
    detail::StopScope scope;
    std::stop_callback<Forward> callback;
  };
  template <class Token>
  explicit StopToken(std::shared_ptr<Follower<Token>> f) : scope_(f, &f->scope) {}
#endif

  std::shared_ptr<detail::StopScope> scope_;
};

/// Makes the request. Copies share one state. Any thread.
class StopSource {
 public:
  template <class Scope = detail::StopScope>
  StopSource() : scope_(std::make_shared<Scope>()) {}

  StopToken token() const { return StopToken(scope_, *scope_); }
  bool stop_requested() const noexcept { return scope_->stop_requested(); }
  /// True for the first request. Every suspended wait below has left its line when this returns;
  /// callbacks run here.
  bool request_stop() const noexcept { return scope_->request_stop(); }

 private:
  std::shared_ptr<detail::StopScope> scope_;
};

/// Calls `fn()` when stop is requested, on the requesting thread; at once if it already was. The
/// destructor waits for a call in progress on another thread. `fn` must not throw.
template <std::invocable Fn>
class StopCallback final : private detail::StopHook {
 public:
  template <class F>
  StopCallback(StopToken token, F&& fn) : token_(std::move(token)), fn_(std::forward<F>(fn)) {
    if (token_.scope() && !token_.scope()->add(*this)) fn_();
  }
  ~StopCallback() {
    if (token_.scope()) token_.scope()->remove(*this);
  }

 private:
  void on_stop() noexcept override { fn_(); }

  StopToken token_;
  Fn fn_;
};

template <class Fn>
StopCallback(StopToken, Fn) -> StopCallback<Fn>;

}  // namespace cohort::inline v0
