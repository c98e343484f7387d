// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Generator<T>: a coroutine that yields and never waits, as a lazy range.
///
///     Generator<int> digits(int n) { for (; n; n /= 10) co_yield n % 10; }
///     for (auto& digit : digits(2026)) …

#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

#include "cohort/core/detail/frame_pool.hpp"  // allocate_frame
#include "cohort/error.hpp"                   // UsageError

namespace cohort::inline v0 {

template <class T>
class [[nodiscard("a Generator does nothing until it is iterated over")]] Generator;

namespace detail {

template <class T>
class GeneratorPromise {
 public:
  using Value = std::remove_reference_t<T>;

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }

  /// Keeps a copy of what the body will not have changed.
  class Copy {
   public:
    Copy(GeneratorPromise& body, const Value& value) : body_(body), value_(value) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) noexcept { body_.value_ = std::addressof(value_); }
    void await_resume() const noexcept {}

   private:
    GeneratorPromise& body_;
    Value value_;
  };

  Generator<T> get_return_object() noexcept;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  std::suspend_always final_suspend() const noexcept { return {}; }
  std::suspend_always yield_value(Value& value) noexcept {
    value_ = std::addressof(value);
    return {};
  }
  std::suspend_always yield_value(Value&& value) noexcept { return yield_value(value); }
  Copy yield_value(const Value& value) requires(!std::is_const_v<Value> &&
                                                !std::is_reference_v<T>) {
    return Copy(*this, value);
  }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  template <class X>
  std::suspend_never await_transform(X&&) = delete;  // a Generator never waits: AsyncGenerator does

  bool advance() {
    const auto handle = std::coroutine_handle<GeneratorPromise>::from_promise(*this);
    if (!handle.done()) handle.resume();
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    return !handle.done();
  }
  Value& value() const noexcept { return *value_; }

 private:
  Value* value_ = nullptr;
  std::exception_ptr error_;
};

}  // namespace detail

/// A lazy range for one thread at a time: each element is made when it is asked for. Move-only;
/// allocates nothing but its frame. `T&` elements, which may be changed; those of a Generator<T&>
/// or of a named variable are the very objects. What the body throws is thrown by begin() or ++.
/// Destroyed between two elements, the body is destroyed there. Iterated over again, it goes on
/// after the last element that was seen, as in Python.
template <class T>
class Generator {
 public:
  using promise_type = detail::GeneratorPromise<T>;
  using value_type = std::remove_cvref_t<T>;

  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = std::remove_cvref_t<T>;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    std::remove_reference_t<T>& operator*() const noexcept { return body_->value(); }
    std::remove_reference_t<T>* operator->() const noexcept { return &body_->value(); }
    iterator& operator++() {
      there_ = false;
      there_ = body_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept {
      return !it.there_;
    }

   private:
    friend Generator;
    explicit iterator(promise_type& body) : body_(&body), there_(body.advance()) {}
    promise_type* body_ = nullptr;
    bool there_ = false;
  };

  Generator(Generator&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  Generator& operator=(Generator&& other) noexcept {
    Generator(std::move(other)).swap(*this);
    return *this;
  }
  ~Generator() {
    if (body_) std::coroutine_handle<promise_type>::from_promise(*body_).destroy();
  }
  void swap(Generator& other) noexcept { std::swap(body_, other.body_); }

  iterator begin() {
    if (!body_) throw UsageError("this Generator was moved from: make a new one");
    return iterator(*body_);
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  friend promise_type;
  explicit Generator(promise_type& body) noexcept : body_(&body) {}
  promise_type* body_;
};

namespace detail {
template <class T>
Generator<T> GeneratorPromise<T>::get_return_object() noexcept {
  return Generator<T>(*this);
}
}  // namespace detail

}  // namespace cohort::inline v0
