// SPDX-License-Identifier: BSL-1.0
//
// A pool of workers, as in Python's multiprocessing: apply, map, imap, close, join.
//
// `map` gives all the results, in the order of the input. `imap` gives them one by one, as a
// stream, and reads no more of the input than its workers need: so the input may be endless. Every
// verb is awaited in a coroutine, or blocked on by a thread, as here.

#include <cohort/cohort.hpp>

#include <iostream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

int square(int x) { return x * x; }

cohort::Task<int> square_later(int x) {  // a coroutine function does as well
  co_await cohort::yield_now();
  co_return x* x;
}

std::string shout(const std::string& text, int times) {
  std::string all = text;
  for (int i = 0; i < times; ++i) all += '!';
  return all;
}

int invert(int x) {
  if (x == 0) throw std::invalid_argument("nothing inverts zero");
  return 60 / x;
}

int main() {
  cohort::ThreadPool pool{4};

  std::cout << "apply: " << pool.apply(square, 12).block() << '\n';

  std::cout << "map:";
  const std::vector<int> numbers{1, 2, 3, 4, 5};
  for (const int x : pool.map(square, numbers).block()) std::cout << ' ' << x;
  std::cout << '\n';

  std::cout << "starmap:";
  const std::vector<std::tuple<std::string, int>> words{{"fire", 3}, {"rain", 0}};
  for (const auto& text : pool.starmap(shout, words).block()) std::cout << ' ' << text;
  std::cout << '\n';

  std::cout << "imap:";
  auto squares = pool.imap(square_later, numbers);
  for (const int& x : squares.blocking()) std::cout << ' ' << x;
  std::cout << '\n';

  try {
    (void)pool.map(invert, std::vector<int>{1, 0, 2}).block();
  } catch (const std::invalid_argument& error) {
    std::cout << "map fails: " << error.what() << '\n';
  }

  pool.close();
  pool.join().block();
}

// Output:
// apply: 144
// map: 1 4 9 16 25
// starmap: fire!!! rain
// imap: 1 4 9 16 25
// map fails: nothing inverts zero
