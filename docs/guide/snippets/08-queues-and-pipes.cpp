// SPDX-License-Identifier: BSL-1.0
// What docs/guide/08-queues-and-pipes.md shows.
#include <cohort/cohort.hpp>

#include <functional>
#include <iostream>
#include <string>
#include <utility>

using cohort::Connection;
using cohort::Task;

Task<> in_order_of_urgency() {
  cohort::PriorityQueue<std::pair<int, std::string>> jobs;
  co_await jobs.put(std::pair(2, "tidy up"));
  co_await jobs.put(std::pair(1, "put out the fire"));
  const auto job = co_await jobs.get();
  std::cout << job.second << '\n';
}

Task<> newest_first() {
  cohort::LifoQueue<std::string> spare{8};
  co_await spare.put("cold");
  co_await spare.put("warm");
  const std::string buffer = co_await spare.get();
  std::cout << buffer << '\n';
}

Task<> worker(cohort::JoinableQueue<int>& jobs, int& sum) {
  try {
    for (;;) {
      const int job = co_await jobs.get();
      sum += job;
      jobs.task_done();
    }
  } catch (const cohort::ShutDown&) {}  // no more will come
}

Task<> until_all_is_done() {
  cohort::JoinableQueue<int> jobs{4};
  int sum = 0;
  const auto body = [&](cohort::TaskGroup& group) -> Task<> {
    for (int i = 0; i < 3; ++i) group.spawn(worker, std::ref(jobs), std::ref(sum));
    for (int job = 1; job <= 10; ++job) co_await jobs.put(job);
    co_await jobs.join();  // not only got: done
    std::cout << sum << '\n';
    jobs.shutdown();  // the workers go home
  };
  co_await cohort::task_group(body);
}

Task<> echo(Connection<std::string> connection) {
  try {
    for (;;) {
      const std::string text = co_await connection.recv();
      co_await connection.send(text + "!");
    }
  } catch (const cohort::EndOfStream&) {}  // the other end was closed
}

Task<> shout(Connection<std::string> connection) {
  co_await connection.send("hello");
  const std::string answer = co_await connection.recv();
  std::cout << answer << '\n';
}  // the last handle of this end goes: the pipe is closed

Task<> talk() {
  auto ends = cohort::Pipe<std::string>();
  co_await cohort::when_all(echo(std::move(ends.left)), shout(std::move(ends.right)));
}

Task<> one_way() {
  auto ends = cohort::Pipe<int>(false);  // left receives, right sends
  co_await ends.right.send(1);
  co_await ends.left.poll();  // there is something, which is still there
  const int one = co_await ends.left.recv();
  std::cout << one << ' ' << ends.left.writable() << '\n';
}

int main() {
  cohort::run(in_order_of_urgency());
  cohort::run(newest_first());
  cohort::run(until_all_is_done());
  cohort::run(talk());
  cohort::run(one_way());
}

// Output:
// put out the fire
// warm
// 55
// hello!
// 1 0
