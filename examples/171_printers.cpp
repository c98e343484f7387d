// SPDX-License-Identifier: BSL-1.0
//
// Three at one printer: all at once, one after another, and with a lock.
//
// At once their lines are mixed. Waiting for each before the next begins keeps them apart, in an order
// that we choose, but then nothing happens at the same time. The lock keeps apart what must be kept
// apart, the printing, and lets the rest overlap.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>

using cohort::Task;

struct Page {
  char name;
  int seconds;
};
const Page a{'A', 1}, b{'B', 2}, c{'C', 3};

Task<> print(Page page) {
  std::cout << page.name << " begins\n";
  co_await cohort::sleep_for(std::chrono::seconds(page.seconds));
  std::cout << page.name << " is done\n";
}

Task<> think_and_print(Page page, cohort::Lock& printer) {
  co_await cohort::sleep_for(std::chrono::seconds(4 - page.seconds));  // as the others do
  const auto mine = co_await printer.hold();
  co_await print(page);
}

Task<> all_at_once() { co_await cohort::when_all(print(a), print(b), print(c)); }

Task<> one_after_another() {
  co_await print(a);
  co_await print(b);
  co_await print(c);
}

Task<> with_a_lock() {
  cohort::Lock printer;
  co_await cohort::when_all(think_and_print(a, printer), think_and_print(b, printer),
                            think_and_print(c, printer));
}

int main() {
  using std::chrono::duration_cast, std::chrono::seconds;
  cohort::EventLoop loop{cohort::LoopTime::simulated};  // no real time passes
  for (const auto way : {all_at_once, one_after_another, with_a_lock}) {
    const auto begin = loop.now();
    cohort::run(loop, way());
    std::cout << duration_cast<seconds>(loop.now() - begin).count() << " s\n";
  }
}

// Output:
// A begins
// B begins
// C begins
// A is done
// B is done
// C is done
// 3 s
// A begins
// A is done
// B begins
// B is done
// C begins
// C is done
// 6 s
// C begins
// C is done
// B begins
// B is done
// A begins
// A is done
// 7 s
