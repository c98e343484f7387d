// SPDX-License-Identifier: BSL-1.0
#pragma once

/// SimpleQueue<T>: a Queue without a bound and without an end.
///
///     SimpleQueue<int> numbers;
///     numbers.put_nowait(1);
///     int number = co_await numbers.get();

#include "cohort/comm/queue.hpp"  // what does it

namespace cohort::inline v0 {

/// First in, first out; there is always room, so that no put waits, throws Full or is refused. `put`
/// is an operation all the same, as every queue's. Neither copies nor moves; must outlive those who
/// wait.
template <class T>
class SimpleQueue : private Queue<T> {
  using Base = detail::BasicQueue<T, detail::Fifo>;

 public:
  using Base::emplace;
  using Base::empty;
  using Base::get;
  using Base::get_nowait;
  using Base::put;
  using Base::put_from;
  using Base::put_nowait;
  using Base::qsize;
  using Base::try_get;
  using typename Base::value_type;
};

}  // namespace cohort::inline v0
