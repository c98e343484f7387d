// SPDX-License-Identifier: BSL-1.0
//
// A broadcast: every receiver gets every message.
//
// Sending never waits. A receiver may be so many messages behind; if it is further, the oldest are
// overwritten, and it is told how many it has missed.

#include <cohort/cohort.hpp>

#include <iostream>
#include <string>
#include <utility>

using cohort::BroadcastReceiver;
using cohort::Task;

Task<int> count_goals(BroadcastReceiver<std::string> radio) {
  int goals = 0;
  while (const auto news = co_await radio.recv()) goals += *news == "goal" ? 1 : 0;
  co_return goals;
}

int main() {
  auto radio = cohort::broadcast<std::string>(10);
  cohort::ThreadPool pool{2};
  const auto first = pool.submit(count_goals, radio.rx.subscribe());
  const auto second = pool.submit(count_goals, radio.tx.subscribe());
  const auto sleeper = std::move(radio.rx);

  for (const char* news : {"kick-off", "goal", "half-time"}) radio.tx.send(news);
  const auto late = radio.tx.subscribe();  // gets what comes from now on

  while (const auto news = sleeper.try_recv()) std::cout << *news << '\n';
  radio.tx.send("goal");
  radio.tx = {};  // the last sender is gone: that was all

  std::cout << first.block() << " and " << second.block() << " goals\n";
  std::cout << "the one who came late heard: " << late.recv().block().value() << '\n';

  auto slow = cohort::broadcast<int>(3);
  for (int i = 1; i <= 10; ++i) slow.tx.send(i);
  try {
    slow.rx.recv().block();
  } catch (const cohort::Lagged& e) {
    std::cout << "missed " << e.missed() << ", the next is " << *slow.rx.recv().block() << '\n';
  }
}

// Output:
// kick-off
// goal
// half-time
// 2 and 2 goals
// the one who came late heard: goal
// missed 7, the next is 8
