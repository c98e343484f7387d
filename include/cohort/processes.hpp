// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Processes: the domain of several processes. A template over a domain runs on processes, and, with
/// `Threads` in its place, on threads.
///
///     template <class Domain>
///     void produce(typename Domain::template Sender<int> tx, typename Domain::Event done) {
///       for (int i = 0; i < 100; ++i) tx.send(i).block();
///       done.set();
///     }

#include <concepts>

#include "cohort/ipc.hpp"                  // what the names stand for
#include "cohort/ipc/current_process.hpp"  // current
#include "cohort/ipc/process.hpp"          // Worker
#include "cohort/pool/process_pool.hpp"    // Pool

namespace cohort::inline v0 {

namespace ipc {
using cohort::current_process;
using cohort::Process;
using cohort::ProcessOptions;
using cohort::ProcessPool;
using cohort::ProcessPoolOptions;
}  // namespace ipc

/// Handles to what lies in shared memory: pass them by value, to a process or through a queue.
struct Processes {
  using Worker = Process;
  using Options = ProcessOptions;
  using Pool = ProcessPool;
  static ProcessRef current() { return current_process(); }

  using Lock = ipc::Lock;
  using RLock = ipc::RLock;
  using Semaphore = ipc::Semaphore;
  using BoundedSemaphore = ipc::BoundedSemaphore;
  using Event = ipc::Event;
  using Condition = ipc::Condition;
  using Barrier = ipc::Barrier;

  template <class T>
  using Queue = ipc::Queue<T>;
  template <class T>
  using JoinableQueue = ipc::JoinableQueue<T>;
  template <class T>
  using SimpleQueue = ipc::SimpleQueue<T>;

  template <class T>
  using Sender = ipc::Sender<T>;
  template <class T>
  using Receiver = ipc::Receiver<T>;
  template <class T, std::integral Int>
  static ipc::Channel<T> channel(Int capacity) {
    return ipc::channel<T>(capacity);
  }
  template <class T>
  using Connection = ipc::Connection<T>;
  template <class T>
  static ipc::PipeEnds<T> Pipe(bool duplex = true) {
    return ipc::Pipe<T>(duplex);
  }

  template <class T>
  using Value = ipc::Value<T>;
  template <class T>
  using Array = ipc::Array<T>;
};

}  // namespace cohort::inline v0
