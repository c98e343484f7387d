// SPDX-License-Identifier: BSL-1.0
//
// A karaoke bar: ten guests, four rooms.
//
// The Semaphore has a permit for each room. A guest who finds none waits outside, in line; whoever
// leaves lets the first of them in. So there are never more than four inside, and nobody overtakes.

#include <cohort/cohort.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>

using namespace std::chrono_literals;
using cohort::Task;

struct Bar {
  cohort::Semaphore rooms{4};
  int inside = 0;
  int most = 0;
  int sung = 0;
};

Task<> sing(Bar& bar, int guest) {
  const auto room = co_await bar.rooms.hold();
  bar.most = std::max(bar.most, ++bar.inside);
  if (guest == 9) std::cout << "the last one gets in after " << bar.sung << " have sung\n";
  co_await cohort::sleep_for(5min + guest * 1s);
  ++bar.sung;
  --bar.inside;
}

Task<> evening(Bar& bar) {
  const auto guests = [&bar](cohort::TaskGroup& group) -> Task<> {
    for (int guest = 0; guest < 10; ++guest) group.spawn(sing, std::ref(bar), guest);
    co_return;
  };
  co_await cohort::task_group(guests);
}

int main() {
  Bar bar;
  cohort::EventLoop loop{cohort::LoopTime::simulated};  // no real time passes
  const auto begin = loop.now();
  cohort::run(loop, evening(bar));
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(loop.now() - begin);
  std::cout << bar.sung << " have sung, never more than " << bar.most << " at a time, in "
            << minutes.count() << " minutes\n";
}

// Output:
// the last one gets in after 6 have sung
// 10 have sung, never more than 4 at a time, in 15 minutes
