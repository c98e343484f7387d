// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The feature macros of the library, all of them.
///
/// To be set by the user, the same in every translation unit of a program:
///   COHORT_FORCE_POLL      use the portable POSIX layer (poll and a self-pipe) where epoll exists
///   COHORT_FORCE_PORTABLE  use nothing but the standard library below `os/`
///   COHORT_COUNT_FRAMES    count live coroutine frames, for `live_frames()` in tests
/// Set here:
///   COHORT_NOINLINE, COHORT_COLD, COHORT_HOT, COHORT_TSAN, COHORT_RECYCLE_FRAMES, COHORT_CACHES_TLS_ADDRESSES,
///   COHORT_PAUSE, COHORT_TICKS, COHORT_HAS_RTTI, COHORT_HAS_CXXABI

#if defined(__SANITIZE_THREAD__)
#define COHORT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COHORT_TSAN 1
#endif
#endif
#ifndef COHORT_TSAN
#define COHORT_TSAN 0
#endif

// Under AddressSanitizer a recycled frame would hide a use after free, so frames are not recycled.
#if defined(__SANITIZE_ADDRESS__)
#define COHORT_RECYCLE_FRAMES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COHORT_RECYCLE_FRAMES 0
#endif
#endif
#ifndef COHORT_RECYCLE_FRAMES
#define COHORT_RECYCLE_FRAMES 1
#endif

// clang before 17 keeps the address of a thread-local over a suspension point (LLVM 47179).
#if defined(__clang_major__) && __clang_major__ < 17
#define COHORT_CACHES_TLS_ADDRESSES 1
#else
#define COHORT_CACHES_TLS_ADDRESSES 0
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define COHORT_NOINLINE __declspec(noinline)
#define COHORT_COLD __declspec(noinline)
#define COHORT_HOT inline
#else
#define COHORT_NOINLINE __attribute__((noinline))
#define COHORT_COLD __attribute__((noinline, cold))
#if defined(__OPTIMIZE__)
#define COHORT_HOT __attribute__((always_inline)) inline
#else
#define COHORT_HOT inline
#endif
#endif

// A hint to the CPU inside a spin loop.
#if defined(__x86_64__) || defined(__i386__)
#define COHORT_PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__) && !defined(_MSC_VER)
#define COHORT_PAUSE() asm volatile("yield")
#else
#define COHORT_PAUSE() static_cast<void>(0)
#endif

// Some counter that always rises, 10 MHz to 10 GHz, cheaper to read than the clock; or nothing.
#if defined(__x86_64__) || defined(__i386__)
#define COHORT_TICKS() __builtin_ia32_rdtsc()
#endif

// Whether the type of an exception can be asked for.
#if defined(__cpp_rtti) || defined(_CPPRTTI)
#define COHORT_HAS_RTTI 1
#else
#define COHORT_HAS_RTTI 0
#endif
#if defined(__has_include)
#if __has_include(<cxxabi.h>)
#define COHORT_HAS_CXXABI 1
#endif
#endif
#ifndef COHORT_HAS_CXXABI
#define COHORT_HAS_CXXABI 0
#endif

#ifndef COHORT_COUNT_FRAMES
#define COHORT_COUNT_FRAMES 0
#endif
