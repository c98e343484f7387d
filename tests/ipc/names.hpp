// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The names of the contract suites mean those of cohort::ipc in this program. Include it first.

#include "cohort/ipc.hpp"        // under test
#include "ipc/family.hpp"        // see_death
#include "support/flavours.hpp"  // whose own names mean cohort's

namespace cohort::test {

using ipc::Barrier;
using ipc::BoundedSemaphore;
using ipc::channel;
using ipc::Channel;
using ipc::Condition;
using ipc::Connection;
using ipc::Event;
using ipc::JoinableQueue;
using ipc::Lock;
using ipc::Pipe;
using ipc::Queue;
using ipc::Receiver;
using ipc::RLock;
using ipc::Semaphore;
using ipc::Sender;
using ipc::SimpleQueue;

}  // namespace cohort::test
