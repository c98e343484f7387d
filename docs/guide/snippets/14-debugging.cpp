// SPDX-License-Identifier: BSL-1.0
// What docs/guide/14-debugging.md shows. tests/gdb looks at it in the debugger, in `everybody_waits`.
#include <cohort/cohort.hpp>

#include <iostream>
#include <tuple>

using cohort::Task;

Task<int> price(cohort::Event& known) {
  co_await known.wait();
  co_return 21;
}

Task<int> with_tax(cohort::Event& known) {
  const int net = co_await price(known);
  co_return net + net / 5;
}

Task<int> total(cohort::Event& known) {
  const auto both = co_await cohort::when_all(with_tax(known), price(known));
  co_return std::get<0>(both) + std::get<1>(both);
}

Task<int> inform(cohort::Event& known) {
  known.set();
  const int again = co_await price(known);
  co_return again;
}

void everybody_waits() { std::cout << "everybody waits\n"; }

int main() {
  cohort::EventLoop loop;
  cohort::Event known;
  const cohort::Future<int> bill = spawn(loop, total(known));
  loop.run_ready();
  everybody_waits();
  spawn(loop, inform(known));
  std::cout << bill.block() << '\n';
}

// Output:
// everybody waits
// 46
