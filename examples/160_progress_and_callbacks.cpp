// SPDX-License-Identifier: BSL-1.0
//
// A pool's map with a progress line, and callbacks instead of waiting.
//
// `progress()` draws a line with the rate and the time left on stderr, if that is a terminal:
//    42 % |########            | 420/1000  123/s  5 s left
// `progress(stream)` draws it on any stream. A callback is called on the pool when the result is
// there, before the future is done; a callback that throws stops nothing.

#include <cohort/cohort.hpp>

#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

long collatz(long n) {  // how many steps to 1
  long steps = 0;
  for (; n != 1; ++steps) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
  return steps;
}

int parse(const std::string& text) { return std::stoi(text); }

void failed(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::invalid_argument&) {
    std::cout << "that is no number\n";
  }
}

int main() {
  cohort::ThreadPool pool{2};

  std::vector<long> numbers;
  for (long n = 1; n <= 10'000; ++n) numbers.push_back(n);
  long longest = 0;
  for (const long steps : pool.map(collatz, numbers, 100, cohort::progress()).block()) {
    if (steps > longest) longest = steps;
  }
  std::cout << "at most " << longest << " steps\n";

  std::ostringstream log;
  (void)pool.map(collatz, numbers, cohort::progress(log)).block();
  const std::string text = log.str();
  std::cout << text.substr(text.rfind('\r') + 1, 40) << '\n';

  const auto print = [](int x) { std::cout << "parsed " << x << '\n'; };
  for (const char* text_of_number : {"42", "forty-two"}) {
    try {
      pool.apply_async(parse, std::tuple(text_of_number), print, failed).block();
    } catch (const std::invalid_argument&) {  // the future has it, too
    }
  }

  pool.close();
  pool.join().block();
}

// Output:
// at most 261 steps
// 100 % |####################| 10000/10000
// parsed 42
// that is no number
