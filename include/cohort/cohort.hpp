// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Everything but `testing` and `ext`.

#include "cohort/in_process.hpp"                 // tasks, threads, pools, and what they wait for
#include "cohort/ipc.hpp"                        // everything between processes
#include "cohort/ipc/array.hpp"                  // Array
#include "cohort/ipc/barrier.hpp"                // Barrier
#include "cohort/ipc/buffer.hpp"                 // Buffer
#include "cohort/ipc/channel.hpp"                // channel, Sender, Receiver
#include "cohort/ipc/condition.hpp"              // Condition
#include "cohort/ipc/current_process.hpp"        // current_process, parent_process, active_children
#include "cohort/ipc/event.hpp"                  // Event
#include "cohort/ipc/freeze_support.hpp"         // freeze_support
#include "cohort/ipc/joinable_queue.hpp"         // JoinableQueue
#include "cohort/ipc/lock.hpp"                   // Lock
#include "cohort/ipc/pipe.hpp"                   // Pipe, Connection
#include "cohort/ipc/process.hpp"                // Process
#include "cohort/ipc/process_exit.hpp"           // ProcessExit
#include "cohort/ipc/process_of.hpp"             // ProcessOf
#include "cohort/ipc/process_options.hpp"        // ProcessOptions
#include "cohort/ipc/process_ref.hpp"            // ProcessRef
#include "cohort/ipc/queue.hpp"                  // Queue
#include "cohort/ipc/rlock.hpp"                  // RLock
#include "cohort/ipc/semaphore.hpp"              // Semaphore, BoundedSemaphore
#include "cohort/ipc/simple_queue.hpp"           // SimpleQueue
#include "cohort/ipc/start_method.hpp"           // StartMethod, set_start_method
#include "cohort/ipc/value.hpp"                  // Value
#include "cohort/ipc/wait.hpp"                   // wait
#include "cohort/pool/process_pool.hpp"          // ProcessPool
#include "cohort/pool/process_pool_options.hpp"  // ProcessPoolOptions
#include "cohort/processes.hpp"                  // the domain Processes
#include "cohort/wire/archive.hpp"               // OutArchive, InArchive
#include "cohort/wire/codec.hpp"                 // Codec, encode, decode
#include "cohort/wire/remote_call.hpp"           // calls as bytes
#include "cohort/wire/remote_error.hpp"          // exceptions as bytes
#include "cohort/wire/shipped_function.hpp"      // ShippedFunction
