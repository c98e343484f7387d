// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Everything that lives in one process: what <cohort/cohort.hpp> has without the processes, at
/// half the cost to include.

#include "cohort/comm/broadcast.hpp"                       // broadcast
#include "cohort/comm/channel.hpp"                         // channel, Sender, Receiver
#include "cohort/comm/joinable_queue.hpp"                  // JoinableQueue
#include "cohort/comm/lifo_queue.hpp"                      // LifoQueue
#include "cohort/comm/oneshot.hpp"                         // oneshot
#include "cohort/comm/pipe.hpp"                            // Pipe, Connection
#include "cohort/comm/priority_queue.hpp"                  // PriorityQueue
#include "cohort/comm/queue.hpp"                           // Queue
#include "cohort/comm/simple_queue.hpp"                    // SimpleQueue
#include "cohort/comm/watch.hpp"                           // watch
#include "cohort/config.hpp"                               // COHORT_ macros
#include "cohort/core/as_completed.hpp"                    // as_completed
#include "cohort/core/clock.hpp"                           // sleep_for, yield_now, now
#include "cohort/core/coroutine.hpp"                       // for executors
#include "cohort/core/deadline_task.hpp"                   // timeout, shield, Task::within
#include "cohort/core/future.hpp"                          // Future, Promise
#include "cohort/core/gate.hpp"                            // for primitives
#include "cohort/core/generator.hpp"                       // Generator
#include "cohort/core/operation.hpp"                       // Operation
#include "cohort/core/stop.hpp"                            // StopSource, StopToken, StopCallback
#include "cohort/core/task.hpp"                            // Task
#include "cohort/core/task_local.hpp"                      // TaskLocal
#include "cohort/core/this_task.hpp"                       // this_task
#include "cohort/core/timed.hpp"                           // Timed
#include "cohort/core/wait.hpp"                            // wait, ReturnWhen
#include "cohort/core/waiter.hpp"                          // for primitives
#include "cohort/core/when_all.hpp"                        // when_all
#include "cohort/core/when_any.hpp"                        // when_any, select
#include "cohort/error.hpp"                                // every error
#include "cohort/exec/async_generator.hpp"                 // AsyncGenerator
#include "cohort/exec/blocking_region.hpp"                 // blocking_region
#include "cohort/exec/cancel_futures.hpp"                  // cancel_futures
#include "cohort/exec/event_loop.hpp"                      // EventLoop
#include "cohort/exec/excepthook.hpp"                      // set_excepthook
#include "cohort/exec/executor.hpp"                        // Executor, Scheduler, spawn
#include "cohort/exec/executor_ref.hpp"                    // this_task::executor
#include "cohort/exec/inline_executor.hpp"                 // InlineExecutor
#include "cohort/exec/joined.hpp"                          // Joined
#include "cohort/exec/launch.hpp"                          // for executors
#include "cohort/exec/policy/fcfs.hpp"                     // Fcfs
#include "cohort/exec/policy/job.hpp"                      // for policies
#include "cohort/exec/policy/multi_queue_round_robin.hpp"  // MultiQueueRoundRobin
#include "cohort/exec/policy/multilevel_feedback.hpp"      // MultilevelFeedback
#include "cohort/exec/policy/priority.hpp"                 // Priority
#include "cohort/exec/policy/quantum.hpp"                  // for policies
#include "cohort/exec/policy/round_robin.hpp"              // RoundRobin
#include "cohort/exec/policy/shortest_job_first.hpp"       // ShortestJobFirst
#include "cohort/exec/policy_executor.hpp"                 // PolicyExecutor, With
#include "cohort/exec/pool_face.hpp"                       // map, imap, close, join
#include "cohort/exec/pool_task.hpp"                       // PoolTask
#include "cohort/exec/progress.hpp"                        // progress
#include "cohort/exec/result_stream.hpp"                   // ResultStream
#include "cohort/exec/run.hpp"                             // run
#include "cohort/exec/strand.hpp"                          // Strand
#include "cohort/exec/task_group.hpp"                      // task_group
#include "cohort/exec/thread.hpp"                          // Thread
#include "cohort/exec/thread_local.hpp"                    // ThreadLocal
#include "cohort/exec/thread_pool.hpp"                     // ThreadPool
#include "cohort/exec/thread_ref.hpp"                      // current_thread, enumerate
#include "cohort/exec/timer.hpp"                           // Timer
#include "cohort/io/interrupts.hpp"                        // Interrupts
#include "cohort/sync/array.hpp"                           // Array
#include "cohort/sync/barrier.hpp"                         // Barrier
#include "cohort/sync/bounded_semaphore.hpp"               // BoundedSemaphore
#include "cohort/sync/condition.hpp"                       // Condition
#include "cohort/sync/event.hpp"                           // Event
#include "cohort/sync/guard.hpp"                           // Guard
#include "cohort/sync/latch.hpp"                           // Latch
#include "cohort/sync/lock.hpp"                            // Lock
#include "cohort/sync/rlock.hpp"                           // RLock
#include "cohort/sync/rwlock.hpp"                          // RWLock
#include "cohort/sync/semaphore.hpp"                       // Semaphore
#include "cohort/sync/value.hpp"                           // Value
#include "cohort/threads.hpp"                              // the domain Threads
#include "cohort/version.hpp"                              // the version
