// SPDX-License-Identifier: BSL-1.0
//
// Ten tasks of half a second: five seconds, or half a second.
//
// Waiting for each before the next begins takes ten times as long as beginning all and then waiting
// for them. A wait that comes later costs nothing for what has ended meanwhile.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <vector>

using namespace std::chrono_literals;
using cohort::Future;
using cohort::Task;

Task<> work() { co_await cohort::sleep_for(500ms); }

Task<> seconds(int n) { co_await cohort::sleep_for(std::chrono::seconds(n)); }

int main() {
  using std::chrono::duration_cast, std::chrono::milliseconds;
  cohort::EventLoop loop{cohort::LoopTime::simulated};  // no real time passes

  auto begin = loop.now();
  for (int i = 0; i < 10; ++i) spawn(loop, work()).block();
  std::cout << duration_cast<milliseconds>(loop.now() - begin).count() << " ms\n";

  begin = loop.now();
  std::vector<Future<void>> all;
  for (int i = 0; i < 10; ++i) all.push_back(spawn(loop, work()));
  for (const Future<void>& each : all) each.block();
  std::cout << duration_cast<milliseconds>(loop.now() - begin).count() << " ms\n";

  begin = loop.now();
  all.clear();
  for (const int n : {6, 7, 8}) all.push_back(spawn(loop, seconds(n)));
  for (const Future<void>& each : all) {
    each.block();
    std::cout << (loop.now() - begin) / 1s << " s\n";
  }
}

// Output:
// 5000 ms
// 500 ms
// 6 s
// 7 s
// 8 s
