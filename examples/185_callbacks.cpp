// SPDX-License-Identifier: BSL-1.0
//
// Callbacks: what is to be done with a result, given along with the work.
//
// Of the two callbacks exactly one runs, once, on the pool, before the future is done. `Future` takes
// them later, too: `add_done_callback`. What a callback throws goes to a hook and disturbs nobody.

#include <cohort/cohort.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <tuple>

double share(int whole, int parts) {
  if (parts == 0) throw std::invalid_argument("among how many?");
  return static_cast<double>(whole) / parts;
}

std::string text_of(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

int main() {
  cohort::set_unobserved_hook([](std::exception_ptr error) noexcept {
    std::cout << "the hook has: " << text_of(error) << '\n';
  });
  const auto good = [](double result) { std::cout << "each has " << result << '\n'; };
  const auto bad = [](std::exception_ptr error) { std::cout << text_of(error) << '\n'; };

  cohort::ThreadPool pool{1};
  pool.apply_async(share, std::tuple(3, 2), good, bad).block();
  try {
    pool.apply_async(share, std::tuple(3, 0), good, bad).block();
  } catch (const std::invalid_argument& error) {
    std::cout << "the future has: " << error.what() << '\n';
  }

  const auto careless = [](double) { throw std::runtime_error("a callback's error"); };
  const double result = pool.apply_async(share, std::tuple(1, 2), careless).block();
  std::cout << "and still " << result << '\n';

  cohort::Future<double> later = pool.submit(share, 1, 4);
  later.block();
  later.add_done_callback([](const cohort::Future<double>& done) {  // at once: it is done
    std::cout << "done: " << done.block() << '\n';
  });
}

// Output:
// each has 1.5
// among how many?
// the future has: among how many?
// the hook has: a callback's error
// and still 0.5
// done: 0.25
