// SPDX-License-Identifier: BSL-1.0
//
// The end of a pipe.
//
// The reader receives until `EndOfStream`, which comes when every handle of the other end is closed or
// gone, and everything was received. Where that is not wanted, an empty message can say the same.

#include <cohort/cohort.hpp>

#include <iostream>
#include <optional>
#include <utility>

using cohort::Connection;
using cohort::Task;

Task<> read_to_the_end(Connection<int> in) {
  try {
    for (;;) {
      const int number = co_await in.recv();
      std::cout << number << '\n';
    }
  } catch (const cohort::EndOfStream&) {
    std::cout << "the end\n";
  }
}

Task<> write_five(Connection<int> out) {
  for (int i = 0; i < 5; ++i) co_await out.send(i);
}  // the handle goes, and the end is closed

Task<> read_to_the_empty_one(Connection<std::optional<int>> in) {
  for (;;) {
    const auto number = co_await in.recv();
    if (!number) break;
    std::cout << *number << '\n';
  }
  std::cout << "the empty one\n";
}

int main() {
  auto [reader, writer] = cohort::Pipe<int>(false);  // one way
  cohort::ThreadPool pool{2};
  const auto reading = pool.submit(read_to_the_end, std::move(reader));
  pool.submit(write_five, std::move(writer)).block();
  reading.block();

  auto [left, right] = cohort::Pipe<std::optional<int>>();
  const auto again = pool.submit(read_to_the_empty_one, left);
  for (int i = 0; i < 3; ++i) right.send(i).block();
  right.send(std::nullopt).block();
  again.block();
}

// Output:
// 0
// 1
// 2
// 3
// 4
// the end
// 0
// 1
// 2
// the empty one
