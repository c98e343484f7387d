// SPDX-License-Identifier: BSL-1.0
//
// Locals: one variable, a value for each thread or for each task.
//
// A ThreadLocal is what `thread_local` is, for objects that may live anywhere. A TaskLocal follows
// the task, on whatever thread it goes on, into every coroutine that it awaits; the legs of a
// when_all and the children of a group begin with a copy. So what is to be known everywhere, such
// as which request this is, need not be passed through every function.

#include <cohort/cohort.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;
using cohort::Task;

cohort::ThreadLocal<int> lines_written;
cohort::TaskLocal<std::string> request{"none"};

void write(const std::string& text) {
  ++*lines_written;
  std::cout << '[' << *request << "] " << text << '\n';
}

Task<> look_up(std::string what, std::chrono::milliseconds time) {
  co_await cohort::sleep_for(time);
  write("found " + what);
}

Task<> handle(std::string path) {
  request.set(path);
  write("begins");
  co_await cohort::when_all(look_up("user", 1ms), look_up("page", 4ms));
  write("ends");
}

Task<> serve() {
  co_await cohort::when_all(handle("/home"));
  co_await cohort::when_all(handle("/news"));
  write("all served");  // the handlers were tasks of their own
}

int main() {
  cohort::run(serve());
  std::cout << "lines of this thread: " << *lines_written << '\n';
  cohort::Thread other{[] { std::cout << "of the other: " << *lines_written << '\n'; }};
  other.start();
  other.join().block();
}

// Output:
// [/home] begins
// [/home] found user
// [/home] found page
// [/home] ends
// [/news] begins
// [/news] found user
// [/news] found page
// [/news] ends
// [none] all served
// lines of this thread: 9
// of the other: 0
