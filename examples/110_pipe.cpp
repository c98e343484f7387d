// SPDX-License-Identifier: BSL-1.0
//
// A Pipe: two connections that talk to each other.
//
// Both ends send and receive. A connection is a handle: copies of it are the same end. When every
// copy of one end is closed or gone, the other receives what is still there, and then EndOfStream.

#include <cohort/cohort.hpp>

#include <iostream>
#include <string>
#include <utility>

using cohort::Connection;
using cohort::Task;

Task<> parrot(Connection<std::string> line) {
  try {
    for (;;) {
      const std::string heard = co_await line.recv();
      co_await line.send(heard + "! " + heard + "!");
    }
  } catch (const cohort::EndOfStream&) {}
}

int main() {
  cohort::ThreadPool pool{1};
  auto [left, right] = cohort::Pipe<std::string>();
  const auto bird = pool.submit(parrot, std::move(right));

  for (const char* word : {"hello", "bye"}) {
    left.send(word).block();
    left.poll().block();  // there is an answer; nothing is taken yet
    std::cout << left.recv().block() << '\n';
  }
  left.close();
  bird.block();

  auto [reader, writer] = cohort::Pipe<int>(false);  // one way
  reader.close();
  try {
    writer.send(1).block();
  } catch (const cohort::BrokenPipe&) {
    std::cout << "nobody listens\n";
  }
}

// Output:
// hello! hello!
// bye! bye!
// nobody listens
