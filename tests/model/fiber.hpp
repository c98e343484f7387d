// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Fibers for the model checker: every modelled thread runs on one, all of them on one real thread.
///
/// Built on `ucontext` (glibc and the BSDs have it, musl and Windows do not). The sanitizers are
/// told of each switch, so that the model tests also run under ASan and TSan.

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COHORT_MODEL_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define COHORT_MODEL_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define COHORT_MODEL_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define COHORT_MODEL_TSAN 1
#endif

#if defined(COHORT_MODEL_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(COHORT_MODEL_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace cohort::model {

class Fiber {
 public:
#if defined(COHORT_MODEL_ASAN) || defined(COHORT_MODEL_TSAN)
  static constexpr bool slow = true;  // the sanitizers make switches dear
  static constexpr std::size_t stack_size = 256 * 1024;
#else
  static constexpr bool slow = false;
  static constexpr std::size_t stack_size = 128 * 1024;
#endif

  /// The fiber that stands for the stack we are called on.
  Fiber() {
#if defined(COHORT_MODEL_TSAN)
    tsan_ = __tsan_get_current_fiber();
#endif
  }

  /// A fiber that will call `entry(argument)`, which must never return.
  Fiber(void (*entry)(void*), void* argument)
      : entry_(entry), argument_(argument), stack_(new std::byte[stack_size]) {
    restart();
  }

  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  ~Fiber() {
#if defined(COHORT_MODEL_ASAN)
    if (stack_) __asan_unpoison_memory_region(stack_.get(), stack_size);
#endif
#if defined(COHORT_MODEL_TSAN)
    if (stack_ && tsan_ != nullptr) __tsan_destroy_fiber(tsan_);
#endif
  }

  /// Begin again on the same stack. What stood on it is abandoned without unwinding, as a killed
  /// thread's stack is.
  void restart() {
#if defined(COHORT_MODEL_ASAN)
    __asan_unpoison_memory_region(stack_.get(), stack_size);
    fake_stack_ = nullptr;
#endif
#if defined(COHORT_MODEL_TSAN)
    if (tsan_ != nullptr) __tsan_destroy_fiber(tsan_);
    tsan_ = __tsan_create_fiber(0);
#endif
    bottom_ = stack_.get();
    size_ = stack_size;
    for (std::size_t i = 0; i < canary_size; ++i) stack_[i] = canary;
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack_.get();
    context_.uc_stack.ss_size = stack_size;
    context_.uc_link = nullptr;
    makecontext(&context_, &Fiber::start, 0);
  }

  /// Stand still here and go on in `to`.
  void switch_to(Fiber& to) {
    arriving() = &to;
    leaving() = this;
#if defined(COHORT_MODEL_ASAN)
    __sanitizer_start_switch_fiber(&fake_stack_, to.bottom_, to.size_);
#endif
#if defined(COHORT_MODEL_TSAN)
    __tsan_switch_to_fiber(to.tsan_, 0);
#endif
    swapcontext(&context_, &to.context_);
    arrived(fake_stack_);
  }

  /// False when the fiber has run over the end of its stack.
  [[nodiscard]] bool intact() const noexcept {
    for (std::size_t i = 0; i < canary_size; ++i) {
      if (stack_[i] != canary) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t canary_size = 64;
  static constexpr std::byte canary{0xC5};

  static Fiber*& arriving() noexcept {
    static Fiber* fiber = nullptr;
    return fiber;
  }
  static Fiber*& leaving() noexcept {
    static Fiber* fiber = nullptr;
    return fiber;
  }

  static void start() {
    arrived(nullptr);
    Fiber* self = arriving();
    self->entry_(self->argument_);
  }

  // The stack of the fiber we came from is learnt here, because nobody else knows the first one's.
  static void arrived([[maybe_unused]] void* fake_stack) {
#if defined(COHORT_MODEL_ASAN)
    Fiber* from = leaving();
    __sanitizer_finish_switch_fiber(fake_stack, &from->bottom_, &from->size_);
#endif
  }

  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
  std::unique_ptr<std::byte[]> stack_;
  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
  [[maybe_unused]] void* fake_stack_ = nullptr;
  [[maybe_unused]] void* tsan_ = nullptr;
  ucontext_t context_{};
};

}  // namespace cohort::model
