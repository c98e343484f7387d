// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The operating system's processes, behind one list of names. Apart from select.hpp because threads
/// do not need it. A port implements:
///
///   has_processes                        whether the names that follow are there
///   shared_memory::create, map, unmap, extend   memory without a name for several processes
///   wait_shared, wake_shared             as wait_word, for a word in it
///   this_process_id, start_time(pid), open_process(pid)
///   fork_process, reap, send_signal, die_with, …   see linux/children.hpp
///   inheritance, start_program, clone_for_parent, …   see linux/program.hpp

#include "cohort/config.hpp"     // which layer is forced
#include "cohort/os/select.hpp"  // what threads need, too

#if defined(__linux__) && !defined(COHORT_FORCE_PORTABLE)
#include "cohort/os/linux/children.hpp"   // fork, epoll for pidfds
#include "cohort/os/linux/processes.hpp"  // memfd, shared futex, pidfd
#include "cohort/os/linux/program.hpp"    // posix_spawn of itself
#else
#include "cohort/os/standard/processes.hpp"  // none yet
#endif
