// SPDX-License-Identifier: BSL-1.0
//
// map, imap and callbacks over processes: the face of every pool.
//
// `map` cuts the input into pieces, one for a worker at a time, and yields the results in the order of
// the input. `imap` yields them as a stream, and reads no more of its input than the workers need, so
// that may be endless. A callback runs here, in the process that asked.

#include <cohort/cohort.hpp>

#include <iostream>
#include <tuple>
#include <vector>

using cohort::ProcessPool;

int square(int x) { return x * x; }
int here() { return cohort::current_process().pid(); }

cohort::Generator<int> naturals() {
  for (int i = 1;; ++i) co_yield i;
}

int main() try {
  cohort::freeze_support();
  ProcessPool pool{2};
  std::vector<int> numbers;
  for (int i = 0; i < 20; ++i) numbers.push_back(i);
  std::cout << "map:";
  for (const int x : pool.map(square, numbers).block()) std::cout << ' ' << x;

  std::cout << "\nimap:";
  {
    auto squares = pool.imap(square, naturals());
    for (const int x : squares.blocking()) {
      if (x > 100) break;
      std::cout << ' ' << x;
    }
  }  // the rest of the numbers is not wanted

  const int me = here();
  const auto report = [me](int worker) {
    std::cout << "\ncalled back here, from elsewhere: " << (here() == me && worker != me) << '\n';
  };
  pool.apply_async(here, std::tuple(), report).block();
} catch (const cohort::UsageError& error) {
  std::cout << error.what() << '\n';  // where there are no processes
}

// Output:
// map: 0 1 4 9 16 25 36 49 64 81 100 121 144 169 196 225 256 289 324 361
// imap: 1 4 9 16 25 36 49 64 81 100
// called back here, from elsewhere: 1
