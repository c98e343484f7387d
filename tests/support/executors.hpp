// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Every executor, as what a typed suite is instantiated with: `host.executor` runs at most
/// `concurrency` things at a time.

#include <cstddef>

#include "support/flavours.hpp"  // cohort

namespace cohort::test::executors {

template <int N>
struct Pool {
  static constexpr std::size_t concurrency = N;
  ThreadPool executor{N};
};
struct Loop {
  static constexpr std::size_t concurrency = 1;
  EventLoop executor;
};
struct Inline {
  static constexpr std::size_t concurrency = 1;
  InlineExecutor executor;
};
struct StrandOnPool {
  static constexpr std::size_t concurrency = 1;
  ThreadPool pool{2};
  Strand executor{pool};
};
struct StrandOnLoop {
  static constexpr std::size_t concurrency = 1;
  EventLoop loop;
  Strand executor{loop};
};
template <class P, int N>
struct Policy {
  static constexpr std::size_t concurrency = N;
  PolicyExecutor<P> executor{N};
};
struct PolicyOnLoop {
  static constexpr std::size_t concurrency = 1;
  EventLoop loop;
  PolicyExecutor<MultilevelFeedback> executor{loop};
};
struct StrandOnPolicy {
  static constexpr std::size_t concurrency = 1;
  PolicyExecutor<RoundRobin> below{2};
  Strand executor{below};
};
using Fcfs1 = Policy<Fcfs, 1>;
using RoundRobin2 = Policy<RoundRobin, 2>;
using Feedback8 = Policy<MultilevelFeedback, 8>;
using Priority2 = Policy<Priority, 2>;
using Shortest1 = Policy<ShortestJobFirst, 1>;

}  // namespace cohort::test::executors
