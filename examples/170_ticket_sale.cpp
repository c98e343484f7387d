// SPDX-License-Identifier: BSL-1.0
//
// A ticket sale: why a lock is needed, and what it does.
//
// Five tickets, a hundred buyers. Each looks how many are left, thinks for a moment, and takes one.
// Whoever looks while another thinks sees a number that is no longer true: so all of them buy.
// With a lock around looking and taking, exactly five do.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using cohort::Task;

struct Sale {
  cohort::Lock lock;
  int tickets = 5;
  int sold = 0;
};

Task<> look_and_take(Sale& sale) {
  const int left = sale.tickets;
  if (left == 0) co_return;
  co_await cohort::sleep_for(100ms);  // the network is slow, and others run meanwhile
  sale.tickets = left - 1;
  ++sale.sold;
}

Task<> buy_without_a_lock(Sale& sale) { co_await look_and_take(sale); }

Task<> buy_with_the_lock(Sale& sale) {
  const auto held = co_await sale.lock.hold();
  co_await look_and_take(sale);
}

Task<> sell(Task<> (*buy)(Sale&), Sale& sale) {
  std::vector<Task<>> buyers;
  for (int i = 0; i < 100; ++i) buyers.push_back(buy(sale));
  co_await cohort::when_all(std::move(buyers));
}

int main() {
  cohort::EventLoop loop{cohort::LoopTime::simulated};  // no real time passes
  Sale chaos;
  cohort::run(loop, sell(buy_without_a_lock, chaos));
  std::cout << "without a lock: " << chaos.sold << " sold, " << chaos.tickets << " left of 5\n";

  Sale order;
  cohort::run(loop, sell(buy_with_the_lock, order));
  std::cout << "with the lock: " << order.sold << " sold, " << order.tickets << " left of 5\n";
}

// Output:
// without a lock: 100 sold, 4 left of 5
// with the lock: 5 sold, 0 left of 5
