// SPDX-License-Identifier: BSL-1.0
//
// Several futures: the first, all, or one after the other as they are done.
//
// `wait` splits them into those that are done and those that are not. `as_completed` yields each
// when it is done, so that the first results are used while the rest still runs. Neither ever
// cancels a future.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <vector>

using namespace std::chrono_literals;
using cohort::Future;
using cohort::ReturnWhen;
using cohort::Task;

Task<int> work(int milliseconds) {
  co_await cohort::sleep_for(std::chrono::milliseconds(milliseconds));
  co_return milliseconds;
}

Task<> in_a_coroutine(cohort::ThreadPool& pool) {
  std::vector<Future<int>> futures;
  for (const int milliseconds : {100, 1, 50}) futures.push_back(pool.submit(work, milliseconds));
  auto done = cohort::as_completed(futures);
  while (const auto future = co_await done.next()) {
    std::cout << "done after " << co_await *future << " ms\n";
  }
}

void on_a_thread(cohort::ThreadPool& pool) {
  std::vector<Future<int>> futures;
  for (const int milliseconds : {1, 1, 60'000}) futures.push_back(pool.submit(work, milliseconds));
  for (auto& future : cohort::as_completed(futures).blocking()) {
    std::cout << "the first: " << future.block() << '\n';
    break;  // the others run on
  }
  futures[2].cancel();
  const auto split = cohort::wait(futures, ReturnWhen::all_completed).block();
  std::cout << split.done.size() << " done, " << split.not_done.size() << " not\n";
}

int main() {
  cohort::ThreadPool pool{2};
  cohort::run(in_a_coroutine(pool));
  on_a_thread(pool);
}

// Output:
// done after 1 ms
// done after 50 ms
// done after 100 ms
// the first: 1
// 3 done, 0 not
