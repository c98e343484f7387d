// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Everything that processes share: cohort::ipc.

#include "cohort/ipc/array.hpp"           // Array
#include "cohort/ipc/barrier.hpp"         // Barrier
#include "cohort/ipc/buffer.hpp"          // Buffer
#include "cohort/ipc/channel.hpp"         // channel, Sender, Receiver
#include "cohort/ipc/condition.hpp"       // Condition
#include "cohort/ipc/event.hpp"           // Event
#include "cohort/ipc/joinable_queue.hpp"  // JoinableQueue
#include "cohort/ipc/lock.hpp"            // Lock
#include "cohort/ipc/pipe.hpp"            // Pipe, Connection
#include "cohort/ipc/queue.hpp"           // Queue
#include "cohort/ipc/rlock.hpp"           // RLock
#include "cohort/ipc/semaphore.hpp"       // Semaphore, BoundedSemaphore
#include "cohort/ipc/simple_queue.hpp"    // SimpleQueue
#include "cohort/ipc/value.hpp"           // Value
#include "cohort/ipc/wait.hpp"            // wait
