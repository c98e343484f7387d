// SPDX-License-Identifier: BSL-1.0
//
// Bytes over a pipe: a Connection whose messages are byte strings.
//
// `send_bytes` sends a part of any buffer as one message. The receiver may say how long a message it
// accepts, or have it put into a buffer of its own.

#include <cohort/cohort.hpp>

#include <array>
#include <iostream>
#include <string>

int main() {
  const auto pipe = cohort::Pipe<std::string>();
  const std::array<int, 3> numbers{1, 2, 3};

  pipe.left.send_bytes("hello, world").block();
  pipe.left.send_bytes("hello, world", 7, 3).block();  // from byte 7, 3 bytes
  pipe.left.send_bytes(numbers, sizeof(int)).block();  // the second and the third
  std::cout << pipe.right.recv_bytes().block() << '\n';
  std::cout << pipe.right.recv_bytes().block() << '\n';

  std::array<int, 4> received{};
  const auto size = pipe.right.recv_bytes_into(received).block();
  std::cout << size / sizeof(int) << " numbers: " << received[0] << ' ' << received[1] << '\n';

  std::array<char, 4> small{};
  pipe.left.send_bytes("too long").block();
  try {
    pipe.right.recv_bytes_into(small).block();
  } catch (const cohort::BufferTooShort& e) {
    std::cout << "no room for: " << e.message() << '\n';
  }

  pipe.left.send_bytes(std::string(1000, 'x')).block();
  try {
    pipe.right.recv_bytes(100).block();
  } catch (const cohort::BadMessage&) {
    std::cout << "that is more than was agreed\n";
  }
  std::cout << std::boolalpha << pipe.right.readable() << ' ' << pipe.right.writable() << '\n';
}

// Output:
// hello, world
// wor
// 2 numbers: 2 3
// no room for: too long
// that is more than was agreed
// false true
