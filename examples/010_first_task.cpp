// SPDX-License-Identifier: BSL-1.0
//
// The first task.
//
// A function that returns Task<T> is a coroutine: at each `co_await` it may pause, leave its thread
// to others, and go on later. Calling it only makes a task; the body runs when somebody awaits it.
// Inside a coroutine that is `co_await`, in a plain function such as `main` it is `run`.
//
// `run` works on the calling thread. A ThreadPool has threads of its own: `submit` gives it a
// function, plain or coroutine, and at once returns a Future, the place where the result will be.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

using namespace std::chrono_literals;
using cohort::Task;

Task<std::string> greeting(std::string name) {
  std::cout << "greeting " << name << " begins\n";
  co_await cohort::sleep_for(1ms);  // the task sleeps, its thread could do something else
  co_return "Hello, " + name + "!";
}

Task<> one_after_the_other() {
  Task<std::string> ada = greeting("Ada");
  std::cout << "made a task, nothing runs yet\n";
  const std::string text = co_await std::move(ada);
  std::cout << text << '\n';
}

Task<> side_by_side() {
  const auto both = co_await cohort::when_all(greeting("Bob"), greeting("Eve"));
  std::cout << std::get<0>(both) << ' ' << std::get<1>(both) << '\n';
}

// An exception goes to whoever awaits the task, as it would with a plain function.
Task<int> divide(int a, int b) {
  if (b == 0) throw std::invalid_argument("division by zero");
  co_return a / b;
}

int multiply(int a, int b) { return a * b; }

int main() {
  cohort::run(one_after_the_other());
  cohort::run(side_by_side());

  cohort::ThreadPool pool{2};
  const cohort::Future<int> product = pool.submit(multiply, 6, 7);
  const cohort::Future<int> quotient = pool.submit(divide, 1, 0);
  std::cout << "6 * 7 = " << product.block() << '\n';
  try {
    quotient.block();
  } catch (const std::invalid_argument& error) {
    std::cout << "1 / 0: " << error.what() << '\n';
  }
}

// Output:
// made a task, nothing runs yet
// greeting Ada begins
// Hello, Ada!
// greeting Bob begins
// greeting Eve begins
// Hello, Bob! Hello, Eve!
// 6 * 7 = 42
// 1 / 0: division by zero
