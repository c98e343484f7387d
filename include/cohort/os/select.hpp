// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The operating system, behind one list of names. This is the only place that asks which platform
/// it is; a port implements the list and changes no line above it.
///
///   wait_word(word, expected, deadline)  sleep while word == expected; may return early
///   wake_word_one(address)               wake a sleeper; the word itself may be gone by then
///   wake_word_all(address)
///   heavy_barrier()                      a full fence on behalf of every thread of the process
///   asymmetric_barrier()                 whether heavy_barrier works, so that others need no fence
///   asymmetric_barrier_known             the same, cheap to read; may still be false at start-up
///   cpu_count()                          CPUs this process may use, at least 1
///   Poller                               wait(deadline), wake(); see posix/poller.hpp
///   catch_interrupts(handler)            Ctrl-C and SIGTERM call handler(signal)
///   around_fork(before, parent, child)   every fork calls them; false where there is none
///   stderr_is_terminal()                 whether somebody may be watching
///
/// `wake_word_*`, `Poller::wake` and everything above them up to `post` may be called in a signal
/// handler, except in the pure-standard layer, where a condition variable stands in for the system.

#include "cohort/config.hpp"  // which layer is forced

#if defined(COHORT_FORCE_PORTABLE) || defined(_WIN32)
#include "cohort/os/standard/layer.hpp"  // nothing but the standard library
#elif defined(__linux__) && !defined(COHORT_FORCE_POLL)
#include "cohort/os/linux/layer.hpp"  // futex, epoll, eventfd, membarrier
#else
#include "cohort/os/posix/layer.hpp"  // poll and a self-pipe
#endif
